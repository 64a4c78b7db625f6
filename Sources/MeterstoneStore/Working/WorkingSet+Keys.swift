import MeterstoneCore

/// Several keys of one subject.
///
/// Facts name a subject by its number, so that another key changes none of them. A key that means a subject
/// has a row with a number of its own, under which nothing is ever recorded, and the subject stands as its
/// parent.
extension WorkingSet {
    /// How many other keys may mean a subject.
    package static let aliasesMax = 100

    /// A change of the subject that the one it names is an alias of.
    func meant(by change: Change) throws(StoreError) -> Change {
        guard let id = change.subject else { return change }
        let key = try row(of: id).meant.id
        return key == id ? change : change.naming(key)
    }

    /// What a change of keys comes to; `nil`: it is none.
    func keyEffect(
        of change: Change
    ) throws(StoreError) -> (outcome: ChangeOutcome, effect: ChangeEffect)? {
        switch change {
        case .putAlias(let id, let key):
            let state = try state(of: id)
            return try row(of: key).isAlias(of: state)
                ? (.unchanged, .none) : (.created, .alias(key, of: state))
        case .deleteAlias(let id, let key):
            let state = try state(of: id)
            return try row(of: key).isAlias(of: state)
                ? (.deleted, .noAlias(key, of: state)) : (.missing, .none)
        case .renameSubject(let id, let key):
            let state = try state(of: id)
            guard state.number != 0 else { return (.missing, .none) }
            return state.id == key ? (.unchanged, .none) : (.replaced, .rename(state, to: key))
        case .eraseSubject(let id, let erasure):
            let state = try state(of: id)
            return state.number == 0 ? (.missing, .none) : (.deleted, .erase(state, erasure))
        case .mergeSubject(let id, let key):
            let (into, from) = (try state(of: id), try state(of: key))
            return into === from ? (.unchanged, .none) : (.replaced, .merge(from, into: into))
        default: return nil
        }
    }

    /// Why a key cannot mean the subject, or go on meaning nobody.
    func rejectKey(_ change: Change) throws(StoreError) -> Rejection? {
        switch change {
        case .putAlias(let id, let key):
            let state = try state(of: id)
            if key == state.id {
                return Rejection(
                    code: .invalidField, field: "alias",
                    message: "expected another key than the subject's own")
            }
            if let rejection = try reject(key, for: state, "alias") { return rejection }
            guard state.aliases.count < Self.aliasesMax || state.aliases.contains(key) else {
                return .tooManyAliases("alias")
            }
        case .deleteAlias(let id, let key):
            let row = try row(of: key)
            let state = try state(of: id)
            if row.isAlias(of: state), row.alias == .identity, state.names(key) {
                return Rejection(
                    code: .inUse, field: "alias",
                    message: "'\(key)' is in the subject's account; take it away there")
            }
            guard row.isAlias(of: state), row.alias == .formerKey || row.alias == .merged else {
                return nil
            }
            return Rejection(
                code: .inUse, field: "alias",
                message: "'\(key)' was a subject's own key, and history names it so")
        case .renameSubject(let id, let key):
            let state = try state(of: id)
            guard state.number != 0, key != state.id else { return nil }
            if let rejection = try reject(key, for: state, "to") { return rejection }
            if try row(of: key).alias == .merged {
                return Rejection(
                    code: .inUse, field: "to",
                    message: "'\(key)' was another subject, and history names that one so")
            }
            guard state.aliases.count < Self.aliasesMax || state.aliases.contains(key) else {
                return .tooManyAliases("to")
            }
        case .eraseSubject(let id, _):
            let state = try state(of: id)
            guard state.children == .zero else {
                return Rejection(
                    code: .inUse, field: "subject",
                    message: "expected a person, and there are subjects below this one")
            }
            return nil
        case .mergeSubject(let id, let key):
            return try rejectMerge(of: try state(of: key), into: try state(of: id), as: key)
        default: break
        }
        return nil
    }

    private func reject(
        _ key: SubjectID, for state: SubjectState, _ field: String
    ) throws(StoreError) -> Rejection? {
        let row = try row(of: key)
        guard row.number != 0, row !== state, !row.isAlias(of: state) else { return nil }
        let what = row.alias == nil ? "is a subject of its own" : "means '\(row.meant.id)'"
        return Rejection(
            code: .inUse, field: field,
            message: "expected a key of which nothing is known, and '\(key)' \(what)")
    }

    // MARK: Carrying it out

    func install(
        alias key: SubjectID, of state: SubjectState, at sequence: Int64, on instant: Instant
    ) throws(StoreError) {
        let row = try row(of: key)
        row.stand(for: state, as: .added)
        row.times.updatedAt = instant
        state.aliases.insert(key)
        state.times.updatedAt = instant
        version += 1
        for changed in [row, state] { noteRow(of: changed, at: sequence) }
    }

    /// The key is that of a subject from here on of which nothing is known.
    func remove(
        alias key: SubjectID, of state: SubjectState, at sequence: Int64, on instant: Instant
    ) throws(StoreError) {
        let row = try row(of: key)
        row.alias = nil
        row.parent = nil
        row.profile = Subject(id: key)
        row.since = instant
        row.times.updatedAt = instant
        state.aliases.removeAll { $0 == key }
        state.times.updatedAt = instant
        version += 1
        for changed in [row, state] { noteRow(of: changed, at: sequence) }
    }

    /// The two change their keys, so that everything that is of the subject stays where it is.
    func rename(
        _ state: SubjectState, to key: SubjectID, at sequence: Int64, on instant: Instant
    ) throws(StoreError) {
        let former = state.id
        let row = try row(of: key)
        (state.id, row.id) = (key, former)
        state.profile.id = key
        (subjects[key], subjects[former]) = (state, row)
        row.stand(for: state, as: .formerKey)
        state.aliases.removeAll { $0 == key }
        state.aliases.insert(former)
        state.times.updatedAt = instant
        row.times.updatedAt = instant
        version += 1
        for alias in state.aliases {
            let row = try self.row(of: alias)
            row.stand(for: state, as: row.alias ?? .added)
            noteRow(of: row, at: sequence)
        }
        noteRow(of: state, at: sequence)
    }
}

extension SubjectState {
    fileprivate func isAlias(of state: SubjectState) -> Bool { alias != nil && parent === state }

    func stand(for state: SubjectState, as kind: AliasKind) {
        alias = kind
        // What was recorded under it stays in the windows of its own clocks.
        profile =
            kind == .merged
            ? Subject(
                id: id, timeZone: profile.timeZone, parent: state.id,
                formerZones: profile.formerZones)
            : Subject(id: id, parent: state.id)
        parent = state
    }
}

extension [SubjectID] {
    /// Puts a key in its place.
    mutating func insert(_ key: SubjectID) {
        guard !contains(key) else { return }
        insert(key, at: firstIndex { key < $0 } ?? endIndex)
    }
}

extension Rejection {
    static func tooManyAliases(_ field: String) -> Rejection {
        Rejection(
            code: .invalidField, field: field,
            message: "expected at most \(WorkingSet.aliasesMax) other keys of a subject")
    }
}
