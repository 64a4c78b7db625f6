import GRDB
import MeterstoneCore
public import MeterstoneStore

extension SQLiteStore {
    /// Counters that one pass of a recount keeps in memory.
    private static let countersPerPass: Int64 = 4_000_000

    public func project() throws(StoreError) -> Bool {
        try refuseIfHalted()
        return try write { (database) throws(StoreError) in
            do throws(StoreError) {
                try checkpoints.continueIfNeeded(database)
                guard let current = projection else {
                    projection = Projection(
                        workingSet, cuts: published.cuts(after: workingSet.watermark))
                    return projection != nil
                }
                if try current.step(statements, workingSet) { return true }
                projection = nil
                publish()
                // What is held by it alone now is let go of elsewhere.
                Discarded.discard(current)
                return workingSet.tail.count > 0
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }

    public func verify() throws(StoreError) -> VerifyReport {
        while try project() {}
        return try write { (_) throws(StoreError) in
            let source = statements.source
            let rows = try source.count(CounterStatements.count)
            let passes = 1 + rows / Self.countersPerPass
            var recount = workingSet.recount(source)
            var report = VerifyReport(
                events: 0, counters: 0,
                differences: try integrityDifferences()
                    + source.columnDifferences(workingSet.registry))
            for pass in 0..<passes {
                try recount.run(pass: pass, of: passes)
                var found = try source.counters(pass: pass, of: passes)
                let counters = recount.counters.count
                report = VerifyReport(
                    events: report.events + recount.events, counters: report.counters + counters,
                    archived: report.archived + recount.archived,
                    differences: Array(
                        (report.differences + (try recount.differences(from: &found))).prefix(1_000)
                    ))
            }
            let log = try source.archiveLog()
            return VerifyReport(
                events: report.events, counters: report.counters, archived: report.archived,
                differences: report.differences
                    + ArchiveLog.differences(log, found: report.archived))
        }
    }

    public func rebuild() throws(StoreError) -> Int {
        while try project() {}
        return try write { (database) throws(StoreError) in
            do throws(StoreError) {
                let total = try statements.transaction { () throws(StoreError) in
                    try rebuildEventIDs()
                    try rebuildColumns(database)
                    return try rebuildCounters(database)
                }
                workingSet = try Self.load(statements.source, statements, options)
                return total
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }

    func rebuildCounters(_ database: Database) throws(StoreError) -> Int {
        let source = statements.source
        let passes = 1 + (try source.count(CounterStatements.count)) / Self.countersPerPass
        var recount = workingSet.recount(source)
        var total = 0
        try Statement(database, CounterStatements.deleteAll).run()
        for pass in 0..<passes {
            try recount.run(pass: pass, of: passes)
            try recount.requireSoundLedgers()
            for key in recount.counters.keys.sorted() {
                let counter = Counter(
                    series: key.series, span: .lifetime,
                    state: recount.counters[key] ?? .empty, asOf: workingSet.head,
                    isDirty: false)
                try statements.put(counter, at: key)
                total += 1
            }
            try put(nextExpiries: recount.nextExpiries, ofPass: pass, of: passes)
        }
        try statements.put(zones: workingSet.zones.digests(options.zoneRules))
        return total
    }

    private func put(
        nextExpiries: [(subject: Int64, at: Instant)], ofPass pass: Int64, of passes: Int64
    ) throws(StoreError) {
        let clear = try Statement(statements.database, SubjectStatements.clearNextExpiry)
        clear.bind(1, passes)
        clear.bind(2, pass)
        try clear.run()
        let put = try Statement(statements.database, SubjectStatements.putNextExpiry)
        for (subject, instant) in nextExpiries {
            put.bind(1, subject)
            put.bind(2, instant.millisecondsSince1970)
            try put.run()
        }
    }

    /// What SQLite itself finds wrong, and what is wrong with the index of event ids.
    private func integrityDifferences() throws(StoreError) -> [VerifyDifference] {
        let check = try Statement(statements.database, "PRAGMA quick_check(100)")
        var result: [VerifyDifference] = []
        while try check.step() {
            if check.text(0) == "ok" { continue }
            result.append(
                VerifyDifference(what: "database file", expected: "ok", found: check.text(0)))
        }
        return result + (try indexDifferences())
    }
}
