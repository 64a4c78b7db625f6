import GRDB
import MeterstoneStore

/// Where blocks stand: the number of their run, then 24 bits for their place in it.
enum BlockPlace {
    private static let runShift: Int64 = 24
    private static let firstPart: Int64 = 1 << 23
    /// Blocks of one run.
    static let blocksMax = Int(firstPart)

    static func block(_ number: Int, of run: Int64) -> Int64 { run << runShift | Int64(number) }

    /// Part of a filter.
    static func part(_ number: Int, of run: Int64) -> Int64 {
        run << runShift | firstPart | Int64(number)
    }

    static func all(of run: Int64) -> ClosedRange<Int64> {
        run << runShift...(run << runShift | ((1 << runShift) - 1))
    }

    static func run(of place: Int64) -> Int64 { place >> runShift }

    static func number(of place: Int64) -> Int { Int(place & ((1 << runShift) - 1)) }
}

/// The blocks of one kind of run: which numbers are free, and which blocks nobody needs.
final class RunBlocks {
    /// Blocks that one step drops: four pages each.
    private static let droppedPerStep: Int64 = 64

    private let database: Database
    private let sql: any RunStatements.Type
    private let drop: Statement
    private var nextNumber: Int64 = 1
    /// Runs of which blocks may be there, and no row.
    private var unneeded: [Int64] = []

    init(_ database: Database, _ sql: any RunStatements.Type) throws(StoreError) {
        self.database = database
        self.sql = sql
        drop = try Statement(database, sql.dropBodies)
    }

    func finalize() { drop.finalize() }

    func begin() -> Int64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    func discard(_ runs: some Sequence<Int64>) { unneeded += runs }

    /// Finds what a run that was cut off has left.
    func reload() throws(StoreError) {
        var known: Set<Int64> = []
        let rows = try Statement(database, sql.numbers)
        while try rows.step() { known.insert(rows.int(0)) }
        unneeded = []
        let next = try Statement(database, sql.nextBody)
        var place = Int64.min
        while place < .max {
            next.reset()
            next.bind(1, place)
            guard try next.step(), !next.isNull(0) else { break }
            let run = BlockPlace.run(of: next.int(0))
            if !known.contains(run) { unneeded.append(run) }
            nextNumber = max(nextNumber, run + 1)
            place = BlockPlace.all(of: run).upperBound
        }
        // Whatever a damaged row says.
        nextNumber = max(nextNumber, (known.max() ?? 0) &+ 1)
    }

    /// Drops some blocks in one transaction; `false`: all that are there are needed.
    func dropSome(_ statements: WriterStatements) throws(StoreError) -> Bool {
        guard let run = unneeded.last else { return false }
        let places = BlockPlace.all(of: run)
        try statements.transaction(isSynced: false) { () throws(StoreError) in
            drop.bind(1, places.lowerBound)
            drop.bind(2, places.upperBound)
            drop.bind(3, Self.droppedPerStep)
            try drop.run()
        }
        if database.changesCount < Self.droppedPerStep { unneeded.removeLast() }
        return true
    }

    /// Forgets every run, within a transaction.
    func deleteAll() throws(StoreError) {
        unneeded = []
        try Statement(database, sql.deleteRuns).run()
        try Statement(database, sql.deleteBodies).run()
    }
}
