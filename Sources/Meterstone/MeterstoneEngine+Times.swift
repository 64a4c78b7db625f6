public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// When a thing came to be, and when it was written about last; `nil`: there is none.
    public func times(of thing: MergePatch.Target) async throws(StoreError) -> Times? {
        try await times(of: thing, after: nil)
    }

    /// - Parameter key: of the change after which they are told; `nil`: as they are now.
    package func times(
        of thing: MergePatch.Target, after key: String?
    ) async throws(StoreError) -> Times? {
        guard case .subject(let id) = thing else {
            return Times(try await history(of: thing, through: key))
        }
        guard let known = try await view(of: id).subject?.times else { return nil }
        guard key != nil else { return known.told }
        let told = Times(try await history(of: thing, through: key))
        return Times(createdAt: known.createdAt, updatedAt: told?.updatedAt).told
    }

    /// Of all meters, plans, limits or models, by key.
    package func times(ofKind kind: String) async throws(StoreError) -> [String: Times] {
        Dictionary(grouping: try await changes(ofKind: kind), by: \.key)
            .compactMapValues { Times($0) }
    }

    /// Other keys that mean a subject, sorted; `nil`: nothing is known of it.
    public func aliases(of id: SubjectID) async throws(StoreError) -> [SubjectID]? {
        try await view(of: id).subject?.aliases
    }

    /// Some subjects with an id greater than `after`, sorted by id, with their times.
    package func timedSubjects(
        after: SubjectID?, count: Int
    ) async throws(StoreError) -> [(subject: Subject, times: Times)] {
        let now = clock()
        return try await committer.read { (store) throws(StoreError) in
            try store.subjects(after: after, count: max(1, count))
        }.map { ($0.profile.settled(at: now).subject, $0.times.told) }
    }

    /// Changes of a thing, oldest first.
    private func history(
        of thing: MergePatch.Target, through key: String?
    ) async throws(StoreError) -> [ChangeRecord] {
        let change = MergePatch(thing, .null).deletion
        let history = try await committer.read { (store) throws(StoreError) in
            try store.read(try store.view(of: nil)) { (source) throws(StoreError) in
                guard let id = change.subject else {
                    return try source.changes(ofKind: change.kind, key: change.key)
                }
                // A subject that is put back to its defaults has no subscription.
                return try source.changes(ofKinds: ["subject", "subscription"], of: id).filter {
                    $0.kind == change.kind || $0.outcome == .deleted
                }
            }
        }
        guard let key, let last = history.lastIndex(where: { $0.idempotencyKey == key }) else {
            return history
        }
        return Array(history[...last])
    }
}

extension Times {
    /// As changes tell, oldest first; `nil`: the thing is not there after them.
    fileprivate init?(_ changes: [ChangeRecord]) {
        self.init()
        for change in changes where change.outcome.isChange {
            if change.outcome == .deleted {
                self = Times()
            } else {
                createdAt = createdAt ?? change.recordedAt
                updatedAt = change.recordedAt
            }
        }
        if createdAt == nil { return nil }
    }

    /// What was never written about was said last when it came to be.
    fileprivate var told: Times {
        Times(createdAt: createdAt, updatedAt: updatedAt ?? createdAt)
    }
}
