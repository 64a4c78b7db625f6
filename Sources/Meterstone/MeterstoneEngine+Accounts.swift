public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// The subject whose account has this e-mail address; `nil`: nobody's has.
    public func subject(email: EmailAddress) async throws(StoreError) -> Subject? {
        guard let subject = try await subject(PersonAccount.key(of: email)),
            subject.account?.email == email
        else { return nil }
        return subject
    }

    /// The subject whose account has this id of this kind; `nil`: nobody's has.
    public func subject(
        externalID id: String, ofKind kind: String
    ) async throws(StoreError) -> Subject? {
        guard let key = SubjectID(PersonAccount.key(ofKind: kind, id).text),
            let subject = try await subject(key), subject.account?.externalIDs[kind] == id
        else { return nil }
        return subject
    }

    /// When the person was erased who had a key, as far as the store has not forgotten the key and nobody else
    /// has it by now.
    package func erasedAt(_ key: SubjectID) async throws(StoreError) -> Instant? {
        try await committer.read { (store) throws(StoreError) in
            try store.read(try store.view(of: nil)) { (source) throws(StoreError) in
                guard let stored = try source.subject(key), stored.alias == .erased else {
                    return nil
                }
                return stored.times.updatedAt
            }
        }
    }
}
