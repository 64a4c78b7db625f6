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
        Console.write(try Changes.text(receipt.outcome, of: name))
    }

    /// What became of something. That it is not there is a failure, as over HTTP: a script that misspells whom it
    /// erases has to notice.
    static func text(_ outcome: ChangeOutcome, of name: String) throws -> String {
        switch outcome {
        case .created, .credited: return "created \(name)"
        case .replaced: return "replaced \(name)"
        case .unchanged: return "unchanged: \(name)"
        case .deleted: return "deleted \(name)"
        case .missing: throw CommandFailure(.badData, "there is no \(name)")
        case .rejected(let rejection): throw CommandFailure(rejection)
        }
    }
}
