package import MeterstoneCore

/// The part of the journal that is not projected, as it stood after one commit. Taking it costs nobody
/// anything, and it stays as it is.
package struct TailSnapshot: Sendable {
    let sections: [TailSection]

    package init(_ sections: [TailSection] = []) {
        self.sections = sections
    }

    /// Oldest first.
    package var batches: [JournalBatch] { sections.flatMap(\.batches) }

    package func facts(_ topic: FactTopic, of subject: Int64) -> [Fact] {
        sections.flatMap { $0.facts(topic, of: subject) }
    }

    func fact(_ sequence: Int64) -> Fact? {
        sections.lazy.compactMap { $0.fact(sequence) }.first
    }

    func usage(ofKey key: UInt64) -> [Fact] {
        sections.flatMap { $0.usage(ofKey: key) }
    }

    package func forEach<Failure: Error>(
        _ visit: (Fact) throws(Failure) -> Void
    ) throws(Failure) {
        for batch in batches { try batch.forEach(visit) }
    }

    /// Events by column, section by section.
    ///
    /// - Parameters:
    ///   - first: the last fact of a commit; only what comes after it.
    ///   - last: the last fact of a commit; nothing that comes after it.
    package func columns(
        after first: Int64 = 0, through last: Int64 = .max, _ registry: Registry
    ) throws(StoreError) -> [ColumnEntries] {
        var result: [ColumnEntries] = []
        for section in sections {
            let entries = try section.columns(after: first, through: last, registry)
            if entries.count > 0 { result.append(entries) }
        }
        return result
    }

    /// The newest row of a subject.
    func row(of id: SubjectID) -> SubjectRow? {
        sections.reversed().lazy.compactMap { $0.row(of: id) }.first
    }

    func row(ofNumber number: Int64) -> SubjectRow? {
        sections.reversed().lazy.compactMap { $0.row(ofNumber: number) }.first
    }

    /// Rows of a subject, oldest first, among them all with another calendar than the one before.
    func moves(ofNumber number: Int64) -> [SubjectRow] {
        sections.flatMap { $0.moves(ofNumber: number) }
    }

    /// Versions of rows, oldest first.
    package var rows: [SubjectRow] { sections.flatMap(\.rows) }

    /// The subjects of which more changed after a fact than what expires next, as they are now.
    func changedSubjects(after sequence: Int64) -> [StoredSubject] {
        var numbers: Set<Int64> = []
        for section in sections {
            for row in section.rows where row.sequence > sequence && row.news != .expiry {
                numbers.insert(row.subject.number)
            }
        }
        return numbers.compactMap { row(ofNumber: $0)?.subject }
    }

    /// Some ids of subjects that have rows, greater than another one, sorted.
    func ids(after id: SubjectID?, count: Int) -> [SubjectID] {
        let found = Set(sections.flatMap { $0.ids(after: id, count: count) })
        return Array(found.sorted().prefix(count))
    }

    /// Oldest first.
    package var changes: [ChangeRecord] { sections.flatMap(\.changes) }

    func lastChange(where isWanted: (ChangeRecord) -> Bool) -> ChangeRecord? {
        for section in sections.reversed() {
            if let change = section.changes.last(where: isWanted) { return change }
        }
        return nil
    }
}
