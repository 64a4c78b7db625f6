public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Changes meters, plans, limits, subjects, subscriptions or overrides.
    public func change(_ request: ChangeRequest) async throws(StoreError) -> ChangeReceipt {
        guard
            case .changed(let outcome, let after, let isReplay) =
                try await committer.commit(.change(request))
        else { throw .unexpectedOutcome }
        return ChangeReceipt(outcome: outcome, after: after, isReplay: isReplay)
    }

    /// Writes every part of a blueprint. What it does not name stays as it is, the policies
    /// included, and applying it twice changes nothing. Where parts are rejected nothing is written, and the
    /// steps are those alone.
    ///
    /// - Parameter name: what is written down of it; `nil`: nothing.
    public func apply(
        _ blueprint: Blueprint, named name: String? = nil, author: String
    ) async throws(StoreError) -> [BlueprintStep] {
        try await apply(blueprint, named: name, isOfStart: false, author: author)
    }

    /// - Parameter isOfStart: whether it is applied as a server starts.
    package func apply(
        _ blueprint: Blueprint, named name: String?, isOfStart: Bool, author: String
    ) async throws(StoreError) -> [BlueprintStep] {
        let steps = try await applyParts(of: blueprint, author: author)
        guard let name, steps.allSatisfy(\.outcome.isAnswer) else { return steps }
        try await note(blueprint, named: name, isOfStart: isOfStart, author: author)
        return steps
    }

    func note(
        _ blueprint: Blueprint, named name: String, isOfStart: Bool, author: String
    ) async throws(StoreError) {
        let note = AppliedBlueprintNote(
            name: name, digest: try Self.digest(of: blueprint), isOfStart: isOfStart,
            blueprint: blueprint.sorted)
        _ = try await change(ChangeRequest(change: .noteBlueprint(note), author: author))
    }

    /// Of what is in a blueprint, and not of how it is written.
    package static func digest(of blueprint: Blueprint) throws(StoreError) -> String {
        SHA256.hash(Array(try JSONText(blueprint.sorted).text.utf8)).description
    }

    private func applyParts(
        of blueprint: Blueprint, author: String
    ) async throws(StoreError) -> [BlueprintStep] {
        let changes = blueprint.parts
        let rejected = try await rejections(of: changes)
        guard rejected.isEmpty else { return rejected }
        return zip(changes, try await commit(changes, author: author)).map { change, outcome in
            BlueprintStep(kind: change.kind, key: change.key, outcome: outcome)
        }
    }

    /// Carries changes out one after the other, in one step.
    func commit(
        _ changes: [Change], author: String
    ) async throws(StoreError) -> [ChangeOutcome] {
        guard !changes.isEmpty else { return [] }
        let outcomes = try await committer.commit(
            changes.map { .change(ChangeRequest(change: $0, author: author)) })
        return try outcomes.map { (outcome) throws(StoreError) in
            guard case .changed(let outcome, _, _) = outcome else { throw .unexpectedOutcome }
            return outcome
        }
    }

    /// Which of some changes would be rejected, one after the other, by what there is now.
    private func rejections(of changes: [Change]) async throws(StoreError) -> [BlueprintStep] {
        var blueprint = try await view(of: nil).catalog.blueprint
        var rejected: [BlueprintStep] = []
        for change in changes {
            let (after, outcome) = blueprint.applying(change)
            blueprint = after
            guard case .rejected = outcome else { continue }
            rejected.append(BlueprintStep(kind: change.kind, key: change.key, outcome: outcome))
        }
        return rejected
    }

    /// What decides now, each part sorted by key.
    public func blueprint() async throws(StoreError) -> Blueprint {
        try await view(of: nil).catalog.blueprint.settled(at: clock()).sorted
    }

    /// Keys of the interface, in the order of their names.
    public func keys() async throws(StoreError) -> [APIKey] {
        try await view(of: nil).catalog.blueprint.keys.sorted { $0.key < $1.key }
    }

    /// Administrators, in the order of their addresses.
    public func administrators() async throws(StoreError) -> [Administrator] {
        try await view(of: nil).catalog.blueprint.administrators.sorted { $0.email < $1.email }
    }

    /// Sessions of administrators that were not ended, those that have expired included.
    public func administratorSessions() async throws(StoreError) -> [AdministratorSession] {
        try await view(of: nil).catalog.blueprint.sessions.sorted { $0.id < $1.id }
    }

    /// All that says who may ask, from one moment.
    package func access() async throws(StoreError) -> (
        keys: [APIKey], administrators: [Administrator], sessions: [AdministratorSession],
        uses: AccessUses?
    ) {
        let blueprint = try await view(of: nil).catalog.blueprint
        return (
            blueprint.keys, blueprint.administrators, blueprint.sessions, blueprint.uses
        )
    }

    /// Gives somebody an invitation with which they choose a password, and makes them an administrator if
    /// they are none. Whoever is one keeps the role, unless one is given.
    ///
    /// - Returns: the secret, which is told this once.
    public func invite(
        _ email: EmailAddress, as role: AdministratorRole?, name: String?, author: String,
        address: String?
    ) async throws -> InvitedAdministrator {
        var random = SystemRandomNumberGenerator()
        let secret = AccessSecret.make(AccessSecret.invitation, using: &random)
        let expiresAt = clock().advanced(byMilliseconds: InvitedAdministrator.milliseconds)
        let digest = SHA256.hash(Array(secret.utf8)).description
        let administrator = try await updateAdministrator(
            email, orMake: role ?? .viewer, author: author, address: address
        ) { administrator in
            if let role { administrator.role = role }
            if let name { administrator.name = name }
            administrator.invitation = .init(digest: digest, expiresAt: expiresAt)
        }
        guard let administrator else { throw StoreError.unexpectedOutcome }
        return InvitedAdministrator(
            administrator: administrator, invitation: secret, expiresAt: expiresAt)
    }

    /// Changes an administrator in one step with what it was; `nil`: there is none.
    ///
    /// - Parameter role: of one that is made where there is none; `nil`: none is made.
    @discardableResult
    package func updateAdministrator(
        _ email: EmailAddress, orMake role: AdministratorRole? = nil, author: String,
        address: String? = nil, _ update: (inout Administrator) throws -> Void
    ) async throws -> Administrator? {
        // Somebody else's change in between has it read anew.
        for _ in 0..<8 {
            let before = try await administrators().first { $0.email == email }
            let new = role.map { Administrator(email: email, role: $0, createdAt: clock()) }
            guard var after = before ?? new else { return nil }
            try update(&after)
            let tag = try before.map { (before) throws(StoreError) in try JSONText(before).tag }
            let receipt = try await change(
                ChangeRequest(
                    change: .putAdministrator(after), author: author,
                    condition: ChangeCondition(
                        match: tag.map { .tagged([$0]) }, noneMatch: tag == nil ? .any : nil),
                    address: address))
            guard case .rejected(let rejection) = receipt.outcome else { return after }
            guard rejection.code == .preconditionFailed else { throw rejection }
        }
        throw Rejection(
            code: .preconditionFailed, field: "", message: "others change it all the time")
    }

    /// The same as ``blueprint()`` beside what is in force of it, where the environment says something else.
    package func effectiveBlueprint() async throws(StoreError) -> EffectiveBlueprint {
        let view = try await view(of: nil)
        return EffectiveBlueprint(
            view.catalog.blueprint.settled(at: clock()),
            areLimitsEnforced: view.options.areLimitsEnforced,
            allowances: view.options.allowanceOverrides, credits: view.options.creditOverrides)
    }

    /// A subject's profile, or `nil` when nothing was ever written of it.
    public func subject(_ id: SubjectID) async throws(StoreError) -> Subject? {
        try await view(of: id).subject?.profile.settled(at: clock()).subject
    }

    /// Some subjects with an id greater than `after`, sorted by id.
    public func subjects(after: SubjectID?, count: Int) async throws(StoreError) -> [Subject] {
        let now = clock()
        return try await committer.read { (store) throws(StoreError) in
            try store.subjects(after: after, count: max(1, count))
        }.map { $0.profile.settled(at: now).subject }
    }

    /// How many subjects there are, teams included and other keys of a subject left out.
    public func subjectTotal() async throws(StoreError) -> Int {
        try await committer.read { (store) throws(StoreError) in try store.subjectTotal() }
    }

    /// The audit log, newest first: who changed what, when, from what to what. When keys were used is not
    /// among it.
    public func changes(
        before sequence: Int64? = nil, count: Int
    ) async throws(StoreError) -> [ChangeEntry] {
        try await changes(ChangeFilter(), before: sequence, count: count)
    }

    /// The same of what a filter accepts.
    public func changes(
        _ filter: ChangeFilter, before sequence: Int64? = nil, count: Int
    ) async throws(StoreError) -> [ChangeEntry] {
        try await committer.read { (store) throws(StoreError) in
            try store.changes(filter, before: sequence, count: max(1, count))
        }
    }

    /// The audit log of one thing, or of all of a kind, newest first.
    public func changes(
        ofKind kind: String, key: String?, before sequence: Int64? = nil, count: Int
    ) async throws(StoreError) -> [ChangeEntry] {
        let bound = sequence ?? .max
        return try await changes(ofKind: kind, key: key).reversed()
            .filter { $0.sequence < bound }.prefix(max(1, count)).map { ChangeEntry($0) }
    }

    /// Changes of one thing, or of all of a kind, oldest first.
    package func changes(
        ofKind kind: String, key: String? = nil
    ) async throws(StoreError) -> [ChangeRecord] {
        try await committer.read { (store) throws(StoreError) in
            try store.read(try store.view(of: nil)) { (source) throws(StoreError) in
                try source.changes(ofKind: kind, key: key)
            }
        }
    }

    /// Files that were imported, each as it was noted last, in the order in which they came first.
    public func imports() async throws(StoreError) -> [ImportedFile] {
        var latest: [[String]: ImportedFile] = [:]
        var order: [[String]] = []
        for record in try await changes(ofKind: "importedFile") {
            guard case .noteImport(let note) = record.change else { continue }
            let key = [note.name, note.source ?? "", note.digest, note.scope, note.mapping]
            if latest[key] == nil { order.append(key) }
            latest[key] = ImportedFile(note: note, at: record.recordedAt)
        }
        return order.compactMap { latest[$0] }
    }

    /// Projects everything that was committed.
    public func flush() async throws(StoreError) {
        try await committer.run { (store) throws(StoreError) in
            while try store.project() {}
        }
    }

    /// Copies everything that was answered before into a new folder, as a store of its own. Commits and
    /// reads go on meanwhile; what is committed after it began is not in it.
    public func backup(to directory: String) async throws(StoreError) {
        try await committer.read(.long) { (store) throws(StoreError) in
            try store.backup(to: directory)
        }
    }

    /// Recomputes every counter from the events, and says what differs. Holds writes up meanwhile, unless
    /// the store is shared between nodes.
    public func verify() async throws(StoreError) -> VerifyReport {
        try await committer.runUnlessShared { (store) throws(StoreError) in try store.verify() }
    }

    /// Recomputes every counter from the events and stores it. Holds writes up meanwhile.
    ///
    /// - Returns: how many counters there are.
    public func rebuild() async throws(StoreError) -> Int {
        try await committer.run { (store) throws(StoreError) in try store.rebuild() }
    }

    /// Forgets what the store's files still hold of erased persons, and gives room back that is not needed any
    /// more. Holds writes up meanwhile.
    public func compact() async throws(StoreError) -> CompactionReport {
        try await committer.run { (store) throws(StoreError) in try store.compact() }
    }
}
