import Meterstone
import MeterstoneCore
import MeterstoneStore

/// What the engine said to one row.
enum RowAnswer: Sendable {
    case counted, duplicate
    case allowed(isDuplicate: Bool)
    case denied
    case rejected(String)
}

extension MeterstoneEngine {
    func answers(
        to events: [UsageEvent], isEnforced: Bool
    ) async throws(StoreError) -> [RowAnswer] {
        guard isEnforced else { return try await record(events).map { RowAnswer($0) } }
        return try await consume(events).map { RowAnswer($0) }
    }
}

extension RowAnswer {
    fileprivate init(_ outcome: RecordOutcome) {
        switch outcome {
        case .counted: self = .counted
        case .duplicate: self = .duplicate
        case .conflict(let id): self = .conflict(id)
        case .rejected(let rejection): self = .rejected(rejection.text)
        }
    }

    fileprivate init(_ outcome: ConsumeOutcome) {
        switch outcome {
        case .decided(let decision):
            self = decision.isAllowed ? .allowed(isDuplicate: decision.isDuplicate) : .denied
        case .conflict(let id): self = .conflict(id)
        case .rejected(let rejection): self = .rejected(rejection.text)
        }
    }

    private static func conflict(_ id: EventID) -> RowAnswer {
        .rejected("event id '\(id)' was used before, with other content")
    }
}

extension ImportSummary {
    mutating func count(_ answers: [RowAnswer], of batch: ImportBatch) {
        for (index, answer) in answers.enumerated() {
            switch answer {
            case .counted: counted += 1
            case .duplicate: duplicate += 1
            case .allowed(let isDuplicate):
                allowed += 1
                if isDuplicate { duplicate += 1 } else { counted += 1 }
            case .denied:
                denied += 1
                denials[batch.events[index].subject, default: 0] += 1
            case .rejected(let reason):
                reject(RowProblem(line: batch.lines[index], reason: reason))
            }
        }
    }
}
