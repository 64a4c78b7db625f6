package import MeterstoneCore

/// An event as it counts for one subject: after corrections.
package struct EffectiveEvent: Sendable {
    package let sequence: Int64
    package var record: UsageRecord
    /// 0 when the event is the subject's own, 1 when it is a member's, and so on.
    package let level: Int
    /// Whose event it is.
    package let owner: Int64
    package var corrections: [CorrectionNote] = []
    /// The last fact about it.
    package var lastSequence: Int64

    package var isVoided: Bool { corrections.last?.kind == .void }
}

/// Gathers facts about one subject, in any order that has corrections after what they correct.
package struct History {
    private let subject: Int64
    private let names: [MeterKey]
    private var bySequence: [Int64: EffectiveEvent] = [:]

    package init(subject: Int64, names: [MeterKey]) {
        self.subject = subject
        self.names = names
    }

    /// What counts, in the order of recording.
    package var events: [EffectiveEvent] {
        all.filter { !$0.isVoided }
    }

    /// What was recorded, voided events included, in the order of recording.
    package var all: [EffectiveEvent] {
        bySequence.values.sorted { $0.sequence < $1.sequence }
    }

    /// Adds a row. A team's pointer is followed to the row of its member.
    package mutating func add(_ fact: StoredFact, source: any DecisionSource) throws(StoreError) {
        do {
            guard let location = try fact.pointer else {
                return try add(fact.body, fact.sequence, owner: subject)
            }
            guard let body = try source.body(at: location) else { throw MalformedRecord() }
            try add(body, fact.sequence, owner: location.subject)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .unreadable(fact.sequence)
        }
    }

    /// Adds a fact with a body of its own.
    mutating func add(_ fact: StoredFact, owner: Int64) throws(StoreError) {
        do throws(MalformedRecord) {
            try add(fact.body, fact.sequence, owner: owner)
        } catch {
            throw .unreadable(fact.sequence)
        }
    }

    /// Adds a fact of the journal about usage, if that occurred on these days.
    package mutating func add(_ fact: Fact, days: ClosedRange<Int64>) throws(StoreError) {
        do throws(MalformedRecord) {
            var reader = fact.reader
            if fact.kind == .usage {
                _ = try reader.unsigned()
            }
            let day = Instant(millisecondsSince1970: try reader.signed()).utcDay
            guard days.contains(day) else { return }
            try add(Array(fact.body), fact.sequence, owner: fact.subject)
        } catch {
            throw .unreadable(fact.sequence)
        }
    }

    private mutating func add(
        _ body: [UInt8], _ sequence: Int64, owner: Int64
    ) throws(MalformedRecord) {
        var reader = ByteReader(body)
        switch FactKind(rawValue: try reader.byte()) {
        case .usage:
            let record = try UsageRecord(&reader, names: names)
            let ancestor = record.ancestors.firstIndex(of: subject)
            guard owner == subject || ancestor != nil else { return }
            bySequence[sequence] = EffectiveEvent(
                sequence: sequence, record: record,
                level: owner == subject ? 0 : (ancestor ?? 0) + 1, owner: owner,
                lastSequence: sequence)
        case .correction: apply(try CorrectionRecord(&reader, names: names), sequence)
        default: throw MalformedRecord()
        }
    }

    /// Adds a correction, unless it is there already.
    mutating func apply(_ correction: CorrectionRecord, _ sequence: Int64) {
        guard var event = bySequence[correction.target], event.lastSequence < sequence else {
            return
        }
        event.lastSequence = sequence
        if let after = correction.after { event.record = after }
        event.corrections.append(
            CorrectionNote(
                kind: correction.after == nil ? .void : .amend, author: correction.author,
                reason: correction.reason, recordedAt: correction.recordedAt))
        bySequence[correction.target] = event
    }
}

extension StoreError {
    static func unreadable(_ sequence: Int64) -> StoreError {
        StoreError(code: .corrupt, message: "the fact with sequence \(sequence) is unreadable")
    }
}

extension UsageRecord {
    /// The event as it was told, with id and time filled in.
    package func event(subject: SubjectID) -> UsageEvent {
        UsageEvent(
            id: id, subject: subject, occurredAt: occurredAt, quantities: quantities,
            details: details)
    }
}
