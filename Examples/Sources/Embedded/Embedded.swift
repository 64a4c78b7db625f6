import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite

/// An engine within a program of one's own: ten prompts a day, and the eleventh is refused.
@main struct Embedded {
    static func main() async throws {
        let folder = CommandLine.arguments.dropFirst().first ?? "./meterstone-data"
        let prompts = MeterKey(unchecked: "prompts")
        let daily = Limit(
            key: LimitKey(unchecked: "prompts_daily"), meter: prompts, window: .day,
            defaultAllowance: .units(10))
        let engine = MeterstoneEngine(store: try SQLiteStore(directory: folder))
        _ = try await engine.apply(
            Blueprint(meters: [Meter(key: prompts)], limits: [daily]), author: "example")
        let ada = SubjectID(unchecked: "ada-\(UUID().uuidString)")
        for number in 1...11 {
            let event = UsageEvent(subject: ada, quantities: .one(prompts, 1))
            guard case .decided(let decision) = try await engine.consume(event) else { continue }
            let left = decision.limits.first?.remaining ?? 0
            print("prompt \(number):", decision.isAllowed ? "allowed, \(left) left" : "refused")
        }
        await engine.shutdown()
    }
}
