import GRDB
import MeterstoneCore
import MeterstoneStore

/// The index of event ids, written anew and checked.
extension SQLiteStore {
    /// Ids that are sorted in memory at once.
    private static let idsPerRun = 262_144

    /// Writes the ids of all events, within a transaction.
    func rebuildEventIDs() throws(StoreError) {
        try statements.ids.deleteAll()
        var entries: [IDEntry] = []
        try forEachID(ofDays: .min ... .max) { (entry) throws(StoreError) in
            entries.append(entry)
            if entries.count == Self.idsPerRun { try writeRun(&entries) }
        }
        try writeRun(&entries)
        try dropFormerIDs()
    }

    /// The same for a store of an earlier version, a day and a run at a time, so that the log stays short.
    /// When it is cut off half-way, the next opening begins again.
    func adoptEventIDs() throws(StoreError) {
        try write { (database) throws(StoreError) in
            try statements.transaction { () throws(StoreError) in try statements.ids.deleteAll() }
            var entries: [IDEntry] = []
            var written = 0
            func writeWaiting() throws(StoreError) {
                written += entries.count
                try statements.transaction { () throws(StoreError) in try writeRun(&entries) }
                try checkpoints.continueIfNeeded(database)
            }
            var next: Int64? = .min
            while let from = next, let day = try statements.source.firstDay(from: from) {
                try forEachID(ofDays: day...day) { (entry) throws(StoreError) in
                    entries.append(entry)
                    if entries.count == Self.idsPerRun { try writeWaiting() }
                }
                next = day == .max ? nil : day + 1
            }
            try writeWaiting()
            try statements.transaction { () throws(StoreError) in try dropFormerIDs() }
            if written > 0 {
                notices.append("the index of \(written) event ids was brought into its new form")
            }
        }
    }

    private func forEachID(
        ofDays days: ClosedRange<Int64>, _ visit: (IDEntry) throws(StoreError) -> Void
    ) throws(StoreError) {
        let names = workingSet.registry.names
        try statements.source.scan(days: days) { (day, subject, fact) throws(StoreError) in
            guard fact.body.first == FactKind.usage.rawValue else { return }
            var reader = ByteReader(fact.body, from: 1)
            guard let record = try? UsageRecord(&reader, names: names) else {
                throw StoreError(
                    code: .corrupt,
                    message: "the fact with sequence \(fact.sequence) is unreadable")
            }
            let location = EventLocation(day: day, subject: subject, sequence: fact.sequence)
            try visit(
                IDEntry(key: record.id.key(source: record.details?.source), location: location))
        }
    }

    private func writeRun(_ entries: inout [IDEntry]) throws(StoreError) {
        guard !entries.isEmpty else { return }
        entries.sort()
        let ids = statements.ids
        var builder = ids.begin(count: entries.count)
        try builder.append(entries[...], ids)
        while try builder.finish(ids) {}
        try ids.putRow(builder.run)
        ids.didSeal(builder.run)
        entries.removeAll(keepingCapacity: true)
    }

    private func dropFormerIDs() throws(StoreError) {
        try Statement(statements.database, EventIDStatements.dropFormerTable).run()
    }

    /// Blocks that are damaged or out of order, ids that lead nowhere, and events without an id.
    func eventIDDifferences() throws(StoreError) -> [VerifyDifference] {
        var result: [VerifyDifference] = []
        var found: Int64 = 0
        for run in try statements.source.idRunNumbers() where result.count < 100 {
            do throws(StoreError) {
                found += try count(ofRun: run) { result.append($0) }
            } catch {
                guard error.code == .corrupt else { throw error }
                result.append(
                    VerifyDifference(
                        what: "event id index, run \(run)", expected: "readable blocks",
                        found: error.message))
            }
        }
        let usages = try statements.source.count(UsageEventStatements.usageCount)
        if usages != found {
            result.append(
                VerifyDifference(
                    what: "event id index", expected: "\(usages) entries", found: "\(found)"))
        }
        return result
    }

    private func count(
        ofRun number: Int64, _ report: (VerifyDifference) -> Void
    ) throws(StoreError) -> Int64 {
        let source = statements.source
        source.knownRuns = nil
        source.cache.forget(number)
        guard let run = try source.idRuns().first(where: { $0.number == number }) else { return 0 }
        let filter = try source.idFilter(number, run.count)
        let exists = try Statement(statements.database, UsageEventStatements.exists)
        var last: IDEntry?
        var count: Int64 = 0
        for block in run.firstKeys.indices {
            let entries = try source.idBlock(block, of: number).entries
            var isInOrder = entries.first?.key == run.firstKeys[block]
            for entry in entries {
                isInOrder = isInOrder && last.map { $0 < entry } ?? true
                last = entry
                isInOrder = isInOrder && filter.mayContain(entry.key)
                exists.reset()
                exists.bind(1, entry.location.day)
                exists.bind(2, entry.location.subject)
                exists.bind(3, entry.location.sequence)
                if try exists.step() { continue }
                report(
                    VerifyDifference(
                        what: "event id index, sequence \(entry.location.sequence)",
                        expected: "an event", found: "nothing"))
            }
            count += Int64(entries.count)
            if !isInOrder {
                report(
                    VerifyDifference(
                        what: "event id index, run \(number)", expected: "ids in order",
                        found: "others in block \(block)"))
            }
        }
        if last?.key != run.lastKey || count != run.count {
            report(
                VerifyDifference(
                    what: "event id index, run \(number)", expected: "\(run.count) ids",
                    found: "\(count)"))
        }
        return count
    }
}
