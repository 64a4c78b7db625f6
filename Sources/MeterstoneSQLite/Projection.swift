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
    /// Facts that one step looks at, and rows that it sorts.
    static let factsPerStep = 2_048
    /// Rows that one step moves while it merges what is sorted.
    static let movesPerStep = 16_384
    /// Events whose columns are written in one step.
    static let eventsPerStep = 65_536
    /// Bytes of the journal that one step drops, and rows.
    private static let droppedPerStep = (bytes: 262_144, rows: 1_024)

    /// What is done, in this order, and its share of the whole work in percent.
    private enum Stage: Int, CaseIterable {
        case facts, sortEvents, sortIDs, sortEntries, gatherCounters, sortCounters, subjects
        case events, corrections, ids, entries, counters, newSubjects, segments, finish
        case merge, mergeEvents, mergeIDs, drop, done

        var share: Int {
            switch self {
            case .facts: 10
            case .sortEvents, .sortIDs, .gatherCounters, .sortCounters: 3
            case .events: 12
            case .ids: 6
            case .mergeEvents: 12
            case .mergeIDs: 6
            case .counters: 22
            case .sortEntries, .subjects, .corrections, .entries, .newSubjects, .finish: 1
            case .segments, .merge, .drop: 2
            case .done: 0
            }
        }
    }

    let until: Int64
    /// Facts of the slice.
    private let factCount: Int
    let batches: [JournalBatch]
    private let registry: Registry
    private let changes: [ChangeRecord]
    let dirtyCounters: [DirtyCounter]
    private let columns: ColumnWriting
    private var events = PieceSort<EventReference>()
    private var eventBuilder: EventRunBuilder?
    /// Runs that are written, and count once the watermark has moved.
    private var eventRuns: [EventRun] = []
    private var corrections: [CorrectionPlace] = []
    private var ids = PieceSort<IDEntry>()
    private var idBuilder: IDRunBuilder?
    /// Facts or entries of runs that this round may still move while runs are merged.
    private var mergesLeft = 0
    var counters = PieceSort<CounterReference>()
    private var entries: [EntryRow] = []
    private var entryOrder = PieceSort<EntryReference>()
    /// Where the last row of each subject stands among those that wait.
    private var subjectPlaces: [Int64: Int] = [:]
    /// Rows that say nothing but which number a subject has.
    private var newSubjects: [StoredSubject] = []
    private var changedSubjects: [StoredSubject] = []
    private let subjectRows: Int
    private var segments: [(segment: ColumnSegment, sequence: Int64)] = []
    /// UTC days whose columns are to be merged.
    private var days: [Int64] = []
    private var stage = Stage.facts
    private var position = 0
    /// How much there is to do in this stage; 0: that is not known.
    private var extent = 0
    private var reading: FactIterator?

    /// Takes what is to be projected out of a working set; `nil` when there is nothing.
    ///
    /// A change of the catalog is projected together with everything after it, so that the catalog and
    /// the watermark always belong together.
    init?(_ workingSet: WorkingSet) {
        let hasCatalogChange = workingSet.dirtyChanges.contains { $0.change.isOfCatalog }
        guard let slice = workingSet.tail.takeSlice(whole: hasCatalogChange) else { return nil }
        let until = slice.until
        self.until = until
        batches = slice.batches
        factCount = Int(until - (slice.batches.first?.firstSequence ?? until) + 1)
        dirtyCounters = slice.counters
        columns = ColumnWriting(slice.columns)
        registry = workingSet.registry
        changes = workingSet.dirtyChanges.filter { $0.sequence <= until }
        subjectRows = workingSet.dirtySubjects.partitioningIndex { $0.sequence > until }
        events.reserve(factCount)
        ids.reserve(factCount)
        advance(to: .facts)
    }

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
        case .facts: try visitFacts()
        case .sortEvents: if !events.step(Self.movesPerStep) { advance(to: .sortIDs) }
        case .sortIDs: if !ids.step(Self.movesPerStep) { advance(to: .sortEntries) }
        case .sortEntries: if !entryOrder.step(Self.movesPerStep) { advance(to: .gatherCounters) }
        case .gatherCounters: gatherCounters()
        case .sortCounters: if !counters.step(Self.movesPerStep) { advance(to: .subjects) }
        case .subjects: gatherSubjects(workingSet)
        case .events: try writeEvents(statements)
        case .corrections:
            try write(.ids, statements, corrections.count) { (rows) throws(StoreError) in
                try statements.events.put(corrections[rows])
            }
        case .ids: try writeIDs(statements)
        case .entries:
            try write(.counters, statements, entries.count) { (rows) throws(StoreError) in
                try statements.put(entryOrder.elements[rows].map { entries[$0.index] })
            }
        case .counters:
            // Not later than the first counter that is cut by them.
            try putZones(statements, workingSet)
            try write(.newSubjects, statements, counters.elements.count) {
                (rows) throws(StoreError) in try put(counters.elements[rows], statements)
            }
        case .newSubjects:
            try write(.segments, statements, newSubjects.count) { (rows) throws(StoreError) in
                try statements.put(newSubjects[rows])
            }
        case .segments: try putSegments(statements)
        case .finish:
            try statements.transaction(isSynced: false) { () throws(StoreError) in
                try finish(statements)
                try statements.raiseCutFloor(to: workingSet.cutFloor)
            }
            if let run = idBuilder?.run { statements.ids.didSeal(run) }
            workingSet.didProject(through: until)
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
        case .facts: extent = batches.count
        case .gatherCounters: extent = dirtyCounters.count
        case .subjects: extent = 2 * subjectRows
        case .events: extent = events.elements.count
        case .ids: extent = ids.elements.count
        case .counters: extent = counters.elements.count
        case .newSubjects: extent = newSubjects.count
        case .segments: extent = segments.count
        case .merge: extent = days.count
        case .mergeEvents:
            mergesLeft = 8 * max(events.elements.count, SealedEvents.factsPerStep)
            extent = mergesLeft
        case .mergeIDs:
            // An entry is written once for each level of runs, and there are fewer levels than that.
            mergesLeft = 8 * max(ids.elements.count, SealedIDs.entriesPerStep)
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

    // MARK: What there is to write

    private func visitFacts() throws(StoreError) {
        var eventPiece: [EventReference] = []
        var idPiece: [IDEntry] = []
        var entryPiece: [EntryReference] = []
        var count = 0
        while count < Self.factsPerStep, position < batches.count {
            var facts = reading ?? batches[position].facts
            while count < Self.factsPerStep, let fact = facts.next() {
                count += 1
                if let row = try fact.entryRow {
                    entryPiece.append(EntryReference(row, index: entries.count))
                    entries.append(row)
                }
                fact.appendReferences(batch: position, to: &eventPiece, &idPiece, &corrections)
            }
            // A batch that ends here costs another look at its end.
            reading = facts
            guard count < Self.factsPerStep else { break }
            reading = nil
            position += 1
        }
        events.append(eventPiece)
        ids.append(idPiece)
        entryOrder.append(entryPiece)
        guard position == batches.count else { return }
        corrections.sort()
        advance(to: .sortEvents)
    }

    /// Sorts plain numbers and not the references to subjects, which would all be counted on the way.
    private func gatherCounters() {
        let end = min(position + Self.factsPerStep, dirtyCounters.count)
        counters.append(
            (position..<end).map { CounterReference(key: dirtyCounters[$0].key, index: $0) })
        position = end
        if position == dirtyCounters.count { advance(to: .sortCounters) }
    }

    /// Of several rows of one subject only the last counts: looks at all of them, and then again.
    private func gatherSubjects(_ workingSet: WorkingSet) {
        let rows = workingSet.dirtySubjects
        let end = min(position + Self.factsPerStep, 2 * subjectRows)
        for place in position..<end {
            if place < subjectRows {
                subjectPlaces[rows[place].subject.number] = place
                continue
            }
            let row = rows[place - subjectRows]
            guard subjectPlaces[row.subject.number] == place - subjectRows else { continue }
            if row.isOnlyNumbered {
                newSubjects.append(row.subject)
            } else {
                changedSubjects.append(row.subject)
            }
        }
        position = end
        if position == 2 * subjectRows { advance(to: .events) }
    }

    // MARK: Runs

    /// Writes some events, each day's into a run of its own.
    private func writeEvents(_ statements: WriterStatements) throws(StoreError) {
        let all = events.elements
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
        let all = ids.elements
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
        if position == 0 {
            segments = columns.segments()
            days = Set(segments.map(\.segment.day)).sorted()
            extent = segments.count
        }
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
            while position < days.count, events < Self.factsPerStep {
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
        try statements.put(changedSubjects)
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
            statements.dropJournal.bind(1, until)
            statements.dropJournal.bind(2, rows)
            try statements.dropJournal.run()
        }
        if statements.database.changesCount < rows { stage = .done }
    }
}

extension SubjectRow {
    /// Whether the row is a subject's first, and says nothing that another fact than its first one could
    /// have told.
    ///
    /// Such a row may stand there before the watermark moves: replaying that fact gives the same row.
    fileprivate var isOnlyNumbered: Bool {
        sequence == subject.firstSequence && subject.children == .zero
            && subject.nextExpiry == nil && subject.past.isEmpty
            && subject.profile == Subject(id: subject.profile.id)
    }
}

extension [SubjectRow] {
    /// Where the first row stands of which this is true, as it is of all after it.
    fileprivate func partitioningIndex(_ isBeyond: (SubjectRow) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
