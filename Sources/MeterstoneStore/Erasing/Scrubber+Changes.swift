import MeterstoneCore

extension Scrubber {
    /// Visits what changes in the log of changes, some at a time.
    package func forEachPart(
        ofChangesIn source: any InspectionSource,
        _ write: ([ChangeRecord]) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last: Int64 = 0
        while true {
            let changes = try source.changes(after: last, count: StorePart.rowsMax)
            guard let next = changes.last?.sequence else { return }
            var left: [ChangeRecord] = []
            for change in changes {
                if let one = try scrubbed(change) { left.append(one) }
            }
            if !left.isEmpty { try write(left) }
            last = next
        }
    }

    /// What is left of a change.
    ///
    /// - Returns: `nil`: it stays as it is.
    private func scrubbed(_ record: ChangeRecord) throws(StoreError) -> ChangeRecord? {
        guard let person = person(of: record) else { return try scrubbedWords(of: record) }
        var left = record
        left.change = Self.left(of: record.change, as: person.key)
        left.patch = nil
        left.request = nil
        left.told = nil
        left.address = nil
        left.key = person.key.text
        if isNamed(person, in: record.author) { left.author = "" }
        left.idempotencyKey = record.idempotencyKey.map { _ in Self.text(of: record.sequence) }
        left.before = nil
        left.after = nil
        if case .credited(let receipt) = record.outcome {
            left.outcome = .credited(
                CreditReceipt(grant: nil, amount: receipt.amount, balance: receipt.balance))
        }
        return try JSONText(left).text == JSONText(record).text ? nil : left
    }

    /// Whether a text names a person, by whatever key.
    private func isNamed(_ person: Person, in text: String) -> Bool {
        self.person(in: text) != nil || person.formerKeys.contains { text.contains($0.text) }
    }

    /// Whose change it is, if a person's.
    private func person(of record: ChangeRecord) -> Person? {
        if case .eraseSubject(_, let erasure) = record.change {
            return persons.values.first { $0.key == erasure.key }
        }
        if record.kind == "key" {
            let keys = [record.before, record.after].compactMap(\.self).compactMap {
                try? JSONText(text: $0).decoded(as: APIKey.self).subject
            }
            return keys.lazy.compactMap { self.person($0, record.sequence) }.first
        }
        guard ChangeEntry.subjectKinds.contains(record.kind) else { return nil }
        let key = record.key
        if let whole = SubjectID(key).flatMap({ person($0, record.sequence) }) { return whole }
        for slash in key.indices where key[slash] == "/" {
            if let found = SubjectID(String(key[..<slash])).flatMap({ person($0, record.sequence) })
            {
                return found
            }
        }
        return nil
    }

    /// Also who has the key by now that means nothing.
    private func person(_ key: SubjectID, _ sequence: Int64) -> Person? {
        person(key, at: sequence) ?? persons.values.first { $0.key == key }
    }

    /// What tells plans and zones in time, which reports of the past are made of; of everything else, no more
    /// than that there was something.
    private static func left(of change: Change, as key: SubjectID) -> Change {
        switch change {
        case .putSubject(let subject):
            var left = subject.erased(as: key, at: .earliest)
            left.erasedAt = nil
            left.blocked = subject.blocked
            return .putSubject(left)
        case .deleteSubject: return .deleteSubject(key)
        case .putSubscription(_, let subscription):
            return .putSubscription(key, subscription.withoutTexts)
        case .turnSubscription(_, var turn):
            turn.subscription = turn.subscription.withoutTexts
            turn.cancelled = turn.cancelled.map(\.withoutTexts)
            turn.grants = []
            return .turnSubscription(key, turn)
        case .deleteSubscription: return .deleteSubscription(key)
        case .cancelScheduled(_, let start): return .cancelScheduled(key, startsAt: start)
        case .eraseSubject: return .eraseSubject(key, Erasure(key: key))
        case .putKey(let known), .rotateKey(_, let known, _): return .deleteKey(known.key)
        case .deleteKey: return change
        default: return .deleteAccount(key)
        }
    }

    /// What others are told of, without what names a person in words.
    private func scrubbedWords(of record: ChangeRecord) throws(StoreError) -> ChangeRecord? {
        let text = try JSONText(record).text
        let lower = text.lowercased()
        let formerKeys = Set(byFormerKey.keys.map(\.text))
        guard
            names.contains(where: { lower.contains($0.text) })
                || formerKeys.contains(where: { text.contains($0) })
        else { return nil }
        let value = try JSONText(text: text).decoded(as: JSONValue.self)
        let left = scrubbed(value, under: "", at: record.sequence)
        guard left != value else { return nil }
        return try JSONText(left).decoded(as: ChangeRecord.self)
    }

    private static let words: Set<String> = ["reason", "author", "note", "description", "name"]
    private static let references: Set<String> = ["parent", "subject"]

    private func scrubbed(
        _ value: JSONValue, under name: String, at sequence: Int64
    ) -> JSONValue {
        switch value {
        case .object(let members):
            var left: [String: JSONValue] = [:]
            for (name, member) in members {
                left[name] = scrubbed(member, under: name, at: sequence)
            }
            return .object(left)
        case .array(let elements):
            return .array(elements.map { scrubbed($0, under: name, at: sequence) })
        case .text(let text):
            if name == "before" || name == "after",
                let inner = try? JSONText(text: text).decoded(as: JSONValue.self)
            {
                let left = scrubbed(inner, under: "", at: sequence)
                guard left != inner, let text = try? JSONText(left).text else { return value }
                return .text(text)
            }
            if Self.references.contains(name),
                let key = SubjectID(text).flatMap({ person($0, at: sequence) })?.key
            {
                return .text(key.text)
            }
            guard Self.words.contains(name), let key = person(in: text) else { return value }
            return .text(name == "author" ? "" : key.text)
        default: return value
        }
    }
}
