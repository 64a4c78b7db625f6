import MeterstoneCore

/// Compares two snapshots, chunk by chunk, with queries about whole sets.
struct StoreComparison {
    /// Counters that one pass keeps in memory, of each of the two.
    private static let countersPerPass: Int64 = 1_000_000
    private static let subjectsPerStep = 5_000

    private let source: any InspectionSource
    private let target: any InspectionSource
    private let series: [RegisteredSeries]
    private(set) var report = CopyReport()
    /// Rows of counters, of the one that has more.
    private var counterRows: Int64 = 0

    init(
        _ source: any InspectionSource, _ target: any InspectionSource, _ series: [RegisteredSeries]
    ) {
        self.source = source
        self.target = target
        self.series = series
    }

    private mutating func note(_ what: String, _ expected: String, _ found: String) {
        report.note(VerifyDifference(what: what, expected: expected, found: found))
    }

    // MARK: The catalog and the sizes

    mutating func compareCatalogs(_ one: Catalog, _ other: Catalog) {
        let (meters, plans, limits) = (
            one.blueprint.meters, one.blueprint.plans, one.blueprint.limits
        )
        compare("meters", meters, other.blueprint.meters) { $0.key.text }
        compare("plans", plans, other.blueprint.plans) { $0.key.text }
        compare("limits", limits, other.blueprint.limits) { $0.key.text }
        compare("models", one.blueprint.models, other.blueprint.models) { $0.key.text }
        compare("alerts", one.blueprint.alerts, other.blueprint.alerts) { $0.key.text }
        compare("webhooks", one.blueprint.webhooks, other.blueprint.webhooks) { $0.key.text }
        if one.blueprint.credits != other.blueprint.credits {
            note("credit policy", "an equal one", "another")
        }
        let (registry, copied) = (one.registry, other.registry)
        if registry.names != copied.names || registry.limits != copied.limits
            || registry.series != copied.series
        {
            note("numbers of names, limits and series", "equal ones", "others")
        }
    }

    /// In the order of keys, which stores need not keep.
    private mutating func compare<Thing: Equatable>(
        _ what: String, _ one: [Thing], _ other: [Thing], _ key: (Thing) -> String
    ) {
        let (one, other) = (
            one.sorted { key($0) < key($1) }, other.sorted { key($0) < key($1) }
        )
        guard one != other else { return }
        let (names, found) = (one.map(key), other.map(key))
        note(
            what, names.joined(separator: ", "),
            names == found ? "others of these keys" : found.joined(separator: ", "))
    }

    mutating func compareSizes() throws(StoreError) {
        let (one, other) = (try source.sizes(), try target.sizes())
        report.events = Int(one.events)
        counterRows = max(one.counters, other.counters)
        let sizes = [
            ("subjects", one.subjects, other.subjects), ("events", one.events, other.events),
            ("rows of events, corrections and teams", one.rows, other.rows),
            ("changes", one.changes, other.changes),
            ("ledger entries", one.entries, other.entries),
        ]
        for (what, expected, found) in sizes where expected != found {
            note("number of \(what)", String(expected), String(found))
        }
    }

    // MARK: Subjects

    /// By number, since both know each subject by the same one; equal sizes say that there are no
    /// others.
    mutating func compareSubjects() throws(StoreError) {
        var last: SubjectID?
        while true {
            let subjects = try source.subjects(after: last, count: Self.subjectsPerStep)
            guard let next = subjects.last?.profile.id else { return }
            try target.prefetch(subjects: subjects.map(\.number))
            for subject in subjects {
                try compare(subject, try target.subject(number: subject.number))
            }
            report.subjects += subjects.count { $0.alias == nil }
            last = next
        }
    }

    private mutating func compare(
        _ subject: StoredSubject, _ found: StoredSubject?
    ) throws(StoreError) {
        let what = "subject \(subject.profile.id)"
        guard let found, found.profile.id == subject.profile.id else {
            let other = found.map { "\($0.profile.id)" } ?? "nothing"
            return note(what, "number \(subject.number)", other)
        }
        if subject.profile != found.profile {
            note(
                "profile of \(what)", try JSONText(subject.profile).text,
                try JSONText(found.profile).text)
        }
        if subject.firstSequence != found.firstSequence {
            note("first fact of \(what)", "\(subject.firstSequence)", "\(found.firstSequence)")
        }
        if subject.alias != found.alias || subject.aliases != found.aliases
            || subject.merged != found.merged
        {
            note("keys of \(what)", "\(subject.aliases)", "\(found.aliases)")
        }
        if subject.times != found.times {
            note("times of \(what)", "\(subject.times)", "\(found.times)")
        }
        if subject.children != found.children {
            note(
                "subjects below \(what)", subject.childrenText ?? "none",
                found.childrenText ?? "none")
        }
    }

    // MARK: Counters

    /// In as many passes as the sizes ask for, which are compared before.
    mutating func compareCounters() throws(StoreError) {
        let passes = 1 + counterRows / Self.countersPerPass
        for pass in 0..<passes {
            let expected = try source.counters(pass: pass, of: passes)
            try compare(expected, with: try target.counters(pass: pass, of: passes))
        }
    }

    private mutating func compare(
        _ expected: [CounterKey: CounterState], with counters: [CounterKey: CounterState]
    ) throws(StoreError) {
        var different: [CounterKey] = []
        for (key, state) in expected where isCounted(key) {
            report.counters += 1
            let found = counters[key] ?? .empty
            // No row says the same as a row of nothing.
            if found != state, !(found.isNothing && state.isNothing) { different.append(key) }
        }
        let others = counters.keys.filter { key in
            expected[key] == nil && isCounted(key) && counters[key]?.isNothing == false
        }
        for key in try others.filter(byFirstFact(others)) { different.append(key) }
        // More are not told.
        let told = different.sorted().prefix(CopyReport.differencesMax)
        try source.prefetch(subjects: Set(told.map(\.subject)))
        for key in told {
            note(
                try name(key), expected[key].map { String($0.value) } ?? "nothing",
                counters[key].map { String($0.value) } ?? "nothing")
        }
    }

    /// Whether a counter that only the target has must have been in the source.
    ///
    /// A series that is younger than a subject is folded when it is first asked for, and until then
    /// the source has no row; the target has computed one.
    private func byFirstFact(_ keys: [CounterKey]) throws(StoreError) -> (CounterKey) -> Bool {
        var firstFacts: [Int64: Int64] = [:]
        let numbers = Set(keys.map(\.subject))
        for step in Array(numbers).steps(of: Self.subjectsPerStep) {
            try source.prefetch(subjects: step)
            for number in step {
                firstFacts[number] = try source.subject(number: number)?.firstSequence ?? .max
            }
        }
        return { $0.series < 0 || series[$0.series].definedAt <= firstFacts[$0.subject] ?? .max }
    }

    /// Counters of a series that is no longer counted stay behind, and nobody reads them.
    private func isCounted(_ key: CounterKey) -> Bool {
        key.series < 0 || series.indices.contains(key.series) && series[key.series].isCounted
    }

    private func name(_ key: CounterKey) throws(StoreError) -> String {
        let id = try source.subject(number: key.subject)?.profile.id.text
        guard key.series >= 0 else {
            let what = OwnSeries.text(key)
            return "\(what) of \(id ?? "number \(key.subject)")"
        }
        let definition = series[key.series].definition
        let measure = definition.measure == .usage ? "" : ", would-be refusals"
        return "\(definition.meter.key) per \(definition.window.text) from "
            + "\(max(key.from, .earliest).rfc3339) of "
            + "\(id ?? "number \(key.subject)")\(measure)"
    }
}

extension Array {
    fileprivate func steps(of count: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: count).map { start in
            self[start..<Swift.min(start + count, self.count)]
        }
    }
}

extension CounterState {
    /// A counter from which everything was taken back says what no counter says.
    fileprivate var isNothing: Bool {
        guard value == 0 else { return false }
        if case .distinct(let values) = memory { return values.isEmpty }
        if case .values(let values) = memory { return values.isEmpty }
        return memory == .none
    }
}
