import MeterstoneCore
import MeterstoneStore

/// What was told of a person who is erased goes, and the numbers stay.
extension MirrorWriter {
    /// Keys of persons whom the facts of a page erase, as tables may still have them, by number.
    func keys(ofErasedIn page: FactPage) throws(StoreError) -> [Int64: Set<String>] {
        var keys: [Int64: Set<String>] = [:]
        for fact in page.facts {
            guard case .change(let record) = fact.content,
                case .eraseSubject(let id, let erasure) = record.change,
                let subject = page.subjects.values.first(where: { $0.profile.id == erasure.key })
            else { continue }
            let former = Set(erasure.formerKeys + [id])
            let merged = erasure.mergedKeys ?? []
            keys[subject.number, default: []].formUnion(former.subtracting(merged).map(\.text))
            if let other = page.subjects.values.first(where: {
                $0.profile.id == erasure.key(ofMerged: 1)
            }) {
                keys[other.number, default: []].formUnion(merged.map(\.text))
            }
        }
        let rows = try database.rows(
            ["number", "id"], from: MirrorTables.subjects, where: "number",
            isOneOf: keys.keys.map { .integer($0) })
        for row in rows {
            if let number = row[0].integer, let id = row[1].text { keys[number]?.insert(id) }
        }
        return keys
    }

    func forget(_ page: FactPage, _ keys: [Int64: Set<String>]) throws(StoreError) {
        let erased = page.subjects.values.filter { $0.profile.erasedAt != nil }
        for subject in erased {
            for (table, columns) in MirrorTables.texts {
                let nothing = columns.map { "\($0) = NULL" }.joined(separator: ", ")
                _ = try database.ask(
                    "UPDATE \(table.name) SET \(nothing) WHERE subject_number = $1",
                    [.integer(subject.number)])
            }
            if subject.alias != nil { try rename(subject) }
            for key in keys[subject.number] ?? [] where key != subject.profile.id.text {
                _ = try database.ask(
                    """
                    UPDATE changes SET author = '', key = $1, before = NULL, after = NULL
                    WHERE kind IN (\(MirrorTables.kindsOfSubjects))
                        AND (key = $2 OR key >= $3 AND key < $4)
                    """,
                    [
                        .text(subject.profile.id.text), .text(key), .text(key + "/"),
                        .text(key + "0"),
                    ]
                )
            }
        }
        guard !keys.isEmpty else { return }
        // Keys of the interface that go with a person are taken away right after.
        for fact in page.facts {
            guard case .change(let record) = fact.content, case .deleteKey(let key) = record.change
            else { continue }
            _ = try database.ask(
                "UPDATE changes SET before = NULL, after = NULL WHERE kind = 'key' AND key = $1",
                [.text(key.text)])
        }
    }

    /// Whoever was merged into the person has no row that would tell the former key.
    private func rename(_ subject: StoredSubject) throws(StoreError) {
        for table in MirrorTables.ofSubjects {
            _ = try database.ask(
                "UPDATE \(table.name) SET subject = $1 WHERE subject_number = $2",
                [.text(subject.profile.id.text), .integer(subject.number)])
        }
    }
}
