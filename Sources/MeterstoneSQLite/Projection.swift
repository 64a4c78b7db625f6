import GRDB
import MeterstoneCore
import MeterstoneStore

/// One round of projection: a slice of the journal on its way into the tables.
///
/// It is done in short steps, each a transaction, so that no commit waits long. Rows are sorted by key
/// first, so that each page is touched once. A round that is cut short does no harm: its rows are
/// written again, and counters say which facts they include. Only the last step moves the watermark.
final class Projection {
    /// Rows in one step; some five milliseconds.
    private static let rowsPerStep = 3_000
    /// Journal rows that are dropped in one step.
    private static let batchesPerStep: Int64 = 64
    /// Events whose columns are written in one step.
    private static let eventsPerStep = 65_536
    /// Days whose columns are merged in one step.
    private static let daysPerStep = 16

    private enum Stage {
        case gather, sortEvents, sortIDs, sortCounters, columns
        case events, ids, entries, counters, segments, finish, merge, drop, done
    }

    let until: Int64
    private let batches: [JournalBatch]
    private var counters: [DirtyCounter]
    private let registry: Registry
    private let changes: [ChangeRecord]
    private let subjects: [SubjectRow]
    private var events: [EventReference] = []
    private var ids: [IDReference] = []
    private var entries: [EntryRow] = []
    private var columns: [(until: Int64, entries: ColumnEntries)]
    private var segments: [(segment: ColumnSegment, sequence: Int64)] = []
    /// UTC days whose columns are to be merged.
    private var days: [Int64] = []
    private var stage = Stage.gather
    private var position = 0

    /// Where the body of a row stands in the slice.
    private struct EventReference {
        var location: EventLocation
        var batch: Int32
        var start: Int32
        var end: Int32
        /// The subject that a team's row points to; 0 for a row with a body of its own.
        var member: Int64
    }

    private struct IDReference {
        var key: Int64
        var location: EventLocation
    }

    /// Takes what is to be projected out of a working set; `nil` when there is nothing.
    ///
    /// A change of the catalog is projected together with everything after it, so that the catalog and
    /// the watermark always belong together.
    init?(_ workingSet: WorkingSet) {
        let hasCatalogChange = workingSet.dirtyChanges.contains { $0.change.isOfCatalog }
        guard let slice = workingSet.tail.takeSlice(whole: hasCatalogChange) else { return nil }
        until = slice.until
        batches = slice.batches
        counters = slice.counters
        columns = slice.columns
        registry = workingSet.registry
        changes = workingSet.dirtyChanges.filter { $0.sequence <= slice.until }
        subjects = workingSet.dirtySubjects.filter { $0.sequence <= slice.until }.lastOfEach
    }

    /// Does one step; `false` when the round is complete.
    func step(_ statements: WriterStatements, _ workingSet: WorkingSet) throws(StoreError) -> Bool {
        switch stage {
        case .gather: try gather()
        case .sortEvents:
            events.sort { $0.location < $1.location }
            advance(to: .sortIDs)
        case .sortIDs:
            ids.sort { $0.key < $1.key }
            advance(to: .sortCounters)
        case .sortCounters:
            sortCounters()
            advance(to: .columns)
        case .columns:
            makeSegments()
        case .events: try putEvents(statements)
        case .ids: try putIDs(statements)
        case .entries: try putEntries(statements)
        case .counters: try putCounters(statements, workingSet)
        case .segments: try putSegments(statements)
        case .finish:
            try statements.transaction { () throws(StoreError) in
                try finish(statements)
                try statements.raiseCutFloor(to: workingSet.cutFloor)
            }
            workingSet.didProject(through: until)
            advance(to: .merge)
        case .merge: try mergeColumns(statements)
        case .drop: try dropJournal(statements)
        case .done: return false
        }
        return true
    }

    private func advance(to next: Stage) {
        stage = next
        position = 0
    }

    // MARK: Rows

    private func gather() throws(StoreError) {
        guard position < batches.count else {
            return advance(to: .sortEvents)
        }
        let index = Int32(position)
        try batches[position].forEach { (fact) throws(StoreError) in
            if let row = try fact.entryRow { entries.append(row) }
            guard let head = fact.usageHead else { return }
            let location = EventLocation(
                day: head.occurredAt.utcDay, subject: fact.subject, sequence: fact.sequence)
            events.append(
                EventReference(
                    location: location, batch: index, start: Int32(fact.start),
                    end: Int32(fact.end), member: 0))
            for ancestor in head.ancestors {
                events.append(
                    EventReference(
                        location: EventLocation(
                            day: location.day, subject: ancestor, sequence: fact.sequence),
                        batch: 0, start: 0, end: 0, member: fact.subject))
            }
            if fact.kind == .usage, let (id, source) = try? UsageRecord.idAndSource(fact) {
                let key = Int64(bitPattern: id.key(source: source))
                ids.append(IDReference(key: key, location: location))
            }
        }
        position += 1
    }

    /// Sorts plain numbers and not the references to subjects, which would all be counted on the way.
    private func sortCounters() {
        var order = counters.enumerated().map { (key: $1.key, index: $0) }
        order.sort { $0.key < $1.key }
        counters = order.map { counters[$0.index] }
    }

    private func putEvents(_ statements: WriterStatements) throws(StoreError) {
        let end = min(position + Self.rowsPerStep, events.count)
        try statements.transaction { () throws(StoreError) in
            for row in events[position..<end] {
                let put = statements.putEvent
                put.bind(1, row.location.day)
                put.bind(2, row.location.subject)
                put.bind(3, row.location.sequence)
                if row.member == 0 {
                    try put.run(
                        binding: 4, batches[Int(row.batch)].bytes, Int(row.start)..<Int(row.end))
                } else {
                    put.bind(4, Fact.pointer(to: row.member, day: row.location.day))
                    try put.run()
                }
            }
        }
        position = end
        if position == events.count { advance(to: .ids) }
    }

    private func putIDs(_ statements: WriterStatements) throws(StoreError) {
        let end = min(position + Self.rowsPerStep, ids.count)
        try statements.transaction { () throws(StoreError) in
            for row in ids[position..<end] {
                statements.putID.bind(1, row.key)
                statements.putID.bind(2, row.location.sequence)
                statements.putID.bind(3, row.location.day)
                statements.putID.bind(4, row.location.subject)
                try statements.putID.run()
            }
        }
        position = end
        if position == ids.count { advance(to: .entries) }
    }

    /// Entries of one subject come in their order; a slice has few of each.
    private func putEntries(_ statements: WriterStatements) throws(StoreError) {
        if position == 0 {
            entries.sort { ($0.subject, $0.sequence) < ($1.subject, $1.sequence) }
        }
        let end = min(position + Self.rowsPerStep, entries.count)
        try statements.transaction { () throws(StoreError) in
            try statements.put(entries[position..<end])
        }
        position = end
        if position == entries.count { advance(to: .counters) }
    }

    private func putCounters(
        _ statements: WriterStatements, _ workingSet: WorkingSet
    ) throws(StoreError) {
        let end = min(position + Self.rowsPerStep, counters.count)
        let zones = workingSet.zones.new
        try statements.transaction { () throws(StoreError) in
            // Not later than the first counter that is cut by them.
            try statements.put(zones: zones)
            for dirty in counters[position..<end] {
                guard
                    let counter = dirty.subject.takeDirtyCounter(
                        series: dirty.series, from: dirty.from)
                else { continue }
                try statements.put(counter.isDeleted ? nil : counter, at: dirty.key)
            }
        }
        workingSet.zones.didStore(zones.keys)
        position = end
        if position == counters.count { advance(to: .segments) }
    }

    // MARK: Columns

    /// A slice has at least one set of entries for each section.
    private func makeSegments() {
        if position < columns.count {
            let (until, entries) = columns[position]
            segments += entries.segments().map { ($0, until) }
            position += 1
        } else {
            days = Set(segments.map(\.segment.day)).sorted()
            advance(to: .events)
        }
    }

    /// They are there for readers only once the watermark has moved.
    private func putSegments(_ statements: WriterStatements) throws(StoreError) {
        var end = position
        var events = 0
        while end < segments.count, events < Self.eventsPerStep {
            events += segments[end].segment.count
            end += 1
        }
        try statements.transaction { () throws(StoreError) in
            if position == 0 { try statements.dropColumnsAhead() }
            try statements.put(segments[position..<end])
        }
        position = end
        if position == segments.count { advance(to: .finish) }
    }

    private func mergeColumns(_ statements: WriterStatements) throws(StoreError) {
        guard position < days.count else { return advance(to: .drop) }
        let end = min(position + Self.daysPerStep, days.count)
        try statements.transaction { () throws(StoreError) in
            for day in days[position..<end] { _ = try statements.mergeColumns(of: day) }
            if end == days.count { try statements.dropMergedColumns() }
        }
        position = end
    }

    // MARK: The last steps

    private func finish(_ statements: WriterStatements) throws(StoreError) {
        try statements.put(subjects)
        try statements.put(changes)
        let ofCatalog = changes.filter { $0.change.isOfCatalog && $0.outcome.isChange }
        if !ofCatalog.isEmpty {
            try statements.put(registry, after: ofCatalog)
        }
        try statements.put(setting: Setting.watermark, String(until))
    }

    private func dropJournal(_ statements: WriterStatements) throws(StoreError) {
        statements.dropJournal.bind(1, until)
        statements.dropJournal.bind(2, Self.batchesPerStep)
        try statements.dropJournal.run()
        if statements.database.changesCount < Self.batchesPerStep { stage = .done }
    }
}

extension [SubjectRow] {
    /// Of several rows of one subject only the last counts.
    fileprivate var lastOfEach: [SubjectRow] {
        var place: [Int64: Int] = [:]
        for (index, row) in enumerated() { place[row.subject.number] = index }
        return place.values.sorted().map { self[$0] }
    }
}
