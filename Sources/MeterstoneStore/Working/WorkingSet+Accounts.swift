import MeterstoneCore

/// A person's e-mail and external ids.
///
/// Each is another key of the subject (`mailto:ann@example.com`, `github:583231`), with a row of its own. So two
/// subjects never have the same, whichever store and node decides, and a subject is found by it with one look.
extension WorkingSet {
    /// Why an account cannot be written: something in it is another's.
    func rejectAccount(
        _ profile: Subject, _ state: SubjectState
    ) throws(StoreError) -> Rejection? {
        guard let account = profile.account, account != state.profile.account else { return nil }
        if let mistake = account.mistake { return mistake }
        var added = 0
        for (key, field) in account.identityKeys {
            let row = try row(of: key)
            if row === state || row.stands(for: state) { continue }
            added += 1
            guard row.number == 0 || row.isFree else {
                let what = row.alias == nil ? "a subject of its own" : "'\(row.meant.id)'"
                return Rejection(
                    code: .inUse, field: field,
                    message: "expected what is nobody else's, and '\(key)' means \(what)")
            }
        }
        guard state.aliases.count + added <= Self.aliasesMax else {
            return Rejection(
                code: .invalidField, field: "externalIds",
                message: "expected at most \(Self.aliasesMax) other keys of a subject")
        }
        return nil
    }

    /// Has the keys of an account mean its subject. One that an account no longer names goes on meaning its
    /// subject until another account names it: facts that were sent under it stay where they are.
    func installIdentities(
        of state: SubjectState, at sequence: Int64, on instant: Instant
    ) throws(StoreError) {
        for (key, _) in state.profile.account?.identityKeys ?? [] {
            let row = try row(of: key)
            if row === state || row.stands(for: state) { continue }
            if row.alias != nil, let holder = row.parent {
                holder.aliases.removeAll { $0 == key }
                noteRow(of: holder, at: sequence)
            }
            row.stand(for: state, as: .identity)
            row.times.updatedAt = instant
            state.aliases.insert(key)
            noteRow(of: row, at: sequence)
        }
    }
}

extension SubjectState {
    fileprivate func stands(for state: SubjectState) -> Bool { alias != nil && parent === state }

    /// Whether it was the key of an account that does not name it any more.
    fileprivate var isFree: Bool {
        guard alias == .identity, let parent else { return false }
        return !parent.names(id)
    }

    /// Whether the account names a key.
    func names(_ key: SubjectID) -> Bool {
        profile.account?.identityKeys.contains { $0.key == key } ?? false
    }
}
