import MeterstoneCore
import MeterstoneStore

/// What a decided batch writes, as set-based statements: one for each table that it touches.
struct TransactionWrites {
    private(set) var queries: [Query] = []
    /// Every subject of which something is written.
    private(set) var subjects: Set<SubjectID> = []
    private(set) var changesCatalog = false
    /// Where rows of events are written.
    private(set) var locations: [EventLocation] = []
    /// Of columns.
    private(set) var columnRows = 0

    /// Empties the working set of what it would have projected.
    ///
    /// - Parameters:
    ///   - brought: rows that were made for this batch, and go again unless something is recorded.
    ///   - loaded: what the batch was decided with.
    init(
        _ workingSet: WorkingSet, brought: Set<SubjectID>, _ loaded: LoadedSource
    ) throws(StoreError) {
        let batch = workingSet.seal()
        workingSet.append(batch)
        try addEvents(batch, workingSet, loaded)
        if let slice = workingSet.tail.takeSlice(whole: true) {
            addCounters(slice, loaded)
            let segments = try slice.columns.parts(workingSet.registry)
                .flatMap { $0.entries.segments() }
            if !segments.isEmpty { queries.append(.inserting(segments)) }
            columnRows = segments.count
        }
        try addSubjects(workingSet.dirtySubjects, brought, loaded)
        try addChanges(workingSet.dirtyChanges, workingSet.registry)
        addZones(workingSet.zones.new)
    }

    private mutating func addEvents(
        _ batch: JournalBatch, _ workingSet: WorkingSet, _ loaded: LoadedSource
    ) throws(StoreError) {
        var (owners, days, sequences) = (IntColumn(), IntColumn(), IntColumn())
        var bodies = BytesColumn()
        var ids: [(identity: [UInt8], location: EventLocation)] = []
        var events = 0
        var entries: [EntryRow] = []
        try batch.forEach { (fact) throws(StoreError) in
            if let row = try fact.entryRow { entries.append(row) }
            guard let head = fact.usageHead else { return }
            let day = head.occurredAt.utcDay
            for subject in [fact.subject] + head.ancestors {
                locations.append(
                    EventLocation(day: day, subject: subject, sequence: fact.sequence))
                owners.append(subject)
                days.append(day)
                sequences.append(fact.sequence)
                if let state = workingSet.byNumber[subject] { subjects.insert(state.id) }
            }
            bodies.append(fact.body)
            for _ in head.ancestors { bodies.append(Fact.pointer(to: fact.subject, day: day)) }
            events += 1
            guard fact.kind == .usage, let (id, source) = try? UsageRecord.idAndSource(fact)
            else { return }
            ids.append(
                (
                    id.identity(source: source),
                    EventLocation(day: day, subject: fact.subject, sequence: fact.sequence)
                ))
        }
        if events > 0 {
            queries.append(
                Query(UsageEventStatements.insert)
                    .binding(owners).binding(days).binding(sequences).binding(bodies))
        }
        let isMerging = workingSet.dirtyChanges.contains {
            if case .mergeSubject = $0.change { true } else { false }
        }
        addIDs(isMerging ? Self.latest(ids) : ids, loaded)
        if !entries.isEmpty { queries.append(.inserting(entries)) }
    }

    /// Each id once: what was recorded in this batch, and then moved, stands where it was moved to.
    private static func latest(
        _ ids: [(identity: [UInt8], location: EventLocation)]
    ) -> [(identity: [UInt8], location: EventLocation)] {
        let latest = Dictionary(
            ids.map { ($0.identity, $0.location) }, uniquingKeysWith: { _, last in last })
        return latest.map { (identity: $0.key, location: $0.value) }
    }

    private mutating func addIDs(
        _ ids: [(identity: [UInt8], location: EventLocation)], _ loaded: LoadedSource
    ) {
        guard !ids.isEmpty else { return }
        var columns = EventIDColumns()
        var forgotten = BytesColumn()
        var forgottenSequences: [Int64] = []
        for (identity, location) in ids {
            columns.append(identity, location)
            // It was found, and yet counted: the options say that it is too old to be remembered.
            guard let old = loaded.knownLocation(identity) else { continue }
            forgotten.append(identity)
            forgottenSequences.append(old.sequence)
        }
        if !forgottenSequences.isEmpty {
            queries.append(
                Query(UsageEventStatements.forgetIDs)
                    .binding(forgotten).binding(IntColumn(forgottenSequences)))
        }
        queries.append(columns.inserting)
    }

    private mutating func addCounters(_ slice: TailSlice, _ loaded: LoadedSource) {
        var (new, dropped) = (CounterColumns(), CounterColumns())
        var known = KnownCounterColumns()
        let sorted = slice.counters.map { (key: $0.key, dirty: $0) }
            .sorted { ($0.key.subject, $0.key) < ($1.key.subject, $1.key) }
        for (key, dirty) in sorted {
            subjects.insert(dirty.subject.id)
            guard
                let counter = dirty.subject.takeDirtyCounter(
                    series: dirty.series, from: dirty.from)
            else { continue }
            let stored = StoredCounter(state: counter.state, asOf: counter.asOf)
            if counter.isDeleted {
                dropped.append(key)
            } else if let place = loaded.places[key] {
                known.append(place, stored)
            } else {
                new.append(key, stored)
            }
        }
        if dropped.count > 0 { queries.append(dropped.deletion) }
        if known.count > 0 { queries.append(known.update) }
        if new.count > 0 { queries.append(new.putting) }
    }

    private mutating func addSubjects(
        _ rows: [SubjectRow], _ brought: Set<SubjectID>, _ loaded: LoadedSource
    ) throws(StoreError) {
        var latest: [SubjectID: StoredSubject] = [:]
        for row in rows { latest[row.subject.profile.id] = row.subject }
        var (ids, parents, profiles, children) = (
            TextColumn(), TextColumn(), TextColumn(), TextColumn()
        )
        var (numbers, firstSequences, expiries) = (IntColumn(), IntColumn(), IntColumn())
        var (created, updated) = (IntColumn(), IntColumn())
        for (id, subject) in latest {
            ids.append(id.text)
            numbers.append(subject.number)
            firstSequences.append(subject.firstSequence)
            parents.append(subject.profile.parent?.text)
            profiles.append(try subject.profileText())
            children.append(subject.childrenText)
            expiries.append(subject.nextExpiry?.millisecondsSince1970 ?? -1)
            created.append(subject.times.createdAt?.millisecondsSince1970 ?? -1)
            updated.append(subject.times.updatedAt?.millisecondsSince1970 ?? -1)
        }
        subjects.formUnion(latest.keys)
        let renumbered = latest.filter { id, subject in
            loaded.number(of: id).map { $0 != subject.number } ?? false
        }
        if !renumbered.isEmpty {
            // Two rows change their numbers, of which there is one each at any time.
            queries.append(
                Query(SubjectStatements.clearNumbers)
                    .binding(TextColumn(renumbered.keys.map(\.text))))
        }
        if !latest.isEmpty {
            queries.append(
                Query(SubjectStatements.update)
                    .binding(ids).binding(numbers).binding(firstSequences).binding(parents)
                    .binding(profiles).binding(children).binding(expiries).binding(created)
                    .binding(updated))
        }
        let unused = brought.subtracting(latest.keys)
        if !unused.isEmpty {
            queries.append(
                Query(SubjectStatements.dropUnused).binding(TextColumn(unused.map(\.text))))
        }
    }

    private mutating func addZones(_ digests: [String: String]) {
        guard !digests.isEmpty, !queries.isEmpty else { return }
        for (name, digest) in digests.sorted(by: { $0.key < $1.key }) {
            queries.append(
                Query(SettingStatements.noteZone).binding(Setting.zone + name).binding(digest))
        }
        guard !changesCatalog else { return }
        // Other nodes are to compare their rules with these.
        changesCatalog = true
        queries.append(Query(CatalogStatements.raiseVersion))
        queries.append(Query(CatalogStatements.notify))
    }

    private mutating func addChanges(
        _ changes: [ChangeRecord], _ registry: Registry
    ) throws(StoreError) {
        guard !changes.isEmpty else { return }
        queries.append(try .inserting(changes))
        let ofCatalog = changes.filter { $0.change.isOfCatalog && $0.outcome.isChange }
        guard !ofCatalog.isEmpty else { return }
        changesCatalog = true
        for change in ofCatalog {
            for row in try change.catalogRows() {
                let query = Query(
                    row.body == nil ? CatalogStatements.delete : CatalogStatements.put
                ).binding(row.kind).binding(row.key)
                queries.append(row.body == nil ? query : query.binding(row.body))
            }
        }
        queries += try Query.putting(registry)
        queries.append(Query(CatalogStatements.raiseVersion))
        queries.append(Query(CatalogStatements.notify))
    }
}

/// Counters as columns.
struct CounterColumns {
    private(set) var count = 0
    private var (series, starts, subjects) = (IntColumn(), IntColumn(), IntColumn())
    private var (values, included) = (IntColumn(), IntColumn())
    private var memories = BytesColumn()

    mutating func append(_ key: CounterKey, _ counter: StoredCounter? = nil) {
        count += 1
        series.append(Int64(key.series))
        starts.append(key.from.columnValue)
        subjects.append(key.subject)
        guard let counter else { return }
        values.append(counter.state.value)
        included.append(counter.asOf)
        memories.append(counter.state.memoryBytes)
    }

    var putting: Query {
        Query(CounterStatements.put)
            .binding(series).binding(starts).binding(subjects).binding(values).binding(included)
            .binding(memories)
    }

    var deletion: Query {
        Query(CounterStatements.delete).binding(series).binding(starts).binding(subjects)
    }
}

/// Counters that this transaction has read, as columns.
struct KnownCounterColumns {
    private(set) var count = 0
    private var places = PlaceColumn()
    private var (values, included) = (IntColumn(), IntColumn())
    private var memories = BytesColumn()

    mutating func append(_ place: [UInt8], _ counter: StoredCounter) {
        count += 1
        places.append(place)
        values.append(counter.state.value)
        included.append(counter.asOf)
        memories.append(counter.state.memoryBytes)
    }

    var update: Query {
        Query(CounterStatements.update)
            .binding(places).binding(values).binding(included).binding(memories)
    }
}

extension Query {
    /// Writes every name, limit and series of a registry; what is there already stays.
    static func putting(_ registry: Registry) throws(StoreError) -> [Query] {
        var definitions = TextColumn()
        for series in registry.series { definitions.append(try JSONText(series.definition).text) }
        return [
            Query(CatalogStatements.putNames)
                .binding(IntColumn(registry.names.indices.map(Int64.init)))
                .binding(TextColumn(registry.names.map(\.text))),
            Query(CatalogStatements.putLimits)
                .binding(IntColumn(registry.limits.indices.map(Int64.init)))
                .binding(TextColumn(registry.limits.map(\.text))),
            Query(CatalogStatements.putSeries)
                .binding(IntColumn(registry.series.indices.map(Int64.init)))
                .binding(definitions)
                .binding(IntColumn(registry.series.map(\.definedAt)))
                .binding(IntColumn(registry.series.map { $0.isCounted ? 1 : 0 })),
        ]
    }
}
