import GRDB
import MeterstoneCore
import MeterstoneStore

/// The index of event ids, written anew and checked.
extension SQLiteStore {
    /// Ids that are sorted in memory at once.
    private static let idsPerRun = 262_144

    /// Writes what events are found by, their ids and their corrections, within a transaction.
    func rebuildEventIDs() throws(StoreError) {
        try statements.ids.deleteAll()
        try Statement(statements.database, EventRunStatements.deleteCorrections).run()
        var entries: [IDEntry] = []
        var corrections: [CorrectionPlace] = []
        try forEachIndexEntry(ofDays: .min ... .max) { (entry) throws(StoreError) in
            switch entry {
            case .id(let entry): entries.append(entry)
            case .correction(let place): corrections.append(place)
            case .none: break
            }
            if entries.count == Self.idsPerRun { try writeRun(&entries) }
            if corrections.count == Self.idsPerRun {
                try statements.events.put(corrections)
                corrections.removeAll(keepingCapacity: true)
            }
        }
        try writeRun(&entries)
        try statements.events.put(corrections)
        try dropFormerIDs()
    }

    /// Writes the ids of all events for a store of an earlier version, a day and a run at a time, so that the log stays short.
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
                try forEachIndexEntry(ofDays: day...day) { (entry) throws(StoreError) in
                    if case .id(let entry) = entry { entries.append(entry) }
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

    private func forEachIndexEntry(
        ofDays days: ClosedRange<Int64>, _ visit: (IndexEntry) throws(StoreError) -> Void
    ) throws(StoreError) {
        try statements.source.scan(days: days) { (day, subject, fact) throws(StoreError) in
            let entry: IndexEntry
            do throws(MalformedRecord) {
                entry = try IndexEntry(
                    day: day, subject: subject, sequence: fact.sequence, fact.body)
            } catch {
                throw StoreError(
                    code: .corrupt,
                    message: "the fact with sequence \(fact.sequence) is unreadable")
            }
            try visit(entry)
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

    /// What is wrong with the runs of facts and with what finds them: blocks out of order, sums in rows,
    /// ids and corrections that lead nowhere, and facts that neither index knows.
    func indexDifferences() throws(StoreError) -> [VerifyDifference] {
        var result: [VerifyDifference] = []
        let events = try eventDigest { result.append($0) }
        let ids = try idDigest { result.append($0) }
        if events != ids {
            result.append(
                VerifyDifference(
                    what: "event id index", expected: "\(events.count) entries",
                    found: events.count == ids.count ? "others" : "\(ids.count)"))
            try forEachIDEntry { (entry) throws(StoreError) in
                guard result.count < 100, try statements.source.body(at: entry.location) == nil
                else { return }
                result.append(
                    VerifyDifference(
                        what: "event id index, sequence \(entry.location.sequence)",
                        expected: "an event", found: "nothing"))
            }
        }
        return result + (try runDifferences())
    }

    /// A sum over entries that does not depend on their order.
    private struct Digest: Equatable {
        var count = 0
        var sum: UInt64 = 0

        mutating func add(_ entry: IDEntry) {
            count += 1
            var hash = entry.key
            for part in [entry.location.day, entry.location.subject, entry.location.sequence] {
                hash = (hash ^ UInt64(bitPattern: part)) &* 0x9E37_79B9_7F4A_7C15
                hash ^= hash >> 29
            }
            sum &+= hash
        }
    }

    /// Reads all facts, and looks every correction up.
    private func eventDigest(
        _ report: (VerifyDifference) -> Void
    ) throws(StoreError) -> Digest {
        var digest = Digest()
        var corrections: Int64 = 0
        let known = try Statement(statements.database, EventRunStatements.hasCorrection)
        try forEachIndexEntry(ofDays: .min ... .max) { (entry) throws(StoreError) in
            switch entry {
            case .id(let entry): digest.add(entry)
            case .correction(let place):
                corrections += 1
                known.reset()
                known.bind(1, place.event.day)
                known.bind(2, place.event.subject)
                known.bind(3, place.event.sequence)
                known.bind(4, place.sequence)
                if try known.step() { return }
                report(
                    VerifyDifference(
                        what: "index of corrections, sequence \(place.sequence)",
                        expected: "an entry", found: "nothing"))
            case .none: break
            }
        }
        known.reset()
        let count = try Statement(statements.database, EventRunStatements.correctionCount)
        count.bind(1, try statements.source.watermark())
        let found = try count.step() ? count.int(0) : 0
        if found != corrections {
            report(
                VerifyDifference(
                    what: "index of corrections", expected: "\(corrections) entries",
                    found: "\(found)"))
        }
        return digest
    }

    private func idDigest(
        _ report: (VerifyDifference) -> Void
    ) throws(StoreError) -> Digest {
        var digest = Digest()
        for run in try statements.source.idRunNumbers() {
            do throws(StoreError) {
                try check(idRun: run, report) { digest.add($0) }
            } catch {
                guard error.code == .corrupt else { throw error }
                report(
                    VerifyDifference(
                        what: "event id index, run \(run)", expected: "readable blocks",
                        found: error.message))
            }
        }
        return digest
    }

    private func forEachIDEntry(
        _ visit: (IDEntry) throws(StoreError) -> Void
    ) throws(StoreError) {
        for number in try statements.source.idRunNumbers() {
            do throws(StoreError) {
                let run = try statements.source.idRuns().first { $0.number == number }
                for block in run?.firstKeys.indices ?? 0..<0 {
                    for entry in try statements.source.idBlock(block, of: number).entries {
                        try visit(entry)
                    }
                }
            } catch {
                // That it is damaged was told.
                guard error.code == .corrupt else { throw error }
            }
        }
    }

    private func check(
        idRun number: Int64, _ report: (VerifyDifference) -> Void, _ visit: (IDEntry) -> Void
    ) throws(StoreError) {
        let source = statements.source
        source.knownRuns = nil
        source.cache.forget(number)
        guard let run = try source.idRuns().first(where: { $0.number == number }) else { return }
        let filter = try source.idFilter(number, run.count)
        var last: IDEntry?
        var count = 0
        for block in run.firstKeys.indices {
            let entries = try source.idBlock(block, of: number).entries
            var isInOrder = entries.first?.key == run.firstKeys[block]
            for entry in entries {
                isInOrder = isInOrder && last.map { $0 < entry } ?? true
                last = entry
                isInOrder = isInOrder && filter.mayContain(entry.key)
                visit(entry)
            }
            count += entries.count
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
    }

    /// What rows say of their runs, and whether facts are found where they stand.
    private func runDifferences() throws(StoreError) -> [VerifyDifference] {
        let source = statements.source
        var result: [VerifyDifference] = []
        var next: Int64? = .min
        while let from = next, let day = try source.firstDay(from: from), result.count < 100 {
            for run in try source.eventRuns(of: day) {
                var found = EventRun(number: run.number, day: day)
                var last: (Int64, Int64)?
                var isInOrder = true
                for number in 0..<run.blocks {
                    let block = try source.eventBlock(number, of: run.number)
                    found.blocks += 1
                    let start = try source.startBlock(
                        of: block.subjects[0], block.sequences[0], in: run)
                    isInOrder = isInOrder && start == number
                    let times = try source.times(of: block, in: run)
                    for place in 0..<block.count {
                        isInOrder =
                            isInOrder && block.occurredAt(place).map(times.contains) ?? true
                        let this = (block.subjects[place], block.sequences[place])
                        isInOrder = isInOrder && last.map { $0 < this } ?? true
                        last = this
                        found.facts += 1
                        if block.body(at: place).first == FactKind.usage.rawValue {
                            found.usages += 1
                        }
                        isInOrder = isInOrder && run.sequences?.contains(this.1) ?? false
                    }
                }
                guard !isInOrder || found.facts != run.facts || found.usages != run.usages else {
                    continue
                }
                result.append(
                    VerifyDifference(
                        what: "run \(run.number) of events",
                        expected: "\(run.facts) facts in order, \(run.usages) usages",
                        found: "\(found.facts), \(found.usages)"))
            }
            next = day == .max ? nil : day + 1
        }
        return result
    }
}
