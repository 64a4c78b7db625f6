import Foundation
import Meterstone
import MeterstoneClient
import MeterstoneCore

/// A client of a server: `Asking http://127.0.0.1:8080`, with the key in `METERSTONE_KEY`. The server has a meter
/// `prompts`, as the blueprint video-studio has it.
@main struct Asking {
    static func main() async throws {
        let url = CommandLine.arguments.dropFirst().first ?? "http://127.0.0.1:8080"
        let client = try MeterstoneClient(
            url: url, key: ProcessInfo.processInfo.environment["METERSTONE_KEY"])
        let queue = try RecordQueue(for: client)
        let ada = SubjectID(unchecked: "ada")
        let prompts = MeterKey(unchecked: "prompts")

        let outcome = try await client.consume(
            UsageEvent(subject: ada, quantities: .one(prompts, 1)),
            whenUnreachable: .allow(queue))
        switch outcome {
        case .decided(let decision): print(decision.isAllowed ? "allowed" : "refused")
        case .conflict(let id): print("\(id) was used before")
        case .rejected(let rejection): print(rejection.field, rejection.message)
        }
        for status in try await client.limits(of: ada) {
            print(status.limit, "\(status.used) used, \(status.remaining) left")
        }
        try await queue.close()
        await client.shutdown()
    }
}
