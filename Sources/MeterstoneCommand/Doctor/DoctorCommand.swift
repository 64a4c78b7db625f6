import ArgumentParser
import Meterstone

/// `meterstone doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Look at configuration, disk, clock, zones, store and backups, and say what to do.",
        discussion: """
            Reads the same settings as `serve`. Ends with 1 where it finds a problem. It changes nothing.
            Example: meterstone doctor --data /var/lib/meterstone
            """)

    @OptionGroup var store: StoreArguments

    func run() async throws {
        let findings = await Doctor(try store.settings(), at: SystemClock.now()).findings()
        Console.write(findings.map(\.text).joined(separator: "\n"))
        guard findings.allSatisfy({ $0.level != .problem }) else {
            throw ExitCode(ProgramExit.negative.rawValue)
        }
    }
}
