package import MeterstoneCore

extension WorkingSet {
    /// How many teams may stand above a subject.
    package static let ancestorsMax = 4

    /// The subject that a key means, from memory or from the store; unknown ones get a number when they
    /// get their first fact.
    package func state(of id: SubjectID) throws(StoreError) -> SubjectState {
        try state(of: id, below: 0)
    }

    /// - Parameter below: how many levels were gone up already; stored teams may stand in a circle.
    private func state(of id: SubjectID, below: Int) throws(StoreError) -> SubjectState {
        let meant = try row(of: id, below: below).meant
        meant.wasUsed = true
        return try certain(meant)
    }

    /// What a key stands for itself: a subject, or an alias of one.
    func row(of id: SubjectID, below: Int = 0) throws(StoreError) -> SubjectState {
        if let known = subjects[id] {
            known.wasUsed = true
            return known
        }
        guard below <= 2 * Self.ancestorsMax else {
            throw StoreError(code: .corrupt, message: "too many teams stand above each other")
        }
        let stored = try source.subject(id)
        return try admit(id, stored: stored?.alias == .erased ? nil : stored, below: below)
    }

    /// A subject that may be decided about. What is on disk counts whatever the rules are now.
    private func certain(_ state: SubjectState) throws(StoreError) -> SubjectState {
        guard state.hasUncertainZone, replayed == nil else { return state }
        throw .otherRules(of: state.profile.timeZone ?? options.defaultTimeZone)
    }

    func state(number: Int64) throws(StoreError) -> SubjectState {
        if let known = byNumber[number] {
            known.wasUsed = true
            return try certain(known)
        }
        guard let stored = try source.subject(number: number) else {
            throw StoreError(code: .corrupt, message: "no subject has the number \(number)")
        }
        return try certain(try admit(stored.profile.id, stored: stored))
    }

    private func admit(
        _ id: SubjectID, stored: StoredSubject?, below: Int = 0
    ) throws(StoreError) -> SubjectState {
        var parent: SubjectState?
        if let parentID = stored?.profile.parent {
            parent = try state(of: parentID, below: below + 1)
            // Teams that changed places: one above it was below it once, and has led here.
            if let known = subjects[id] { return known }
        }
        let zone = zone(of: stored?.profile)
        let state = SubjectState(
            id: id, stored: stored, zone: zone.rules, parent: parent,
            hasUncertainZone: !zone.isCertain)
        subjects[id] = state
        eviction.admit(state)
        if state.number != 0 { byNumber[state.number] = state }
        for id in Set(isDeciding ? state.past.profiles.compactMap(\.parent) : []) {
            state.add(pastParent: try self.state(of: id), named: id)
        }
        return state
    }

    /// The clocks that the subject follows, and whether its counters are cut with them. Where the system
    /// does not know a zone, nothing is decided and UTC serves for what is there.
    func zone(of profile: Subject?) -> (rules: ZoneRules, isCertain: Bool) {
        guard let profile, !profile.formerZones.isEmpty else {
            let name = profile?.timeZone ?? options.defaultTimeZone
            let rules = options.zoneRules(name)
            return (rules ?? .utc, zones.note(name, rules))
        }
        var isCertain = true
        for name in profile.zones.names(default: options.defaultTimeZone)
        where !zones.note(name, options.zoneRules(name)) {
            isCertain = false
        }
        return (options.clocks(of: profile.zones) ?? .utc, isCertain)
    }

    /// Gives the subject and every team above it a number, as a fact that says when, if they have none.
    ///
    /// Where plans give credit, their schedule runs from there.
    func register(_ state: SubjectState, on instant: Instant) {
        if let parent = state.parent { register(parent, on: instant) }
        for team in state.pastParents.values where team.number == 0 { register(team, on: instant) }
        guard state.number == 0 else { return }
        let since = catalog.payment == nil ? nil : instant
        let position = batch.append(subject: nextSubject) { writer in
            writer.byte(FactKind.subject.rawValue)
            writer.text(state.id.text)
            writer.signed(since?.millisecondsSince1970 ?? -1)
            writer.signed(instant.millisecondsSince1970)
        }
        introduce(
            state, number: nextSubject, at: position.sequence, since: since, createdAt: instant)
    }

    /// Tells a team that a subject with so many levels below it left or came; `nil`: it did not.
    func noteChild(
        of team: SubjectState?, left: Int? = nil, came: Int? = nil, at sequence: Int64
    ) {
        var level = team
        var (left, came) = (left, came)
        while let subject = level {
            let before = subject.levelsBelow
            // What is stored may tell of more levels than there can be.
            left = left.flatMap { subject.children.indices.contains($0) ? $0 : nil }
            came = came.flatMap { subject.children.indices.contains($0) ? $0 : nil }
            if let left { subject.children[left] &-= 1 }
            if let came { subject.children[came] &+= 1 }
            noteRow(of: subject, at: sequence)
            guard subject.levelsBelow != before else { return }
            (left, came) = (before, subject.levelsBelow)
            level = subject.parent
        }
    }

    /// Notes what a subject's row says from this fact on.
    func noteRow(
        of state: SubjectState, _ news: SubjectRow.News = .profile, at sequence: Int64
    ) {
        state.rowSequence = sequence
        let stored = StoredSubject(
            number: state.number, firstSequence: state.firstSequence, profile: state.profile,
            children: state.children, nextExpiry: state.nextExpiry, since: state.since,
            past: state.past, times: state.times, alias: state.alias, aliases: state.aliases,
            merged: state.merged)
        tail.note(SubjectRow(sequence: sequence, subject: stored, news: news))
    }

    /// Forgets a few subjects of which nothing waits, when there are more than the options allow: as many
    /// as came since the last time, and some more. Called between two batches.
    package func evict() {
        eviction.run(above: options.cachedSubjectsMax, watermark) { state in
            subjects[state.id] = nil
            if state.number != 0 { byNumber[state.number] = nil }
        }
    }
}
