import Foundation
import Meterstone
import MeterstoneArchive
package import MeterstoneBlueprint
import MeterstoneClient
package import MeterstoneCore
import MeterstoneImport
import MeterstoneShipping
package import MeterstoneStore

/// Why a command failed, in words, and the exit code for it.
package struct CommandFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let status: ProgramExit
    package let message: String

    package init(_ status: ProgramExit, _ message: String) {
        self.status = status
        self.message = message
    }

    package var description: String { message }
}

extension CommandFailure {
    /// `nil` for errors that are not ours, which ArgumentParser knows how to tell.
    package init?(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as StoreError: self.init(ProgramExit(error.code), error.wholeMessage)
        case let error as ClientError where error.code == .unauthorized:
            self.init(
                ProgramExit(error.code), "the server takes no such key: set METERSTONE_KEY to one")
        case let error as ClientError: self.init(ProgramExit(error.code), error.message)
        case let error as ImportError: self.init(ProgramExit(error.code), error.message)
        case let error as ShippingError: self.init(ProgramExit(error.kind), error.message)
        case let error as ArchiveError: self.init(ProgramExit(error.kind), error.message)
        case let rejection as Rejection: self.init(rejection)
        case let error as CocoaError:
            let place = error.filePath.map { "'\($0)': " } ?? ""
            self.init(.inputOutput, place + error.localizedDescription)
        default: return nil
        }
    }

    package init(_ rejection: Rejection) {
        let place = rejection.field.isEmpty ? "" : "\(rejection.field): "
        self.init(.badData, "\(place)\(rejection.message) (\(rejection.code.rawValue))")
    }

    /// - Parameter fields: those that say something else than before.
    init(conflict id: EventID, differs fields: [String]) {
        let differs = fields.isEmpty ? "" : "; it differs in \(fields.joined(separator: ", "))"
        self.init(.badData, "event id '\(id)' was used before, with other content\(differs)")
    }

    /// Every mistake on a line of its own, in the form that editors can jump to.
    package init(_ error: BlueprintError, in name: String) {
        let lines = error.mistakes.map { "\(name):\($0)" }
        self.init(.badData, "the blueprint has mistakes\n" + lines.joined(separator: "\n"))
    }
}

extension MeterstoneService {
    /// The failure of a conflict, with what differs.
    func failure(
        _ id: EventID, _ event: UsageEvent, _ terms: ReservationTerms? = nil
    ) async throws -> CommandFailure {
        CommandFailure(conflict: id, differs: try await differences(of: event, terms: terms))
    }
}

extension ProgramExit {
    package init(_ code: StoreError.Code) {
        switch code {
        case .diskFull, .inputOutput, .halted: self = .inputOutput
        case .corrupt, .schemaTooNew: self = .badData
        case .locked, .unavailable: self = .unavailable
        case .outcomeUnknown, .overloaded: self = .temporaryFailure
        default: self = .software
        }
    }

    init(_ kind: ShippingError.Kind) {
        switch kind {
        case .fenced, .unavailable: self = .unavailable
        case .foreign, .damaged: self = .badData
        }
    }

    init(_ kind: ArchiveError.Kind) {
        switch kind {
        case .foreign: self = .usage
        case .damaged: self = .badData
        case .inputOutput, .diskFull: self = .inputOutput
        }
    }

    init(_ code: ClientError.Code) {
        switch code {
        case .unreachable, .unauthorized: self = .unavailable
        case .refused: self = .badData
        case .queueFull: self = .temporaryFailure
        case .unexpectedAnswer, .closed: self = .software
        }
    }

    init(_ code: ImportError.Code) {
        switch code {
        case .usage: self = .usage
        case .badData: self = .badData
        case .unreadable, .inputOutput: self = .inputOutput
        }
    }
}
