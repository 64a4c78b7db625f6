import Crypto
import FoundationEssentials
import MeterstoneCore

/// What a person gets once.
///
/// Which of it a subject got stands in its profile. When the person is erased, a keyed hash of each of the
/// person's e-mail addresses and external ids with each of these is written down, as the idempotency key of a
/// note. Who comes with the same address gets a hash that is there.
extension WorkingSet {
    /// Under which what hashes are keyed with is written down.
    private static let secretKey = "meterstone:once"

    /// Why somebody does not get what a person gets once.
    func rejectOnce(
        _ order: GrantOrder, _ state: SubjectState
    ) throws(StoreError) -> Rejection? {
        guard let grant = order.id else {
            return Rejection(
                code: .invalidField, field: "id",
                message: "expected an id, by which a grant once per person is known again")
        }
        guard let account = state.profile.account, !account.identityKeys.isEmpty else {
            return Rejection(
                code: .invalidField, field: "oncePerPerson",
                message: "expected a subject whose account has an e-mail address or an external "
                    + "id, by which the person is known again")
        }
        guard let secret = try givenOnceSecret() else { return nil }
        let keys = state.identities.map { hash($0, grant, secret) }
        let known = try all(keys) { (key) throws(StoreError) in try receipt(for: key) }
        guard known.contains(where: { $0 != nil }) else { return nil }
        return Rejection(
            code: .duplicateGrant, field: "id",
            message: "expected a person who has not had '\(grant)': somebody with the same e-mail "
                + "address or external id had it, and was erased since")
    }

    /// Notes that are to be written when a person is erased, by their idempotency keys.
    func hashes(ofGivenTo state: SubjectState) throws(StoreError) -> [(String, GivenOnce)] {
        let (grants, identities) = (state.profile.onceGrants, state.identities)
        guard !grants.isEmpty, !identities.isEmpty else { return [] }
        func keys(_ secret: String) -> [String] {
            identities.flatMap { identity in grants.map { hash(identity, $0, secret) } }
        }
        if let secret = try givenOnceSecret() {
            let keys = keys(secret)
            let known = try all(keys) { (key) throws(StoreError) in try receipt(for: key) }
            return zip(keys, known).filter { $0.1 == nil }.map { ($0.0, GivenOnce()) }
        }
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let secret = Data(bytes).base64EncodedString()
        return [(Self.secretKey, GivenOnce(secret: secret))]
            + keys(secret).map { ($0, GivenOnce()) }
    }

    func note(
        _ given: [(key: String, note: GivenOnce)], by author: String, at now: Instant
    ) throws(StoreError) {
        for (key, note) in given {
            let request = ChangeRequest(
                change: .noteGivenOnce(note), author: author, idempotencyKey: key)
            let record = ChangeRecord(
                sequence: batch.nextSequence, recordedAt: now, request: request, outcome: .created,
                before: nil, after: nil)
            try write(record, .none, of: 0)
        }
    }

    private func givenOnceSecret() throws(StoreError) -> String? {
        guard case .noteGivenOnce(let note)? = try receipt(for: Self.secretKey)?.change else {
            return nil
        }
        return note.secret
    }

    private func hash(_ identity: SubjectID, _ grant: GrantID, _ secret: String) -> String {
        let text = "\(identity.text.utf8.count)/\(identity.text)/\(grant.text)"
        let code = HMAC<Crypto.SHA256>.authenticationCode(
            for: Array(text.utf8), using: SymmetricKey(data: Array(secret.utf8)))
        return "\(Self.secretKey):\(Data(code).base64EncodedString())"
    }
}

extension SubjectState {
    /// Keys that mean the person, in the form of those that an account names.
    var identities: [SubjectID] { ([id] + aliases).filter { $0.text.contains(":") } }
}

extension SubjectID {
    /// What another system calls the person: the address of `mailto:ann@example.com`.
    var identityText: String {
        text.split(separator: ":", maxSplits: 1).last.map(String.init) ?? text
    }
}

extension Subject {
    /// Takes in a grant that a person gets once.
    mutating func noteOnce(_ grant: GrantID) {
        guard !onceGrants.contains(grant) else { return }
        let place = onceGrants.firstIndex { grant.text < $0.text } ?? onceGrants.endIndex
        onceGrants.insert(grant, at: place)
    }
}
