import Dispatch
import GRDB
import MeterstoneCore
import MeterstoneStore

/// One round of projection: a slice of the journal on its way into the tables.
///
/// It is done in short steps, so that no commit waits long: each visits, moves or writes a bounded
/// number of rows, and what it writes is one transaction. Rows are sorted by key first, so that each page
/// is touched once. A round that is cut short does no harm: its rows are written again, and counters say
/// which facts they include. Only the last step moves the watermark.
///
/// Nothing here is synced. What is written stands in the log behind the commits that it comes from, and
/// before those that come after it; until one of them is synced, the journal has everything.
final class Projection {
    /// Rows that one step writes. With random subjects each is on a page of its own: some two
    /// milliseconds.
    static let rowsPerStep = 512
    /// Events whose columns are merged in one step, unless one day has more.
    static let eventsMergedPerStep = 2_048
    /// Events whose columns are written in one step.
    static let eventsPerStep = 65_536
    /// Bytes of the journal that one step drops, and rows.
    private static let droppedPerStep = (bytes: 262_144, rows: 1_024)

    /// What is done, in this order, and its share of the whole work in percent.
    private enum Stage: Int, CaseIterable {
        case preparing, events, corrections, ids, entries, counters, newSubjects, expiries,
            segments, finish
        case merge, mergeEvents, mergeIDs, drop, done

        var share: Int {
            switch self {
            case .events, .mergeEvents: 16
            case .ids, .mergeIDs: 8
            case .counters: 40
            case .segments, .merge, .drop: 3
            case .preparing, .corrections, .entries, .newSubjects, .expiries, .finish: 1
            case .done: 0
            }
        }
    }

    let until: Int64
    /// Facts of the slice.
    private let factCount: Int
    private let batches: [JournalBatch]
    private let registry: Registry
    private let changes: [ChangeRecord]
    private let dirtyCounters: [DirtyCounter]
    private let preparation: SlicePreparation
    private var prepared = PreparedSlice()
    private var eventBuilder: EventRunBuilder?
    /// Runs that are written, and count once the watermark has moved.
    private var eventRuns: [EventRun] = []
    private var idBuilder: IDRunBuilder?
    /// Facts or entries of runs that this round may still move while runs are merged.
    private var mergesLeft = 0
    /// UTC days whose columns are to be merged.
    private var days: [Int64] = []
    /// What the tail no longer needs, which goes with the round.
    private var remains: TailRemains?
    private var stage = Stage.preparing
    private var position = 0
    /// How much there is to do in this stage; 0: that is not known.
    private var extent = 0

    /// Takes what is to be projected out of a working set; `nil` when there is nothing.
    ///
    /// A change of the catalog is projected together with everything after it, so that the catalog and
    /// the watermark always belong together.
    ///
    /// - Parameter cuts: facts from both sides of which nothing is put into columns together.
    init?(_ workingSet: WorkingSet, cuts: [Int64]) {
        let hasCatalogChange = workingSet.dirtyChanges.contains { $0.change.isOfCatalog }
        guard let slice = workingSet.tail.takeSlice(whole: hasCatalogChange, cuts: cuts) else {
            return nil
        }
        until = slice.until
        batches = slice.facts.batches
        factCount = slice.count
        dirtyCounters = slice.counters
        registry = workingSet.registry
        preparation = SlicePreparation(slice, registry)
        changes = slice.facts.changes
    }

    /// Whether a thread is putting the slice in order, for which the first step would wait.
    var isPreparing: Bool { stage == .preparing && !preparation.isReady }

    /// Facts of the slice, less the share that is done of the work with them.
    var factsLeft: Int {
        let before = Stage.allCases.reduce(0) { $1.rawValue < stage.rawValue ? $0 + $1.share : $0 }
        let all = Stage.allCases.reduce(0) { $0 + $1.share }
        let within = extent > 0 ? stage.share * min(position, extent) / extent : 0
        return factCount - factCount * (before + within) / all
    }

    /// Whether the watermark has moved, and what is left is only putting in order.
    var isVisible: Bool { stage.rawValue > Stage.finish.rawValue }

    /// Facts of the slice that are still part of the tail.
    var factsInTail: Int { isVisible ? 0 : factCount }

    /// Does one step; `false` when the round is complete.
    func step(_ statements: WriterStatements, _ workingSet: WorkingSet) throws(StoreError) -> Bool {
        switch stage {
        case .preparing:
            prepared = try preparation.take()
            advance(to: .events)
        case .events: try writeEvents(statements)
        case .corrections:
            try write(.ids, statements, prepared.corrections.count) { (rows) throws(StoreError) in
                try statements.events.put(prepared.corrections[rows])
            }
        case .ids: try writeIDs(statements)
        case .entries:
            try write(.counters, statements, prepared.entries.count) { (rows) throws(StoreError) in
                try statements.put(prepared.entries[rows])
            }
        case .counters:
            // Not later than the first counter that is cut by them.
            try putZones(statements, workingSet)
            try write(.newSubjects, statements, prepared.counters.count) {
                (rows) throws(StoreError) in try putCounters(rows, statements)
            }
        case .newSubjects:
            try write(.expiries, statements, prepared.newSubjects.count) {
                (rows) throws(StoreError) in try statements.put(prepared.newSubjects[rows])
            }
        case .expiries:
            try write(.segments, statements, prepared.expiries.count) {
                (rows) throws(StoreError) in try statements.put(prepared.expiries[rows])
            }
        case .segments: try putSegments(statements)
        case .finish:
            try statements.transaction(isSynced: false) { () throws(StoreError) in
                try finish(statements)
                try statements.raiseCutFloor(to: workingSet.cutFloor)
            }
            if let run = idBuilder?.run { statements.ids.didSeal(run) }
            remains = workingSet.didProject(through: until)
            advance(to: .merge)
        case .merge: try mergeColumns(statements)
        case .mergeEvents: try mergeEvents(statements)
        case .mergeIDs: try mergeIDs(statements)
        case .drop: try dropJournal(statements)
        case .done: return false
        }
        return true
    }

    private func advance(to next: Stage) {
        stage = next
        position = 0
        switch next {
        case .events: extent = prepared.events.count
        case .ids: extent = prepared.ids.count
        case .counters: extent = prepared.counters.count
        case .newSubjects: extent = prepared.newSubjects.count
        case .expiries: extent = prepared.expiries.count
        case .segments:
            extent = prepared.segments.count
            days = Set(prepared.segments.map(\.segment.day)).sorted()
        case .merge: extent = days.count
        case .mergeEvents:
            mergesLeft = 8 * max(prepared.events.count, SealedEvents.factsPerStep)
            extent = mergesLeft
        case .mergeIDs:
            // An entry is written once for each level of runs, and there are fewer levels than that.
            mergesLeft = 8 * max(prepared.ids.count, SealedIDs.entriesPerStep)
            extent = mergesLeft
        default: extent = 0
        }
    }

    /// Writes what rules counters are cut with since the last time, also where no counter follows.
    private func putZones(
        _ statements: WriterStatements, _ workingSet: WorkingSet
    ) throws(StoreError) {
        let zones = workingSet.zones.new
        guard !zones.isEmpty else { return }
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            try statements.put(zones: zones)
        }
        workingSet.zones.didStore(zones.keys)
    }

    /// Writes the next rows of a stage in one transaction.
    private func write(
        _ next: Stage, _ statements: WriterStatements, _ count: Int,
        _ body: (Range<Int>) throws(StoreError) -> Void
    ) throws(StoreError) {
        let end = min(position + Self.rowsPerStep, count)
        if position < end {
            try statements.transaction(isSynced: false) { () throws(StoreError) in
                try body(position..<end)
            }
        }
        position = end
        if position == count { advance(to: next) }
    }

    private func putCounters(
        _ range: Range<Int>, _ statements: WriterStatements
    ) throws(StoreError) {
        for row in prepared.counters[range] {
            let dirty = dirtyCounters[row.index]
            guard
                let counter = dirty.subject.takeDirtyCounter(
                    series: dirty.series, from: dirty.from)
            else { continue }
            try statements.put(counter.isDeleted ? nil : counter, at: row.key)
        }
    }

    // MARK: Runs

    /// Writes some events, each day's into a run of its own.
    private func writeEvents(_ statements: WriterStatements) throws(StoreError) {
        let all = prepared.events
        let writer = statements.events
        guard !all.isEmpty else { return advance(to: .corrections) }
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            var facts = 0
            var bytes = 0
            while position < all.count, facts < SealedEvents.factsPerStep,
                bytes < SealedEvents.bytesPerStep
            {
                let row = all[position]
                if let day = eventBuilder?.run.day, day != row.location.day {
                    try endRun(writer)
                }
                let (body, occurredAt) = body(of: row)
                if eventBuilder == nil { eventBuilder = writer.begin(day: row.location.day) }
                try eventBuilder?.append(
                    subject: row.location.subject, sequence: row.location.sequence, body,
                    at: occurredAt.map { $0...$0 }, writer)
                facts += 1
                bytes += body.count
                position += 1
            }
            if position == all.count { try endRun(writer) }
        }
        if position == all.count { advance(to: .corrections) }
    }

    private func body(of row: EventReference) -> (ArraySlice<UInt8>, occurredAt: Instant?) {
        let bytes = batches[Int(row.batch)].bytes
        let (start, end) = (Int(row.start), Int(row.end))
        let occurredAt = Fact.occurredAt(bytes, from: start, to: end)
        guard row.member == 0 else {
            return (Fact.pointer(to: row.member, day: row.location.day)[...], occurredAt)
        }
        return (bytes[start..<end], occurredAt)
    }

    private func endRun(_ writer: SealedEvents) throws(StoreError) {
        try eventBuilder?.finish(writer)
        if let run = eventBuilder?.run { eventRuns.append(run) }
        eventBuilder = nil
    }

    /// Merges runs, and drops those that were merged, in proportion to what the round brings.
    private func mergeEvents(_ statements: WriterStatements) throws(StoreError) {
        let moved = mergesLeft > 0 ? try statements.events.step(statements) : 0
        guard moved > 0 else { return advance(to: .mergeIDs) }
        mergesLeft -= moved
        position += moved
    }

    private func writeIDs(_ statements: WriterStatements) throws(StoreError) {
        let all = prepared.ids
        guard !all.isEmpty else { return advance(to: .entries) }
        let writer = statements.ids
        var builder = idBuilder ?? writer.begin(count: all.count)
        idBuilder = nil
        let end = min(position + SealedIDs.entriesPerStep, all.count)
        var isComplete = false
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            try builder.append(all[position..<end], writer)
            if end == all.count { isComplete = try !builder.finish(writer) }
        }
        idBuilder = builder
        position = end
        if isComplete { advance(to: .entries) }
    }

    private func mergeIDs(_ statements: WriterStatements) throws(StoreError) {
        let moved = mergesLeft > 0 ? try statements.ids.step(statements) : 0
        guard moved > 0 else { return advance(to: .drop) }
        mergesLeft -= moved
        position += moved
    }

    // MARK: Columns

    /// They are there for readers only once the watermark has moved.
    private func putSegments(_ statements: WriterStatements) throws(StoreError) {
        let segments = prepared.segments
        var end = position
        var events = 0
        while end < segments.count, events < Self.eventsPerStep {
            events += segments[end].segment.count
            end += 1
        }
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            if position == 0 { try statements.dropColumnsAhead() }
            try statements.put(segments[position..<end])
        }
        position = end
        if position == segments.count { advance(to: .finish) }
    }

    /// Merges the columns of some days, and stops after one that was long.
    private func mergeColumns(_ statements: WriterStatements) throws(StoreError) {
        guard position < days.count else { return advance(to: .mergeEvents) }
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            var events = 0
            while position < days.count, events < Self.eventsMergedPerStep {
                events += 64 + (try statements.mergeColumns(of: days[position]))
                position += 1
            }
            if position == days.count { try statements.dropMergedColumns() }
        }
    }

    // MARK: The last steps

    private func finish(_ statements: WriterStatements) throws(StoreError) {
        try statements.events.putRows(eventRuns)
        if let run = idBuilder?.run { try statements.ids.putRow(run) }
        try statements.put(prepared.changedSubjects)
        try statements.put(changes)
        let ofCatalog = changes.filter { $0.change.isOfCatalog && $0.outcome.isChange }
        if !ofCatalog.isEmpty {
            try statements.put(registry, after: ofCatalog)
        }
        try statements.put(setting: Setting.watermark, String(until))
    }

    private func dropJournal(_ statements: WriterStatements) throws(StoreError) {
        let bytes = batches.reduce(0) { $0 + $1.bytes.count } / max(1, batches.count)
        let (bytesMax, rowsMax) = Self.droppedPerStep
        let rows = Int64(min(max(bytesMax / max(1, bytes), 1), rowsMax))
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            statements.dropJournal.bind(
                1, statements.journalKept.droppable(projectedThrough: until))
            statements.dropJournal.bind(2, rows)
            try statements.dropJournal.run()
        }
        if statements.database.changesCount < rows { stage = .done }
    }
}

/// Lets go of something large on a thread where nobody waits for it.
///
/// Unchecked, because nobody uses it any more.
struct Discarded: @unchecked Sendable {
    private static let queue = DispatchQueue(label: "meterstone.discarded", qos: .utility)
    private let value: AnyObject

    static func discard(_ value: AnyObject) {
        let discarded = Discarded(value: value)
        queue.async { withExtendedLifetime(discarded) {} }
    }

    private init(value: AnyObject) {
        self.value = value
    }
}
