import GRDB
import MeterstoneCore
public import MeterstoneStore

extension SQLiteStore {
    /// Events of another store that are sorted in memory at once.
    private static let eventsPerRun = 65_536

    public func inspect<Result>(
        _ body: (any InspectionSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        while try project() {}
        do {
            return try pool.read { database in try body(SQLiteSource(database, idRuns)) }
        } catch {
            throw StoreError(error)
        }
    }

    public func export(_ visit: (StorePart) throws(StoreError) -> Void) throws(StoreError) {
        while try project() {}
        do {
            try pool.read { database in
                let source = SQLiteSource(database, idRuns)
                let opening = StorePart.Opening(
                    try Self.catalog(database, options),
                    defaultTimeZone: options.defaultTimeZone, days: try source.days(),
                    archive: try source.archiveLog())
                try visit(StorePart(.opening(opening)))
                try source.getSubjectExports(visit)
                try source.exportEvents(visit)
                try source.exportEntries(visit)
                try source.exportChanges(visit)
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// One transaction, which SQLite rolls back also when it is cut off half-way.
    public func fill(
        _ parts: ((StorePart) throws(StoreError) -> Void) throws(StoreError) -> Void
    ) throws(StoreError) {
        while try project() {}
        try write { (database) throws(StoreError) in
            // Every fact moves the watermark, whatever became of it later.
            guard workingSet.head == 0 else { throw .notEmpty }
            do throws(StoreError) {
                try statements.transaction { () throws(StoreError) in
                    try fill(database, with: parts)
                }
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }

    private func fill(
        _ database: Database,
        with parts: ((StorePart) throws(StoreError) -> Void) throws(StoreError) -> Void
    ) throws(StoreError) {
        var filling = Filling(options)
        var events: [EventRow] = []
        try parts { (part) throws(StoreError) in
            try filling.admit(part)
            switch part.content {
            case .opening(let opening): try statements.put(opening)
            case .subjects(let subjects): try statements.put(subjects)
            case .events(let rows):
                events += rows
                guard events.count >= Self.eventsPerRun else { break }
                try statements.put(events)
                events.removeAll(keepingCapacity: true)
            case .entries(let rows): try statements.put(rows)
            case .changes(let changes): try statements.put(changes)
            }
        }
        try statements.put(events)
        _ = try filling.finish()
        try statements.put(setting: Setting.watermark, String(filling.sequenceMax))
        workingSet = try Self.load(statements.source, statements, options)
        try rebuildEventIDs()
        try rebuildColumns(database)
        _ = try rebuildCounters(database)
    }
}

extension SQLiteSource {
    /// The UTC days on which something is stored, ascending. One look-up for each.
    fileprivate func days() throws(StoreError) -> [Int64] {
        var days: [Int64] = []
        var next: Int64? = .min
        while let from = next, let day = try firstDay(from: from) {
            days.append(day)
            next = day == .max ? nil : day + 1
        }
        return days
    }

    fileprivate func exportChanges(
        _ visit: (StorePart) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last: Int64 = 0
        while true {
            let changes = try self.changes(after: last, count: StorePart.rowsMax)
            guard let next = changes.last?.sequence else { return }
            try visit(StorePart(.changes(changes)))
            last = next
        }
    }
}
