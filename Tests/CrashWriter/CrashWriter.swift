import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import Synchronization

/// Consumes without end, and writes each answered event id to standard output, for the crash test to
/// kill. Arguments: the store's directory, and a name for this run.
@main
struct CrashWriter {
    static let subjects = 7
    static let callers = 48

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { exit(2) }
        let zones = ZoneDatabase()
        var options = StoreOptions()
        options.zoneRules = { zones.rules(named: $0) }
        let store = try SQLiteStore(directory: arguments[1], options: options)
        let engine = MeterstoneEngine(store: store)
        try await setUp(engine)
        await withTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask { await consume(engine, caller, run: arguments[2]) }
            }
        }
    }

    private static func setUp(_ engine: MeterstoneEngine) async throws {
        let meter = MeterKey(unchecked: "prompts")
        let windows: [Window] = [.hour, .day, .lifetime, .rolling(seconds: 60)]
        _ = try await engine.apply(
            Blueprint(
                meters: [Meter(key: meter)],
                limits: windows.enumerated().map { index, window in
                    Limit(
                        key: LimitKey(unchecked: "limit\(index)"), meter: meter, window: window,
                        defaultAllowance: .units(1_000_000_000))
                }),
            author: "crash")
        for number in 0..<subjects {
            let subject = Subject(
                id: SubjectID(unchecked: "user\(number)"),
                parent: number % 2 == 0 ? SubjectID(unchecked: "team") : nil)
            _ = try await engine.change(
                ChangeRequest(change: .putSubject(subject), author: "crash"))
        }
    }

    private static func consume(_ engine: MeterstoneEngine, _ caller: Int, run: String) async {
        for number in 0... {
            let id = "\(run)-\(caller)-\(number)"
            let event = UsageEvent(
                id: EventID(id),
                subject: SubjectID(unchecked: "user\((caller + number) % subjects)"),
                quantities: .one(MeterKey(unchecked: "prompts"), 1))
            guard case .decided(let decision)? = try? await engine.consume(event),
                decision.isAllowed
            else { exit(3) }
            // One write of a short line is not torn by a pipe.
            FileHandle.standardOutput.write(Data("\(id)\n".utf8))
        }
    }
}
