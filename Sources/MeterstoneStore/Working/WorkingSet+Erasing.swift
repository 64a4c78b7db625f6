import MeterstoneCore

/// Erasing a person.
///
/// The subject keeps its number, and with it everything that facts say of it in numbers; it gets a key that means
/// nothing, and nothing that was said of the person stays. The same goes for the numbers of those who were merged
/// into the person. Each key that meant the person has a row that says so, which is dropped when the store is
/// compacted: until then, too, the key is that of somebody unknown.
extension WorkingSet {
    /// With what the person is called, for whoever looks for it in what is stored.
    func decided(_ erasure: Erasure, of id: SubjectID) throws(StoreError) -> Change {
        let state = try state(of: id)
        var erasure = erasure
        erasure.formerKeys = [state.id] + state.aliases
        erasure.names = state.profile.names + state.identities.map(\.identityText)
        let rows = try all(state.aliases) { (key) throws(StoreError) in try row(of: key) }
        let merged = rows.filter { $0.alias == .merged }.map(\.id)
        if !merged.isEmpty { erasure.mergedKeys = Set(merged) }
        return .eraseSubject(id, erasure)
    }

    /// Takes away keys of the interface that were bound to a person.
    func delete(_ keys: [APIKey], by author: String, at now: Instant) throws(StoreError) {
        for key in keys {
            let request = ChangeRequest(change: .deleteKey(key.key), author: author)
            let (outcome, effect) = try effect(
                of: request.change, by: author, at: now, batch.nextSequence)
            let record = ChangeRecord(
                sequence: batch.nextSequence, recordedAt: now, request: request, outcome: outcome,
                before: nil, after: nil)
            try write(record, effect, of: 0)
        }
    }

    /// Rows of those who were merged into a subject, in the order of their numbers.
    func rows(ofMergedInto state: SubjectState) throws(StoreError) -> [SubjectState] {
        try all(state.merged) { (number) throws(StoreError) in try self.state(number: number) }
    }

    func erase(
        _ state: SubjectState, as erasure: Erasure, at sequence: Int64, on instant: Instant
    ) throws(StoreError) {
        let spare = try rekey(state, as: erasure.key)
        let merged = try rows(ofMergedInto: state)
        for (place, row) in merged.enumerated() {
            _ = try rekey(row, as: erasure.key(ofMerged: place + 1))
        }
        let rows = try state.aliases.map { (key) throws(StoreError) in try row(of: key) }
        for row in rows + [spare] { forget(row, at: sequence, on: instant) }
        for row in merged {
            row.stand(for: state, as: .merged)
            row.profile.erasedAt = instant
            row.times.updatedAt = instant
            noteRow(of: row, at: sequence)
        }
        state.profile = state.profile.erased(as: erasure.key, at: instant)
        state.past = state.past.withoutTexts
        state.aliases = merged.map(\.id).sorted()
        state.times.updatedAt = instant
        version += 1
        noteRow(of: state, at: sequence)
    }

    /// Gives a row another key.
    ///
    /// - Returns: the row that had the key, which has the former one now.
    private func rekey(
        _ state: SubjectState, as key: SubjectID
    ) throws(StoreError) -> SubjectState {
        let former = state.id
        let spare = try row(of: key)
        (state.id, spare.id) = (key, former)
        (subjects[key], subjects[former]) = (state, spare)
        return spare
    }

    /// From here on nothing is known of a key, and whoever comes with it gets another number.
    private func forget(_ row: SubjectState, at sequence: Int64, on instant: Instant) {
        let stored = StoredSubject(
            number: row.number, firstSequence: row.firstSequence, profile: Subject(id: row.id),
            times: Times(updatedAt: instant), alias: .erased)
        tail.note(SubjectRow(sequence: sequence, subject: stored, news: .profile))
        byNumber[row.number] = nil
        row.number = 0
        row.firstSequence = 0
        row.profile = Subject(id: row.id)
        row.alias = nil
        row.parent = nil
        row.since = nil
        row.times = Times()
        row.rowSequence = sequence
    }
}

extension Rejection {
    static func erased(_ id: SubjectID, _ field: String = "subject") -> Rejection {
        Rejection(
            code: .subjectErased, field: field,
            message: "expected somebody of whom something may be said; '\(id)' was erased")
    }
}
