public import MeterstoneCore
public import MeterstoneStore
import Synchronization

/// A store that keeps everything in memory, for tests: the rules and nothing else.
///
/// It is a working set whose tail is never projected.
public final class MemoryStore: Store {
    private let workingSet: Mutex<WorkingSet>

    public init(options: StoreOptions = StoreOptions()) {
        workingSet = Mutex(
            WorkingSet(
                options: options, source: NothingStored(),
                catalog: Catalog(Blueprint(), Registry(), options), nextSequence: 1, nextSubject: 1,
                eventIDs: EventIDGenerator(seed: 1)))
    }

    public func commit(_ commands: [Command], at now: Instant) throws(StoreError) -> [Outcome] {
        try workingSet.withLock { (workingSet) throws(StoreError) in
            var outcomes: [Outcome] = []
            for command in commands {
                outcomes.append(try workingSet.perform(command, at: now))
            }
            if workingSet.hasFacts {
                let batch = workingSet.seal()
                workingSet.append(batch)
            }
            return outcomes
        }
    }

    public var halt: StoreError? { nil }

    public var isSharedBetweenNodes: Bool { false }

    public var waitingFacts: Int { 0 }

    public var waitingFactsMax: Int { .max }

    public func project() throws(StoreError) -> Bool { false }

    public func reportView() throws(StoreError) -> StoreView {
        workingSet.withLock { $0.published }.view()
    }

    public func verify() throws(StoreError) -> VerifyReport {
        try workingSet.withLock { (workingSet) throws(StoreError) in
            let source = TailSource(workingSet)
            var recount = workingSet.recount(source)
            try recount.run()
            let counters = recount.counters.count
            var found = workingSet.waitingCounters
            return VerifyReport(
                events: recount.events, counters: counters,
                differences: try recount.differences(from: &found)
                    + source.columnDifferences(workingSet.registry))
        }
    }

    /// There is nothing to rebuild: counters live and die with the store.
    public func rebuild() throws(StoreError) -> Int {
        workingSet.withLock { $0.waitingCounters.count }
    }

    public func inspect<Result>(
        _ body: (any InspectionSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try body(workingSet.withLock { TailSource(whole: $0) })
    }

    public func export(_ visit: (StorePart) throws(StoreError) -> Void) throws(StoreError) {
        let (source, catalog, changes, zone) = workingSet.withLock { workingSet in
            (
                TailSource(whole: workingSet), workingSet.catalog, workingSet.dirtyChanges,
                workingSet.options.defaultTimeZone
            )
        }
        try visit(
            StorePart(
                .opening(
                    .init(catalog, defaultTimeZone: zone, days: source.days, archive: nil))))
        try source.getSubjectExports(visit)
        try source.exportEvents(visit)
        try source.exportEntries(visit)
        if !changes.isEmpty { try visit(StorePart(.changes(changes))) }
    }

    /// Rows are not what this store consists of.
    public func fill(
        _ parts: ((StorePart) throws(StoreError) -> Void) throws(StoreError) -> Void
    ) throws(StoreError) {
        throw StoreError(
            code: .misuse, message: "expected a store with tables; a store in memory has none")
    }

    public func close() throws(StoreError) {}

    public func view(of subject: SubjectID?) throws(StoreError) -> StoreView {
        let head = workingSet.withLock { $0.published }
        guard let subject else { return head.view() }
        return try head.view(of: subject, try HeadSource(NothingStored(), head))
    }

    public func look(_ looks: [Look], at now: Instant) throws(StoreError) -> [Look.Answer] {
        try source().look(looks, at: now)
    }

    public func read<Result>(
        _ view: StoreView, _ body: (any StoreSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try body(try HeadSource(NothingStored(), view.known))
    }

    private func source() throws(StoreError) -> HeadSource {
        try HeadSource(NothingStored(), workingSet.withLock { $0.published })
    }

    public func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject] {
        try source().ownKeys(after: after, count: count)
    }

    public func subjectTotal() throws(StoreError) -> Int { try source().ownKeyCount().count }

    public func subjectsDue(at now: Instant, count: Int) throws(StoreError) -> [SubjectID] {
        try source().due([], at: now, count: count)
    }

    public func facts(after sequence: Int64, count: Int) throws(StoreError) -> FactPage {
        try source().facts(after: sequence, count: count) { _, _ in ([], true) }
    }

    public func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [ChangeEntry] {
        try source().changes([], filter, before: sequence, count: count)
    }
}

/// Tables with nothing in them.
private struct NothingStored: StoreSource {
    func subject(_ id: SubjectID) -> StoredSubject? { nil }
    func subject(number: Int64) -> StoredSubject? { nil }
    func subjects(after: SubjectID?, count: Int) -> [StoredSubject] { [] }
    func ownKeyCount() -> (count: Int, numberMax: Int64) { (0, 0) }
    func counter(_ key: CounterKey) -> StoredCounter? { nil }
    func locations(of id: EventID, source: String?) -> [EventLocation] { [] }
    func body(at location: EventLocation) -> [UInt8]? { nil }
    func facts(of subject: Int64, days: ClosedRange<Int64>) -> [StoredFact] { [] }
    func usage(
        of subject: Int64, within span: ClosedRange<Instant>, _ order: ReadingOrder,
        _ visit: ([StoredFact], Instant) throws(StoreError) -> Bool
    ) {}
    func entries(of subject: Int64, lookup: String) -> [StoredFact] { [] }
    func entries(of subject: Int64, before sequence: Int64?, count: Int) -> [StoredFact] { [] }
    func receipt(forIdempotencyKey key: String) -> ChangeReceiptRecord? { nil }
    func subjectsWithReservations() -> [SubjectID] { [] }
    func watermark() -> Int64 { 0 }
    func scan(
        days: ClosedRange<Int64>, _ visit: (Int64, Int64, StoredFact) throws(StoreError) -> Void
    ) {}
    func columns(
        days: ClosedRange<Int64>, withTimes: Bool, at cut: ReportCut?,
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) {}
    func columnRows(of days: ClosedRange<Int64>, at cut: ReportCut?) -> ColumnRows { .none }
    func columnDays(within days: ClosedRange<Int64>) -> [Int64] { [] }
    func subjectZones() -> [(number: Int64, zones: ZonesInTime)] { [] }
    func counters(ofSeries series: Int, of subject: Int64) -> [CounterKey: StoredCounter] { [:] }
    func changes(ofKind kind: String, key: String?) -> [ChangeRecord] { [] }
    func lastChange(ofKind kind: String, key: String) -> ChangeRecord? { nil }
    func changes(after sequence: Int64, count: Int) -> [ChangeRecord] { [] }
    func changedKey(ofKind kind: String, after key: String) -> String? { nil }
}
