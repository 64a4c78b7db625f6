import MeterstoneCore

extension WorkingSet {
    /// Carries out again what a durable batch says: how a working set comes back after a crash.
    ///
    /// A counter that already includes a fact is left alone, so that replaying what was partly
    /// projected does no harm.
    package func replay(_ sealed: JournalBatch) throws(StoreError) {
        tail.append(sealed)
        batch = JournalBatchBuilder(firstSequence: sealed.lastSequence + 1)
        defer { replayed = nil }
        var last = sealed.firstSequence - 1
        try sealed.forEach { (fact) throws(StoreError) in
            replayed = fact.sequence
            last = fact.sequence
            do {
                try replay(fact, in: sealed)
            } catch let error as StoreError {
                throw error
            } catch {
                throw StoreError(
                    code: .corrupt, message: "the fact with sequence \(fact.sequence) is unreadable"
                )
            }
        }
        guard last == sealed.lastSequence else {
            throw StoreError(
                code: .corrupt, message: "the fact with sequence \(last + 1) is unreadable")
        }
        tail.closeFullSection()
    }

    private func replay(_ fact: Fact, in sealed: JournalBatch) throws {
        var reader = fact.reader
        switch fact.kind {
        case .subject:
            guard let id = SubjectID(try reader.text()) else { throw MalformedRecord() }
            let since =
                reader.isAtEnd ? nil : Instant(millisecondsSince1970: try reader.signed())
            introduce(try state(of: id), number: fact.subject, at: fact.sequence, since: since)
        case .usage:
            let record = try UsageRecord(&reader, names: registry.names)
            try replay(record, fact, in: sealed)
        case .correction:
            let record = try CorrectionRecord(&reader, names: registry.names)
            tail.noteCorrection(
                of: record.target,
                at: TailPosition(
                    batch: sealed.firstSequence, offset: fact.offset - sealed.factsStart,
                    sequence: fact.sequence))
            try apply(record, of: try state(number: fact.subject), at: fact.sequence)
        case .change:
            let record = try ChangeRecord(reading: fact)
            _ = try carryOut(record.change, at: fact.sequence, on: record.recordedAt)
            note(record, at: fact.sequence)
        case .entry:
            try replayEntry(fact, of: try state(number: fact.subject))
        case .expiry:
            let next = try reader.signed()
            setNextExpiry(
                of: try state(number: fact.subject),
                next < 0 ? nil : Instant(millisecondsSince1970: next), at: fact.sequence)
        case .member: throw MalformedRecord()
        }
    }

    private func replay(
        _ record: UsageRecord, _ fact: Fact, in sealed: JournalBatch
    ) throws(StoreError) {
        tail.remember(
            record.id.key(source: record.details?.source), isGenerated: false,
            at: TailPosition(
                batch: sealed.firstSequence, offset: fact.offset - sealed.factsStart,
                sequence: fact.sequence))
        let subject = try state(number: fact.subject)
        catalog.movements(of: record.event(subject: subject.id), into: &movements)
        tail.noteColumns(record, of: fact.subject, registry)
        var levels = [subject]
        for number in record.ancestors { levels.append(try state(number: number)) }
        for level in levels {
            try apply(record, to: level, at: fact.sequence)
            try noteActivity(record, of: level, isOwn: level === subject, at: fact.sequence)
        }
        if record.reservation != nil { try open(record, of: subject, at: fact.sequence) }
        for answer in record.answers where answer.level < levels.count {
            try countRefusal(answer, of: levels[answer.level], record, at: fact.sequence)
        }
    }
}
