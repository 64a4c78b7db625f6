import Foundation
import Meterstone
import MeterstoneCore

/// Changes made from the command line.
enum Changes {
    /// Who the audit log names: the user of the machine.
    static var author: String {
        ProcessInfo.processInfo.environment["USER"].map { "\($0) (command line)" } ?? "command line"
    }

    /// Makes one change and says what became of it.
    static func make(
        _ change: Change, of name: String, _ store: ServiceArguments,
        for purpose: OpenStore.Purpose = .existing
    ) async throws {
        let receipt = try await OpenStore.with(store, for: purpose) { service in
            try await service.change(ChangeRequest(change: change, author: author))
        }
        Console.write("\(try text(receipt.outcome)) \(name)")
    }

    static func text(_ outcome: ChangeOutcome) throws -> String {
        switch outcome {
        case .created, .credited: return "created"
        case .replaced: return "replaced"
        case .unchanged: return "unchanged:"
        case .deleted: return "deleted"
        case .missing: return "there is no"
        case .rejected(let rejection): throw CommandFailure(rejection)
        }
    }
}
