import GRDB
import MeterstoneStore

/// Writes runs of event ids, merges them, and drops what is not needed any more. The writer's part.
///
/// A run counts from when its row is there, which is written with the watermark, or in the place of the
/// rows of those that it was merged from. Blocks are written before, and dropped after, in steps.
final class SealedIDs {
    /// Entries that one step writes.
    static let entriesPerStep = 8 * IDBlock.entriesMax

    private let source: SQLiteSource
    private let database: Database
    private let blocks: RunBlocks
    private let putBody: Statement
    private var merges: [IDRunMerge] = []
    /// Whether a merge met a damaged block; then nothing is merged until the store is opened again or written
    /// anew.
    private var isDamaged = false

    init(_ database: Database, _ source: SQLiteSource) throws(StoreError) {
        self.database = database
        self.source = source
        blocks = try RunBlocks(database, EventIDStatements.self)
        putBody = try Statement(database, EventIDStatements.putBody)
    }

    func finalize() {
        putBody.finalize()
        blocks.finalize()
    }

    // MARK: Writing

    /// Begins a run of so many entries.
    func begin(count: Int) -> IDRunBuilder {
        IDRunBuilder(number: blocks.begin(), count: count)
    }

    func put(_ body: [UInt8], at place: Int64) throws(StoreError) {
        putBody.bind(1, place)
        try putBody.run(binding: 2, body, body.indices)
    }

    /// Makes a run count, within the transaction that makes it visible. ``didSeal(_:)`` follows.
    func putRow(_ run: IDRun) throws(StoreError) {
        let put = try Statement(database, EventIDStatements.putRun)
        put.bind(1, run.number)
        put.bind(2, Int64(run.count))
        put.bind(3, Int64(bitPattern: run.lastKey))
        put.bind(4, run.keyBytes)
        try put.run()
    }

    func didSeal(_ run: IDRun) {
        _ = source.cache.keep(run)
        source.knownRuns = nil
    }

    // MARK: Merging

    /// Starts from what is stored, with nothing begun.
    func reload() throws(StoreError) {
        source.knownRuns = nil
        merges = []
        isDamaged = false
        try blocks.reload()
    }

    /// Drops some blocks or writes some of a merged run, in one transaction; returns how many entries
    /// that is about, 0 when there is nothing to do.
    func step(_ statements: WriterStatements) throws(StoreError) -> Int {
        if try blocks.dropSome(statements) { return Self.entriesPerStep }
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
        try beginMerge()
        // Small ones first, so that runs do not become many while a large one takes its time.
        guard let place = merges.indices.min(by: { merges[$0].level < merges[$1].level }) else {
            return 0
        }
        var isDone = false
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            isDone = try !merges[place].step(self, source)
            if isDone { try replace(merges[place]) }
        }
        if isDone {
            let merge = merges.remove(at: place)
            for run in merge.runs { source.cache.forget(run.number) }
            blocks.discard(merge.runs.map(\.number))
            didSeal(merge.run)
        }
        return Self.entriesPerStep
    }

    private func beginMerge() throws(StoreError) {
        let taken = Set(merges.flatMap { $0.runs.map(\.number) })
        let free = try source.idRuns().filter { !taken.contains($0.number) }
        guard
            let places = RunMerging.mergeable(
                free.map(\.count), besides: Set(merges.map(\.level)))
        else { return }
        let runs = places.map { free[$0] }
        let count = runs.reduce(0) { $0 + $1.count }
        guard count / IDBlock.entriesMax < BlockPlace.blocksMax / 2 else { return }
        merges.append(IDRunMerge(runs, into: begin(count: count)))
    }

    private func replace(_ merge: IDRunMerge) throws(StoreError) {
        let delete = try Statement(database, EventIDStatements.deleteRun)
        for run in merge.runs {
            delete.bind(1, run.number)
            try delete.run()
        }
        try putRow(merge.run)
    }

    /// Forgets every run, within a transaction.
    func deleteAll() throws(StoreError) {
        for run in try source.idRunNumbers() { source.cache.forget(run) }
        source.knownRuns = nil
        merges = []
        try blocks.deleteAll()
    }
}

/// A run that is being written.
struct IDRunBuilder {
    let number: Int64
    let count: Int
    private var filter: IDFilter
    private var firstKeys: [UInt64] = []
    private var lastKey: UInt64 = 0
    /// Entries that wait until a block is full.
    private var waiting: [IDEntry] = []
    private var partsWritten = 0

    init(number: Int64, count: Int) {
        self.number = number
        self.count = count
        filter = IDFilter(count: count)
    }

    /// Writes entries that come after those before.
    mutating func append(
        _ entries: ArraySlice<IDEntry>, _ ids: SealedIDs
    ) throws(StoreError) {
        for entry in entries { filter.insert(entry.key) }
        waiting += entries
        var start = 0
        while waiting.count - start >= IDBlock.entriesMax {
            try put(waiting[start..<start + IDBlock.entriesMax], ids)
            start += IDBlock.entriesMax
        }
        waiting.removeFirst(start)
    }

    private mutating func put(
        _ entries: ArraySlice<IDEntry>, _ ids: SealedIDs
    ) throws(StoreError) {
        guard let first = entries.first, let last = entries.last else { return }
        try ids.put(
            IDBlock.bytes(of: entries), at: BlockPlace.block(firstKeys.count, of: number))
        firstKeys.append(first.key)
        lastKey = last.key
    }

    /// Writes what is left of the blocks and some of the filter; `false`: everything is written.
    mutating func finish(_ ids: SealedIDs) throws(StoreError) -> Bool {
        try put(waiting[...], ids)
        waiting = []
        let end = min(partsWritten + 16, filter.partCount)
        for part in partsWritten..<end {
            try ids.put(filter.part(part), at: BlockPlace.part(part, of: number))
        }
        partsWritten = end
        return partsWritten < filter.partCount
    }

    var run: IDRun {
        IDRun(number: number, count: count, firstKeys: firstKeys, lastKey: lastKey, filter: filter)
    }
}

/// Several runs on their way into one.
struct IDRunMerge {
    let runs: [IDRun]
    let level: Int
    private var builder: IDRunBuilder
    private var readers: [Reader]

    private struct Reader {
        let run: Int64
        let blocks: Int
        var next = 0
        var entries: [IDEntry] = []
        var place = 0
    }

    init(_ runs: [IDRun], into builder: IDRunBuilder) {
        self.runs = runs
        self.builder = builder
        level = RunMerging.level(runs.map(\.count).max() ?? 0)
        readers = runs.map { Reader(run: $0.number, blocks: $0.firstKeys.count) }
    }

    var run: IDRun { builder.run }

    /// Writes some entries; `false`: everything is written.
    mutating func step(_ ids: SealedIDs, _ source: SQLiteSource) throws(StoreError) -> Bool {
        var merged: [IDEntry] = []
        merged.reserveCapacity(SealedIDs.entriesPerStep)
        while merged.count < SealedIDs.entriesPerStep {
            guard let entry = try next(source) else {
                try builder.append(merged[...], ids)
                return try builder.finish(ids)
            }
            merged.append(entry)
        }
        try builder.append(merged[...], ids)
        return true
    }

    private mutating func next(_ source: SQLiteSource) throws(StoreError) -> IDEntry? {
        var least: (entry: IDEntry, reader: Int)?
        for index in readers.indices {
            if readers[index].place == readers[index].entries.count {
                guard readers[index].next < readers[index].blocks else { continue }
                readers[index].entries =
                    try source.idBlock(readers[index].next, of: readers[index].run).entries
                readers[index].next += 1
                readers[index].place = 0
            }
            let entry = readers[index].entries[readers[index].place]
            if least.map({ entry < $0.entry }) ?? true { least = (entry, index) }
        }
        guard let least else { return nil }
        readers[least.reader].place += 1
        return least.entry
    }
}
