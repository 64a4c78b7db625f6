import Meterstone
import MeterstoneCore

/// What was said to one row.
enum RowAnswer: Sendable {
    case counted, duplicate
    case allowed(isDuplicate: Bool)
    case denied
    case conflict(EventID)
    case rejected(String)
}

extension MeterstoneService {
    func answers(
        to events: [UsageEvent], isEnforced: Bool
    ) async throws -> [RowAnswer] {
        var answers =
            isEnforced
            ? try await consume(events).map { RowAnswer($0) }
            : try await record(events).map { RowAnswer($0) }
        var explained = 0
        for index in answers.indices {
            guard case .conflict(let id) = answers[index], explained < Self.explainedConflictsMax
            else { continue }
            let fields = try await differences(of: events[index], terms: nil)
            answers[index] = .rejected(RowAnswer.text(of: id, differs: fields))
            explained += 1
        }
        return answers
    }

    /// Conflicts of one batch that are looked at more closely; a summary shows no more of them.
    private static var explainedConflictsMax: Int { 100 }
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

    fileprivate static func text(of id: EventID, differs fields: [String]) -> String {
        let differs = fields.isEmpty ? "" : "; it differs in \(fields.joined(separator: ", "))"
        return "event id '\(id)' was used before, with other content\(differs)"
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
            case .conflict(let id):
                let reason = RowAnswer.text(of: id, differs: [])
                reject(RowProblem(line: batch.lines[index], reason: reason))
            case .rejected(let reason):
                reject(RowProblem(line: batch.lines[index], reason: reason))
            }
        }
    }
}
