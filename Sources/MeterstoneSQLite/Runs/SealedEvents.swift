import GRDB
import MeterstoneCore
import MeterstoneStore

/// A run of facts about one UTC day, as its row tells it.
struct EventRun {
    let number: Int64
    let day: Int64
    var blocks = 0
    var facts = 0
    var usages = 0
    var sequences: ClosedRange<Int64>?

    init(number: Int64, day: Int64) {
        self.number = number
        self.day = day
    }

    init(_ row: Statement) {
        number = row.int(0)
        day = row.int(1)
        blocks = Int(clamping: min(max(row.int(2), 0), Int64(BlockPlace.blocksMax)))
        facts = Int(clamping: min(max(row.int(3), 0), .max >> 20))
        usages = Int(clamping: min(max(row.int(4), 0), .max >> 20))
        sequences = row.int(5) <= row.int(6) ? row.int(5)...row.int(6) : nil
    }

    /// When everything in the run occurred.
    var times: ClosedRange<Instant> { .ofDay(day) }
}

/// Writes runs of facts, merges them, and drops what is not needed any more. The writer's part.
///
/// A run counts from when its row is there, which is written with the watermark, or in the place of the
/// rows of those that it was merged from. Blocks are written before, and dropped after, in steps.
final class SealedEvents {
    /// Facts that one step writes.
    static let factsPerStep = 2_048
    /// And bytes of bodies.
    static let bytesPerStep = 262_144

    /// Merges that are under way at once.
    private static let mergesMax = 4
    /// Days of which one step looks whether runs are to be merged.
    private static let daysPerStep = 64

    private let source: SQLiteSource
    private let database: Database
    private let blocks: RunBlocks
    private let putBlock: Statement
    private var merges: [EventRunMerge] = []
    /// Whether a merge met a damaged block; then nothing is merged until the store is opened again or written
    /// anew.
    private var isDamaged = false
    /// Days of which runs may have to be merged.
    private var touched: Set<Int64> = []

    init(_ database: Database, _ source: SQLiteSource) throws(StoreError) {
        self.database = database
        self.source = source
        blocks = try RunBlocks(database, EventRunStatements.self)
        putBlock = try Statement(database, EventRunStatements.putBlock)
    }

    func finalize() {
        putBlock.finalize()
        blocks.finalize()
    }

    /// Starts from what is stored, with nothing begun.
    func reload() throws(StoreError) {
        merges = []
        isDamaged = false
        touched = []
        let days = try Statement(database, EventRunStatements.daysOfSeveral)
        while try days.step() { touched.insert(days.int(0)) }
        try blocks.reload()
    }

    /// Begins a run.
    func begin(day: Int64) -> EventRunBuilder {
        EventRunBuilder(EventRun(number: blocks.begin(), day: day))
    }

    func put(
        _ block: inout EventBlockBuilder, _ number: Int, of run: EventRun
    ) throws(StoreError) {
        let (first, times) = (block.first, block.times ?? run.times)
        putBlock.bind(1, BlockPlace.block(number, of: run.number))
        putBlock.bind(2, run.number)
        putBlock.bind(3, first.subject)
        putBlock.bind(4, first.sequence)
        putBlock.bind(5, times.lowerBound.millisecondsSince1970)
        putBlock.bind(6, times.upperBound.millisecondsSince1970)
        let body = block.take()
        try putBlock.run(binding: 7, body, body.indices)
    }

    /// Makes runs count, within the transaction that makes them visible.
    func putRows(_ runs: [EventRun]) throws(StoreError) {
        let put = try Statement(database, EventRunStatements.putRun)
        for run in runs {
            put.bind(1, run.number)
            put.bind(2, run.day)
            put.bind(3, Int64(run.blocks))
            put.bind(4, Int64(run.facts))
            put.bind(5, Int64(run.usages))
            put.bind(6, run.sequences?.lowerBound ?? 0)
            put.bind(7, run.sequences?.upperBound ?? 0)
            try put.run()
            touched.insert(run.day)
        }
    }

    func put(_ corrections: some Collection<CorrectionPlace>) throws(StoreError) {
        guard !corrections.isEmpty else { return }
        let put = try Statement(database, EventRunStatements.putCorrection)
        for correction in corrections {
            put.bind(1, correction.event.day)
            put.bind(2, correction.event.subject)
            put.bind(3, correction.event.sequence)
            put.bind(4, correction.sequence)
            try put.run()
        }
    }

    // MARK: Merging

    /// Drops some blocks or writes some of a merged run, in one transaction; returns how many facts that is
    /// about, 0 when there is nothing to do.
    func step(_ statements: WriterStatements) throws(StoreError) -> Int {
        if try blocks.dropSome(statements) { return Self.factsPerStep }
        guard !isDamaged else { return 0 }
        do throws(StoreError) { return try merge(statements) } catch {
            guard error.code == .corrupt else { throw error }
            // What is damaged is told to who asks for it; what is to be projected must not wait for it.
            isDamaged = true
            merges = []
            return 0
        }
    }

    private func merge(_ statements: WriterStatements) throws(StoreError) -> Int {
        let looked = try beginMerges()
        // Small ones first, so that runs do not become many while a large one takes its time.
        guard let place = merges.indices.min(by: { merges[$0].level < merges[$1].level }) else {
            return looked
        }
        var isDone = false
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            isDone = try !merges[place].step(self, source)
            if isDone { try replace(merges[place]) }
        }
        if isDone { blocks.discard(merges.remove(at: place).runs.map(\.number)) }
        return Self.factsPerStep
    }

    /// Looks at some of the days that were touched, and returns how many.
    private func beginMerges() throws(StoreError) -> Int {
        var looked = 0
        while merges.count < Self.mergesMax, looked < Self.daysPerStep, let day = touched.first {
            looked += 1
            let ofDay = merges.filter { $0.day == day }
            let taken = Set(ofDay.flatMap { $0.runs.map(\.number) })
            let free = try source.eventRuns(of: day).filter { !taken.contains($0.number) }
            let places = RunMerging.mergeable(
                free.map(\.facts), besides: Set(ofDay.map(\.level)))
            let runs = places?.map { free[$0] } ?? []
            guard !runs.isEmpty, runs.reduce(0, { $0 + $1.blocks }) < BlockPlace.blocksMax / 2
            else {
                touched.remove(day)
                continue
            }
            merges.append(EventRunMerge(runs, into: begin(day: day)))
        }
        return looked
    }

    // MARK: Writing anew

    /// Writes the facts of a day anew, as one run, within a transaction.
    ///
    /// - Parameter left: what stands in the place of a subject's facts, by sequence.
    /// - Returns: the runs that nobody needs from then on.
    func rewrite(
        day: Int64,
        _ left: (_ subject: Int64, _ facts: [StoredFact]) throws(StoreError) -> [StoredFact]
    ) throws(StoreError) -> [Int64] {
        let runs = try source.eventRuns(of: day)
        var builder = begin(day: day)
        var (subject, facts): (Int64, [StoredFact]) = (0, [])
        var times: [Int64: ClosedRange<Instant>] = [:]
        func writeGathered() throws(StoreError) {
            for fact in try left(subject, facts) {
                try builder.append(
                    subject: subject, sequence: fact.sequence, fact.body[...],
                    at: times[fact.sequence], self)
            }
            facts.removeAll(keepingCapacity: true)
            times.removeAll(keepingCapacity: true)
        }
        var cursors = EventCursors(runs)
        while let (block, place, whole) = try cursors.next(source) {
            if block.subjects[place] != subject {
                try writeGathered()
                subject = block.subjects[place]
            }
            let fact = block.fact(at: place)
            facts.append(fact)
            times[fact.sequence] = block.occurredAt(place).map { $0...$0 } ?? whole
        }
        try writeGathered()
        try builder.finish(self)
        try delete(runs)
        try putRows([builder.run])
        let begun = merges.filter { $0.day == day }
        merges.removeAll { $0.day == day }
        return (runs + begun.map(\.run)).map(\.number)
    }

    /// Drops the blocks of runs that have no row any more, and whatever else nobody needs.
    func drop(_ runs: [Int64], _ statements: WriterStatements) throws(StoreError) {
        blocks.discard(runs)
        while try blocks.dropSome(statements) {}
    }

    private func delete(_ runs: [EventRun]) throws(StoreError) {
        let delete = try Statement(database, EventRunStatements.deleteRun)
        for run in runs {
            delete.bind(1, run.number)
            try delete.run()
        }
    }

    private func replace(_ merge: EventRunMerge) throws(StoreError) {
        try delete(merge.runs)
        try putRows([merge.run])
    }
}

/// A run that is being written.
struct EventRunBuilder {
    private(set) var run: EventRun
    private var block = EventBlockBuilder()

    init(_ run: EventRun) {
        self.run = run
    }

    /// Writes a fact that comes after those before.
    ///
    /// - Parameter times: when it occurred, or between when and when; `nil`: at any time of the day.
    mutating func append(
        subject: Int64, sequence: Int64, _ body: ArraySlice<UInt8>, at times: ClosedRange<Instant>?,
        _ events: SealedEvents
    ) throws(StoreError) {
        block.append(subject: subject, sequence: sequence, body, at: times ?? run.times)
        run.facts += 1
        if body.first == FactKind.usage.rawValue { run.usages += 1 }
        let known = run.sequences ?? sequence...sequence
        run.sequences = min(known.lowerBound, sequence)...max(known.upperBound, sequence)
        if block.isFull { try finish(events) }
    }

    /// Writes what is left.
    mutating func finish(_ events: SealedEvents) throws(StoreError) {
        guard !block.isEmpty else { return }
        try events.put(&block, run.blocks, of: run)
        run.blocks += 1
    }
}

/// Several runs of one day on their way into one.
struct EventRunMerge {
    let runs: [EventRun]
    let level: Int
    private var builder: EventRunBuilder
    private var cursors: EventCursors

    init(_ runs: [EventRun], into builder: EventRunBuilder) {
        self.runs = runs
        self.builder = builder
        level = RunMerging.level(runs.map(\.facts).max() ?? 0)
        cursors = EventCursors(runs)
    }

    var day: Int64 { builder.run.day }

    var run: EventRun { builder.run }

    /// Writes some facts; `false`: everything is written.
    mutating func step(_ events: SealedEvents, _ source: SQLiteSource) throws(StoreError) -> Bool {
        var facts = 0
        var bytes = 0
        while facts < SealedEvents.factsPerStep, bytes < SealedEvents.bytesPerStep {
            guard let next = try cursors.next(source) else {
                try builder.finish(events)
                return false
            }
            let body = next.block.body(at: next.place)
            try builder.append(
                subject: next.block.subjects[next.place],
                sequence: next.block.sequences[next.place], body,
                at: next.block.occurredAt(next.place).map { $0...$0 } ?? next.times, events)
            facts += 1
            bytes += body.count
        }
        return true
    }
}

/// Reads several runs of one day at once, by subject and sequence.
struct EventCursors {
    private let runs: [EventRun]
    private var nextBlocks: [Int]
    private var blocks: [EventBlock?]
    private var times: [ClosedRange<Instant>]
    private var places: [Int]
    /// What comes next of each run; `nil`: nothing does. Apart from the blocks, since all are compared for
    /// each fact.
    private var heads: [Head?]
    private var isOpen = false

    private struct Head {
        var subject: Int64
        var sequence: Int64
    }

    init(_ runs: [EventRun]) {
        self.runs = runs
        nextBlocks = Array(repeating: 0, count: runs.count)
        blocks = Array(repeating: nil, count: runs.count)
        times = runs.map(\.times)
        places = nextBlocks
        heads = Array(repeating: nil, count: runs.count)
    }

    /// - Returns: also from when to when what is in the block occurred.
    mutating func next(
        _ source: SQLiteSource
    ) throws(StoreError) -> (block: EventBlock, place: Int, times: ClosedRange<Instant>)? {
        if !isOpen {
            isOpen = true
            for index in runs.indices { try openBlock(of: index, source) }
        }
        var least: (head: Head, index: Int)?
        for index in heads.indices {
            guard let head = heads[index] else { continue }
            if let known = least?.head,
                known.subject < head.subject
                    || known.subject == head.subject && known.sequence <= head.sequence
            {
                continue
            }
            least = (head, index)
        }
        guard let index = least?.index, let block = blocks[index] else { return nil }
        let (place, times) = (places[index], times[index])
        if place + 1 < block.count {
            places[index] = place + 1
            heads[index] = Head(
                subject: block.subjects[place + 1], sequence: block.sequences[place + 1])
        } else {
            try openBlock(of: index, source)
        }
        return (block, place, times)
    }

    private mutating func openBlock(
        of index: Int, _ source: SQLiteSource
    ) throws(StoreError) {
        blocks[index] = nil
        heads[index] = nil
        guard nextBlocks[index] < runs[index].blocks else { return }
        let block = try source.eventBlock(nextBlocks[index], of: runs[index].number)
        times[index] = try source.times(of: block, in: runs[index])
        nextBlocks[index] += 1
        places[index] = 0
        heads[index] = Head(subject: block.subjects[0], sequence: block.sequences[0])
        blocks[index] = block
    }
}
