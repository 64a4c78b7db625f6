import GRDB
import MeterstoneCore
public import MeterstoneStore

extension SQLiteStore {
    public func archiveLog() throws(StoreError) -> ArchiveLog? {
        try read { (tables, _) throws(StoreError) in try tables.archiveLog() }
    }

    public func archive(
        _ progress: ArchiveProgress,
        _ write: (ArchivableDays) throws(StoreError) -> ArchivedPart?
    ) throws(StoreError) -> ArchiveProgress {
        try read { (tables, source) throws(StoreError) -> ArchiveProgress in
            var progress = progress
            progress.part = nil
            progress.next = nil
            // Names that are younger than the head are not known here.
            let last = min(try tables.watermark(), source.head.sequence)
            progress.sequence = progress.sequence ?? last
            guard let log = try tables.archiveLog() else {
                // Files say whose they are before anything is done that they are about.
                progress.next = .log
                return progress
            }
            guard log.rest == nil else {
                progress.next = .day
                return progress
            }
            guard let days = ArchivableDays.first(of: try tables.archivableDays(progress, log))
            else {
                progress.next = .end
                return progress
            }
            progress.nextDay = days.upperBound + 1
            let part = try write(
                ArchivableDays(days, through: last, source.head.catalog, log, tables))
            progress.next = part.map { .part($0, ArchiveLog.Rest(days, through: last)) }
            return progress
        }
    }

    public func leaveArchived(
        _ progress: ArchiveProgress
    ) throws(StoreError) -> ArchiveProgress {
        try refuseIfHalted()
        return try write { (database) throws(StoreError) in
            do throws(StoreError) {
                var progress = progress
                var log = try statements.source.archiveLog() ?? .new()
                var unneeded: [Int64] = []
                // Should a power failure undo days, the part and the note of it are there all the same.
                try statements.transaction(isSynced: !progress.isAmongDays) {
                    () throws(StoreError) in
                    switch progress.next {
                    case .log: progress.next = nil
                    case .part(let part, let rest):
                        log.note(part)
                        log.rest = rest
                        progress.part = part
                        progress.next = .day
                    case .day:
                        unneeded = try leaveDay(&log)
                        progress.next = log.rest == nil ? nil : .day
                    case .end:
                        log.finish(progress)
                        progress.next = nil
                        progress.isDone = true
                    case nil: return
                    }
                    try statements.put(setting: Setting.archive, try log.text())
                }
                try statements.events.drop(unneeded, statements)
                try checkpoints.continueIfNeeded(database)
                return progress
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }

    /// - Returns: runs that nobody needs any more.
    private func leaveDay(_ log: inout ArchiveLog) throws(StoreError) -> [Int64] {
        guard let rest = log.rest else { return [] }
        guard let day = try statements.source.firstDay(from: rest.firstDay), day <= rest.lastDay
        else {
            log.rest = nil
            return []
        }
        let registry = workingSet.registry
        var count = 0
        let unneeded = try statements.events.rewrite(day: day) {
            (subject, facts) throws(StoreError) in
            let left = try ArchivableDay(facts, of: subject, through: rest.sequence, registry)
                .left(registry)
            count += left.count {
                $0.isChanged && $0.fact.body.first == FactKind.usage.rawValue
            }
            return left.map(\.fact)
        }
        log.events += count
        log.rest?.firstDay = day + 1
        if day == rest.lastDay { log.rest = nil }
        return unneeded
    }
}

extension SQLiteSource {
    func archiveLog() throws(StoreError) -> ArchiveLog? {
        try ArchiveLog(text: try setting(Setting.archive))
    }

    fileprivate func archivableDays(
        _ progress: ArchiveProgress, _ log: ArchiveLog
    ) throws(StoreError) -> [(day: Int64, facts: Int64)] {
        let rows = try statement(EventRunStatements.archivableDays)
        defer { rows.reset() }
        rows.bind(1, progress.nextDay)
        rows.bind(2, progress.untilDay)
        rows.bind(3, log.untilDay)
        rows.bind(4, log.sequence)
        var days: [(day: Int64, facts: Int64)] = []
        while try rows.step() { days.append((rows.int(0), rows.int(1))) }
        return days
    }
}
