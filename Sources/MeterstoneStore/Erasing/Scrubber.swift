package import MeterstoneCore

/// Says what is left of each stored thing once the persons are forgotten who are erased.
///
/// It keeps numbers, times, plans and what meters, limits and prices look at, and leaves out every text that
/// somebody told of a person. Whoever scrubs what was scrubbed gets the same again.
package struct Scrubber {
    struct Person {
        let key: SubjectID
        /// The last fact that is the person's. A key may mean somebody new since.
        let until: Int64
        var formerKeys: Set<SubjectID>
        var names: Set<String>
    }

    let registry: Registry
    /// Dimensions that something counts by, and `project` and `session`.
    let counted: Set<String>
    private(set) var persons: [Int64: Person] = [:]
    /// Without those who were merged into another.
    private(set) var personsCount = 0
    /// Numbers of rows that say no more than that a key means nobody.
    package private(set) var emptyRows: [Int64] = []
    /// What the ids of persons' events became, which ledgers refer to.
    var eventIDs: [String: String] = [:]
    /// Every former key, and whose it was, one person after the other.
    let byFormerKey: [SubjectID: [Int64]]
    /// What persons were called, and what stands in its place elsewhere.
    let names: [(text: String, key: SubjectID)]

    /// - Parameter source: everything is projected.
    package init(_ source: any InspectionSource, _ registry: Registry) throws(StoreError) {
        self.registry = registry
        counted = registry.countedDimensions
        var numbers: [SubjectID: Int64] = [:]
        var last: SubjectID?
        while true {
            let subjects = try source.subjects(after: last, count: 5_000)
            for subject in subjects {
                if subject.alias == .erased { emptyRows.append(subject.number) }
                if subject.profile.erasedAt != nil { numbers[subject.profile.id] = subject.number }
            }
            guard let next = subjects.last?.profile.id else { break }
            last = next
        }
        var persons: [Int64: Person] = [:]
        var byFormerKey: [SubjectID: [Int64]] = [:]
        for record in try source.changes(ofKind: Erasure.kind, key: nil) {
            guard case .eraseSubject(let id, let erasure) = record.change,
                let number = numbers[erasure.key]
            else { continue }
            var keys = Set(erasure.formerKeys)
            if id != erasure.key { keys.insert(id) }
            let mergedKeys = erasure.mergedKeys ?? []
            var merged: [Int64] = []
            personsCount += 1
            while let next = numbers[erasure.key(ofMerged: merged.count + 1)] {
                merged.append(next)
            }
            persons[number] = Person(
                key: erasure.key, until: record.sequence, formerKeys: keys,
                names: Set(erasure.names))
            for (place, number) in merged.enumerated() {
                persons[number] = Person(
                    key: erasure.key(ofMerged: place + 1), until: record.sequence,
                    formerKeys: mergedKeys, names: try Self.names(of: mergedKeys, source))
            }
            // What was said of those who were merged is told apart from what was said of the person.
            for key in keys {
                let isMerged = mergedKeys.contains(key)
                byFormerKey[key, default: []].append(isMerged ? merged.first ?? number : number)
            }
        }
        self.persons = persons
        self.byFormerKey = byFormerKey
        names = persons.values.flatMap { person in
            (person.formerKeys.map(\.text) + person.names)
                .filter { $0.utf8.count >= Self.bytesOfNameMin }
                .map { (text: $0.lowercased(), key: person.key) }
        }
    }

    /// What those were called who had some keys when they were merged into another.
    private static func names(
        of keys: Set<SubjectID>, _ source: any InspectionSource
    ) throws(StoreError) -> Set<String> {
        var names: Set<String> = []
        for record in try source.changes(ofKind: "merge", key: nil) {
            guard case .mergeSubject(_, let from) = record.change, keys.contains(from),
                let before = record.before
            else { continue }
            names.formUnion(try JSONText(text: before).decoded(as: Subject.self).names)
        }
        return names
    }

    /// A shorter text is a part of too many words to be looked for within others.
    static let bytesOfNameMin = 5

    /// Whether there is anything to forget.
    package var isEmpty: Bool { persons.isEmpty && emptyRows.isEmpty }

    /// Who had a key when a fact was recorded; `nil`: nobody who is erased.
    func person(_ key: SubjectID, at sequence: Int64) -> Person? {
        byFormerKey[key]?.lazy.compactMap { persons[$0] }.first { sequence <= $0.until }
    }

    /// The key of a person whom a text names; `nil`: it names none.
    func person(in text: String?) -> SubjectID? {
        guard let text = text?.lowercased(), !names.isEmpty else { return nil }
        return names.first { text.contains($0.text) }?.key
    }

    /// The text, or a key in the place of one that names a person.
    func clean(_ text: String?) -> String? { person(in: text)?.text ?? text }
}

extension Erasure {
    /// Of its changes.
    static let kind = "erasure"
}

// MARK: Subjects

extension Scrubber {
    /// Visits the rows that change, some at a time.
    package func forEachPart(
        ofSubjectsIn source: any InspectionSource,
        _ write: ([StoredSubject]) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last: SubjectID?
        while true {
            let subjects = try source.subjects(after: last, count: 5_000)
            guard let next = subjects.last?.profile.id else { return }
            let left = subjects.compactMap { scrubbed($0) }
            if !left.isEmpty { try write(left) }
            last = next
        }
    }

    /// - Returns: `nil`: it stays as it is.
    private func scrubbed(_ subject: StoredSubject) -> StoredSubject? {
        let past = subject.past.renamingTeams { key in
            person(key, at: 0)?.key ?? key
        }
        var left = subject
        left.past = past
        for (limit, resets) in subject.profile.resets {
            left.profile.resets[limit] = resets.map { reset in
                var reset = reset
                reset.reason = clean(reset.reason) ?? ""
                if person(in: reset.author) != nil { reset.author = "" }
                return reset
            }
        }
        left.profile.additions = subject.profile.additions.map { addition in
            var addition = addition
            addition.reason = clean(addition.reason)
            if person(in: addition.author) != nil { addition.author = nil }
            return addition
        }
        return left.past == subject.past && left.profile == subject.profile ? nil : left
    }
}
