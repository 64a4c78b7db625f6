package import MeterstoneCore

/// Recomputes counters from the events, for `verify` and `rebuild`.
///
/// It uses the rules that count events as they come, and none of the state they left behind. One pass
/// over the events computes the counters of some subjects; so many passes are made that the counters of
/// a pass fit in memory.
package struct Recount {
    private let source: any InspectionSource
    private let registry: Registry
    private let zone: (Subject?) -> ZoneRules
    private var subjects: [Int64: StoredSubject] = [:]
    private var zones: [Int64: ZoneRules] = [:]
    package private(set) var events = 0
    /// Of these, events of which an archive has what was told.
    package private(set) var archived = 0
    /// Subjects whose ledger does not follow from itself, and the first entry that does not.
    private var broken: [(subject: Int64, sequence: Int64)] = []
    private var fold: CounterFold

    package var counters: [CounterKey: CounterState] { fold.counters }

    package init(
        source: any InspectionSource, registry: Registry, zone: @escaping (Subject?) -> ZoneRules
    ) {
        self.source = source
        self.registry = registry
        self.zone = zone
        fold = CounterFold(registry)
    }

    /// Which of so many passes a subject belongs to. The stores say the same in SQL.
    ///
    /// Numbers that come in blocks must not all fall into one pass.
    private static func pass(of subject: Int64, of passes: Int64) -> Int64 {
        ((subject >> 18) + subject) % passes
    }

    /// Computes the counters of the subjects of one pass.
    package mutating func run(pass: Int64 = 0, of passes: Int64 = 1) throws(StoreError) {
        fold = CounterFold(registry)
        subjects.removeAll()
        events = 0
        var (total, ofArchive) = (0, 0)
        var recount = self
        try source.forEachDay(within: Int64.min...Int64.max) {
            (_, subject, facts) throws(StoreError) in
            guard Self.pass(of: subject, of: passes) == pass else { return }
            var history = History(subject: subject, names: recount.registry.names)
            for fact in facts { try history.add(fact, source: recount.source) }
            try recount.count(history, of: subject)
            total += facts.count { $0.body.first != FactKind.member.rawValue }
            ofArchive += facts.count { UsageRecord.isArchived($0.body) }
        }
        self = recount
        events = total
        archived = ofArchive
        try addWallets(pass: pass, of: passes)
    }

    private mutating func count(_ history: History, of number: Int64) throws(StoreError) {
        let subject = try stored(number)
        let zone = zones[number] ?? self.zone(subject.profile)
        zones[number] = zone
        let calendar = SubjectCalendar(zone: zone, anchors: subject.profile.anchors)
        let events = history.events
        fold.addActivity(history.all, of: number, calendar)
        fold.addReservations(events, of: number)
        guard fold.add(events, of: number, calendar) else {
            throw .doesNotFit(subject.profile.id)
        }
    }

    /// Follows each ledger from its first entry on, as long as the seals and balances are right.
    private mutating func addWallets(pass: Int64, of passes: Int64) throws(StoreError) {
        var ledger = LedgerRecount()
        try source.scanEntries(pass: pass, of: passes) { (subject, fact) throws(StoreError) in
            ledger.add(fact, of: subject)
        }
        for (number, sealed) in ledger.finished() {
            let key = CounterKey(
                series: OwnSeries.wallet, from: WindowSpan.lifetime.from, subject: number)
            fold.put(CounterState(sealed), key)
            // Somebody may have put entries in for a subject that there is none of.
            _ = try? stored(number)
        }
        broken = ledger.broken
    }

    private mutating func stored(_ number: Int64) throws(StoreError) -> StoredSubject {
        if let known = subjects[number] { return known }
        guard let subject = try source.subject(number: number) else {
            throw StoreError(code: .corrupt, message: "no subject has the number \(number)")
        }
        subjects[number] = subject
        return subject
    }

    /// Before when the first reservation of each subject that has one expires.
    package var nextExpiries: [(subject: Int64, at: Instant)] {
        counters.compactMap { key, state in
            guard key.series == OwnSeries.reservations,
                let first = state.openReservations.first
            else { return nil }
            return (key.subject, first.expiresAt)
        }
    }

    /// Fails when a ledger does not follow from itself: what it comes to, nobody can tell.
    package func requireSoundLedgers() throws(StoreError) {
        guard let (number, sequence) = broken.first else { return }
        throw StoreError(
            code: .corrupt,
            message: "ledger entry with sequence \(sequence) of \(name(of: number)) "
                + "does not follow from the one before; restore the ledger from a backup")
    }

    /// Compares what was computed with what a store has; `found` is taken from as it is matched.
    package mutating func differences(
        from found: inout [CounterKey: CounterState]
    ) throws(StoreError) -> [VerifyDifference] {
        var result: [VerifyDifference] = []
        for (number, sequence) in broken {
            result.append(
                VerifyDifference(
                    what: "ledger entry with sequence \(sequence) of \(name(of: number))",
                    expected: "a seal, an amount and a balance that follow from the entry before",
                    found: "another"))
        }
        for key in counters.keys.sorted() {
            let expected = counters[key] ?? .empty
            guard let stored = found.removeValue(forKey: key) else {
                if try isCounted(key) { result.append(difference(key, expected.text, "nothing")) }
                continue
            }
            if stored != expected { result.append(difference(key, expected.text, stored.text)) }
        }
        for (key, state) in counters where key.series == OwnSeries.reservations {
            try addLateExpiry(state, of: key.subject, to: &result)
        }
        for key in found.keys.sorted() where found[key]?.isEmpty == false && isCounted(key.series) {
            result.append(difference(key, "nothing", found[key]?.text ?? ""))
        }
        return result
    }

    /// A series younger than the subject is folded when it is first asked for.
    private mutating func isCounted(_ key: CounterKey) throws(StoreError) -> Bool {
        if key.series < 0 { return true }
        return registry.series[key.series].definedAt <= (try stored(key.subject)).firstSequence
    }

    /// A subject that is not looked at in time would keep what has expired.
    private mutating func addLateExpiry(
        _ state: CounterState, of number: Int64, to result: inout [VerifyDifference]
    ) throws(StoreError) {
        let subject = try stored(number)
        guard let first = state.openReservations.first?.expiresAt,
            subject.nextExpiry.map({ $0 > first }) ?? true
        else { return }
        result.append(
            VerifyDifference(
                what: "next expiry of \(subject.profile.id)",
                expected: "not after \(first.rfc3339)",
                found: subject.nextExpiry?.rfc3339 ?? "nothing"))
    }

    /// Counters of a series that is no longer counted stay behind, and nobody reads them.
    private func isCounted(_ series: Int) -> Bool {
        !registry.series.indices.contains(series) || registry.series[series].isCounted
    }

    private func name(of subject: Int64) -> String {
        subjects[subject]?.profile.id.text ?? "number \(subject)"
    }

    private func difference(
        _ key: CounterKey, _ expected: String, _ found: String
    ) -> VerifyDifference {
        if key.series < 0 {
            let subject = name(of: key.subject)
            return VerifyDifference(
                what: "\(OwnSeries.text(key)) of \(subject)", expected: expected, found: found)
        }
        guard registry.series.indices.contains(key.series) else {
            return VerifyDifference(
                what: "counter of unknown series \(key.series)", expected: expected, found: found)
        }
        let definition = registry.series[key.series].definition
        let subject = name(of: key.subject)
        let measure = definition.measure == .usage ? "" : ", would-be refusals"
        return VerifyDifference(
            what: "\(definition.meter.key) per \(definition.window.text) from "
                + "\(max(key.from, .earliest).rfc3339) of \(subject)\(measure)",
            expected: expected, found: found)
    }
}

extension CounterState {
    fileprivate var text: String { String(value) }

    /// A counter from which everything was taken back says what no counter says.
    fileprivate var isEmpty: Bool {
        guard value == 0 else { return false }
        switch memory {
        case .distinct(let values): return values.isEmpty
        case .values(let values): return values.isEmpty
        case .wallet(let sealed): return sealed == SealedWallet()
        default: return memory == .none
        }
    }
}
