import MeterstoneCore

extension WorkingSet {
    /// Carries out again what a durable batch says: how a working set comes back after a crash.
    ///
    /// A counter that already includes a fact is left alone, so that replaying what was partly
    /// projected does no harm.
    package func replay(_ sealed: JournalBatch) throws(StoreError) {
        tail.append(sealed)
        batch = JournalBatchBuilder(firstSequence: sealed.lastSequence + 1)
        replayedDeed = sealed.firstSequence - 1
        defer { (replayed, replayedDeed) = (nil, .max) }
        var last = sealed.firstSequence - 1
        try sealed.forEach { (fact) throws(StoreError) in
            replayed = fact.sequence
            last = fact.sequence
            do {
                try replay(fact, in: sealed)
                if fact.kind != .subject { replayedDeed = fact.sequence }
            } catch let error as StoreError {
                throw error
            } catch {
                throw StoreError.unreadable(fact.sequence)
            }
        }
        guard last == sealed.lastSequence else {
            throw .unreadable(last + 1)
        }
        tail.closeFullSection()
    }

    private func replay(_ fact: Fact, in sealed: JournalBatch) throws {
        var reader = fact.reader
        let position = TailPosition(
            batch: sealed.firstSequence, offset: fact.offset - sealed.factsStart,
            sequence: fact.sequence)
        switch fact.kind {
        case .subject:
            guard let id = SubjectID(try reader.text()) else { throw MalformedRecord() }
            // Earlier versions wrote the first alone, and only where plans give credit.
            let since = reader.isAtEnd ? nil : try reader.signed()
            let createdAt = reader.isAtEnd ? nil : try reader.signed()
            introduce(
                try state(of: id), number: fact.subject, at: fact.sequence,
                since: since.flatMap { $0 < 0 ? nil : Instant(millisecondsSince1970: $0) },
                createdAt: createdAt.map { Instant(millisecondsSince1970: $0) })
        case .usage:
            let record = try UsageRecord(&reader, names: registry.names)
            let owner = try state(number: fact.subject)
            try apply(
                record, of: owner, try levels(of: record, owner),
                catalog.movements(of: record.event(subject: owner.id)), isGenerated: false,
                at: position)
        case .correction:
            let record = try CorrectionRecord(&reader, names: registry.names)
            let owner = try state(number: fact.subject)
            guard let effects = try effects(of: record, owner, at: fact.sequence) else {
                throw MalformedRecord()
            }
            try apply(record, effects, of: owner, at: position)
        case .change:
            let record = try ChangeRecord(reading: fact)
            let effect =
                record.outcome.isChange
                ? try effect(
                    of: record.change, by: record.author, at: record.recordedAt, record.sequence,
                    formerZones: record.formerZones ?? []
                ).effect
                : .none
            try apply(record, effect, at: fact.sequence)
        case .entry:
            let bytes = Array(fact.body)
            try apply(
                try LedgerRecord(body: bytes), bytes, of: try state(number: fact.subject),
                at: fact.sequence)
        case .expiry:
            let next = try reader.signed()
            setNextExpiry(
                of: try state(number: fact.subject),
                next < 0 ? nil : Instant(millisecondsSince1970: next), at: fact.sequence)
        case .member: throw MalformedRecord()
        }
    }
}
