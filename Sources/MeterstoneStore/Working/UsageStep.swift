import MeterstoneCore

/// One fact about usage, as it counts for one subject.
struct UsageStep {
    let sequence: Int64
    /// 0 when it is the subject's own, 1 when it is a member's, and so on.
    let level: Int
    let owner: Int64
    let content: Content

    enum Content {
        case usage(UsageRecord)
        case correction(CorrectionRecord)
    }

    var occurredAt: Instant {
        switch content {
        case .usage(let record): record.occurredAt
        case .correction(let correction): correction.occurredAt
        }
    }

    /// `nil`: it does not count for the subject.
    init?(_ fact: Fact, of subject: Int64, names: [MeterKey]) throws(StoreError) {
        var reader = fact.reader
        let ancestors: [Int64]
        do throws(MalformedRecord) {
            switch fact.kind {
            case .usage:
                let record = try UsageRecord(&reader, names: names)
                (content, ancestors) = (.usage(record), record.ancestors)
            case .correction:
                let correction = try CorrectionRecord(&reader, names: names)
                (content, ancestors) = (.correction(correction), correction.before.ancestors)
            default: throw MalformedRecord()
            }
        } catch {
            throw .unreadable(fact.sequence)
        }
        owner = fact.subject
        sequence = fact.sequence
        if owner == subject {
            level = 0
        } else if let place = ancestors.firstIndex(of: subject) {
            level = place + 1
        } else {
            return nil
        }
    }

    /// The same of a row. A team's pointer is followed to the row of its member.
    init?(
        _ row: StoredFact, of subject: Int64, names: [MeterKey], source: any DecisionSource
    ) throws(StoreError) {
        var (body, owner) = (row.body, subject)
        let pointer: EventLocation?
        do throws(MalformedRecord) { pointer = try row.pointer } catch {
            throw .unreadable(row.sequence)
        }
        if let pointer {
            guard let found = try source.body(at: pointer) else { throw .unreadable(row.sequence) }
            (body, owner) = (found, pointer.subject)
        }
        guard let kind = body.first.flatMap({ FactKind(rawValue: $0) }) else {
            throw .unreadable(row.sequence)
        }
        try self.init(
            Fact(
                kind: kind, sequence: row.sequence, subject: owner, bytes: body, offset: 0,
                start: 0, end: body.count),
            of: subject, names: names)
    }

    /// What the event contributed to a series before this, and what since. Under a count every contribution
    /// is worth one.
    func contributions(
        to definition: SeriesDefinition
    ) -> (before: Contribution?, after: Contribution?) {
        func contribution(_ record: UsageRecord?, _ sequence: Int64) -> Contribution? {
            record.flatMap {
                definition.contribution(
                    of: $0, level: level, owner: owner, sequence: sequence)
            }?.counted(as: definition.aggregation)
        }
        switch content {
        case .usage(let record): return (nil, contribution(record, sequence))
        case .correction(let correction):
            return (
                contribution(correction.before, correction.target),
                contribution(correction.after, correction.target)
            )
        }
    }
}
