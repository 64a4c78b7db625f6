import MeterstoneCore

extension WorkingSet {
    /// Carries an administrative change out, unless it was so already.
    func change(_ request: ChangeRequest, at now: Instant) throws(StoreError) -> Outcome {
        var request = request
        request.change = try meant(by: request.change)
        if let id = request.change.subject, try state(of: id).profile.erasedAt != nil {
            return .changed(.rejected(.erased(id)), after: nil, isReplay: false)
        }
        if let key = request.idempotencyKey, var receipt = try receipt(for: key) {
            receipt.change = try meant(by: receipt.change)
            guard receipt.isOf(request) else {
                let differences = try request.change.differences(from: receipt.change)
                return .changed(
                    .rejected(.idempotencyConflict(differences)), after: nil, isReplay: false)
            }
            return .changed(receipt.outcome, after: receipt.after, isReplay: true)
        }
        let asked = request
        if case .patch(let patch) = request.change {
            switch try resolved(patch) {
            case .put(let change): request.change = change
            case .missing: return .changed(.missing, after: nil, isReplay: false)
            case .rejected(let why):
                return .changed(.rejected(why), after: nil, isReplay: false)
            }
        }
        if !request.change.isOfCredits, !request.change.isOfKeys,
            let id = request.change.subject
        {
            try writeDue(of: try state(of: id), at: now)
        }
        switch try decided(request.change, at: now) {
        case .put(let change): request.change = change
        case .unchanged:
            return .changed(.unchanged, after: try text(of: request.change), isReplay: false)
        case .rejected(let why): return .changed(.rejected(why), after: nil, isReplay: false)
        }
        let before = request.change.isNote ? nil : try text(of: request.change)
        if let condition = request.condition,
            !condition.isMet(by: before.map { JSONText(text: $0).tag })
        {
            return .changed(.rejected(.preconditionFailed), after: nil, isReplay: false)
        }
        var (outcome, effect) = try effect(
            of: request.change, by: request.author, at: now, batch.nextSequence)
        if let rejection = try reject(request.change) {
            (outcome, effect) = (.rejected(rejection), .none)
        }
        if request.change.isOfCredits {
            outcome = try changeCredits(request, at: now)
            if !outcome.isChange { effect = .none }
        }
        switch effect {
        case .profile(let profile, let state, _):
            register(state, on: now)
            if let parent = profile.parent { register(try self.state(of: parent), on: now) }
            for (key, _) in profile.account?.identityKeys ?? []
            where !state.names(key) { register(try row(of: key), on: now) }
        case .alias(let key, let state):
            register(state, on: now)
            register(try row(of: key), on: now)
        case .rename(_, let key): register(try row(of: key), on: now)
        case .erase(let state, let erasure):
            register(try row(of: erasure.key), on: now)
            let merged = try rows(ofMergedInto: state)
            for place in merged.indices {
                register(try row(of: erasure.key(ofMerged: place + 1)), on: now)
            }
        case .merge(let from, let into):
            if let rejection = try move(from, to: into, by: request.author, at: now) {
                return .changed(.rejected(rejection), after: nil, isReplay: false)
            }
        case .none, .catalog, .noAlias, .once: break
        }
        let after = try answer(to: request.change, after: effect)
        // A key is remembered with its answer also when that was that nothing had to be done.
        // Nothing is noted of somebody who is not there and was to be forgotten.
        let isRemembered =
            request.idempotencyKey != nil && outcome.isAnswer
            && request.change.kind != Erasure.kind
        guard outcome.isChange || isRemembered else {
            return .changed(outcome, after: after, isReplay: false)
        }
        var record = ChangeRecord(
            sequence: batch.nextSequence, recordedAt: now, request: request, outcome: outcome,
            before: before, after: after)
        if case .patch(let patch) = asked.change {
            record.patch = patch
        } else if asked.change != request.change {
            record.request = asked.change
        }
        if case .profile(let profile, of: let state, isFirst: false) = effect,
            profile.timeZone != state.profile.timeZone
        {
            record.formerZones = profile.formerZones
        }
        let subject = request.change.subject.flatMap { subjects[$0]?.number } ?? 0
        if case .erase(let state, _) = effect {
            let keys = catalog.blueprint.keys.filter { $0.subject.map(state.isMeant) ?? false }
            let given = try hashes(ofGivenTo: state)
            try write(record, effect, of: subject)
            try delete(keys, by: request.author, at: now)
            try note(given, by: request.author, at: now)
            return .changed(outcome, after: after, isReplay: false)
        }
        guard case .profile(let changed, let state, _) = effect else {
            try write(record, effect, of: subject)
            return .changed(outcome, after: after, isReplay: false)
        }
        let profile = state.profile
        let back = try creditsComingBack(with: request.change, to: state, as: changed, at: now)
        try write(record, effect, of: subject)
        try writeCredits(
            of: request.change, state, before: profile, back, author: request.author, at: now)
        return .changed(outcome, after: after, isReplay: false)
    }

    /// Writes a change down and carries it out.
    func write(
        _ record: ChangeRecord, _ effect: ChangeEffect, of subject: Int64
    ) throws(StoreError) {
        var writer = ByteWriter()
        try record.write(to: &writer)
        let position = batch.append(subject: subject) { $0.append(writer.bytes) }
        try apply(record, effect, at: position.sequence)
    }

    func receipt(for key: String) throws(StoreError) -> ChangeReceiptRecord? {
        if let recent = tail.snapshot.lastChange(where: { $0.idempotencyKey == key }) {
            return ChangeReceiptRecord(recent)
        }
        return try source.receipt(forIdempotencyKey: key)
    }

    /// What a change comes to, if nothing it refers to is missing.
    ///
    /// - Parameters:
    ///   - now: when it is made.
    ///   - formerZones: the zones that a subject had until then, where it gets another; `nil`: that is to be
    ///     decided.
    func effect(
        of change: Change, by author: String, at now: Instant, _ sequence: Int64,
        formerZones: [FormerZone]? = nil
    ) throws(StoreError) -> (outcome: ChangeOutcome, effect: ChangeEffect) {
        if change.isNote { return (.created, .none) }
        // Ledger entries are facts of their own.
        if case .grantCredit(let id, let order) = change, order.oncePerPerson, let grant = order.id
        {
            return (.unchanged, .once(grant, of: try state(of: id)))
        }
        if change.isOfCredits { return (.unchanged, .none) }
        guard let id = change.subject else {
            let (blueprint, outcome) = catalog.blueprint.settled(for: change, at: now)
                .applying(change)
            return (outcome, outcome.isChange ? .catalog(blueprint) : .none)
        }
        if let (outcome, effect) = try keyEffect(of: change) { return (outcome, effect) }
        let state = try state(of: id)
        // In a replay its number was a fact of its own, of the same command.
        let isNew = state.number == 0 || state.firstSequence > replayedDeed
        var (profile, outcome) = state.profile.applying(
            change, by: author, at: now, sequence, isNew: isNew)
        guard outcome.isChange else { return (outcome, .none) }
        // What is said first is said of all that was before.
        if !isNew, profile.timeZone != state.profile.timeZone {
            profile.formerZones =
                formerZones
                ?? state.profile.zones.changing(to: profile.timeZone, at: now, state.zone).former
        }
        return (outcome, .profile(profile, of: state, isFirst: isNew))
    }

    /// Makes a blueprint the one that decides from here on.
    func install(
        _ blueprint: Blueprint, after change: Change, at sequence: Int64, on instant: Instant
    ) {
        for meter in blueprint.meters.sorted(by: { $0.key < $1.key }) {
            registry.register(meter.key)
            for name in meter.furtherQuantities { registry.register(name) }
        }
        registry.registerPlans(of: blueprint)
        for limit in blueprint.limits.sorted(by: { $0.key < $1.key }) {
            registry.register(limit.key)
        }
        registry.count(
            blueprint.series { registry.number(of: $0) }, from: sequence)
        var schedule = catalog.schedule
        schedule.apply(change, at: instant, sequence: sequence)
        var limits = catalog.limitSchedule
        limits.apply(change, at: instant)
        catalog = Catalog(blueprint, registry, options, schedule: schedule, limits: limits)
        version += 1
    }

    /// Makes a profile what is said of a subject from here on.
    func install(
        _ profile: Subject, of state: SubjectState, isFirst: Bool, at sequence: Int64,
        on instant: Instant
    ) throws(StoreError) {
        state.settle(at: instant)
        let before = state.profile
        if before.plan != profile.plan || before.subscription != profile.subscription
            || before.scheduled != profile.scheduled || before.parent != profile.parent
        {
            state.since = instant
        }
        let newZone = zone(of: profile).rules
        try move(state, to: SubjectCalendar(zone: newZone, anchors: profile.anchors))
        let oldParent = state.parent
        let parent = try profile.parent.map { (id) throws(StoreError) in try self.state(of: id) }
        // What is said first is said of all that was before.
        state.replace(profile: profile, parent: parent, at: isFirst ? nil : instant)
        state.zone = newZone
        state.times.updatedAt = instant
        if oldParent !== state.parent {
            noteChild(of: oldParent, left: state.levelsBelow, at: sequence)
            noteChild(of: state.parent, came: state.levelsBelow, at: sequence)
        }
        if profile.account != before.account {
            try installIdentities(of: state, at: sequence, on: instant)
        }
        version += 1
        noteRow(of: state, at: sequence)
    }
}

/// What a change does, decided and not done yet.
enum ChangeEffect {
    case none
    case catalog(Blueprint)
    /// - Parameter isFirst: whether nothing was known of the subject before.
    case profile(Subject, of: SubjectState, isFirst: Bool)
    case alias(SubjectID, of: SubjectState)
    case noAlias(SubjectID, of: SubjectState)
    case rename(SubjectState, to: SubjectID)
    case erase(SubjectState, Erasure)
    /// A grant that a person gets once.
    case once(GrantID, of: SubjectState)
    case merge(SubjectState, into: SubjectState)
}
