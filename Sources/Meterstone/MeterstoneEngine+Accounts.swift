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
}
