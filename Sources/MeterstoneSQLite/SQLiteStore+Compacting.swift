import GRDB
import MeterstoneCore
public import MeterstoneStore

extension SQLiteStore {
    public func compact() throws(StoreError) -> CompactionReport {
        while try project() {}
        return try write { (database) throws(StoreError) in
            do throws(StoreError) {
                var scrubber = try Scrubber(statements.source, workingSet.registry)
                if !scrubber.isEmpty {
                    try statements.transaction { () throws(StoreError) in
                        try Compaction(database, statements).scrub(with: &scrubber)
                        try rebuildEventIDs()
                        try rebuildColumns(database)
                        _ = try rebuildCounters(database)
                    }
                    workingSet = try Self.load(statements.source, statements, options)
                }
                try statements.events.drop([], statements)
                // What was deleted or written over stands in free pages and in the log until then.
                try Statement(database, "VACUUM").run()
                try checkpoints.empty(database)
                return scrubber.report
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }
}

/// Writes what a scrubber leaves in the place of what is stored, within a transaction.
private struct Compaction {
    private let database: Database
    private let statements: WriterStatements
    private var source: SQLiteSource { statements.source }

    init(_ database: Database, _ statements: WriterStatements) {
        self.database = database
        self.statements = statements
    }

    func scrub(with scrubber: inout Scrubber) throws(StoreError) {
        let triggers = try takeTriggers()
        // What waits to be dropped is not read, and stands there all the same.
        try run("DELETE FROM event_blocks WHERE run NOT IN (SELECT number FROM event_runs)")
        try run("DELETE FROM journal WHERE first_sequence <= \(try source.watermark())")
        try scrubEvents(with: &scrubber)
        try scrubEntries(with: scrubber)
        try scrubChanges(with: scrubber)
        try scrubSubjects(with: scrubber)
        for trigger in triggers { try run(trigger) }
    }

    private func run(_ sql: String) throws(StoreError) { try Statement(database, sql).run() }

    /// Those that refuse that a change or a ledger entry is written over.
    ///
    /// - Returns: what makes them again.
    private func takeTriggers() throws(StoreError) -> [String] {
        let found = try Statement(
            database, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        var triggers: [(name: String, sql: String)] = []
        while try found.step() { triggers.append((found.text(0), found.text(1))) }
        found.reset()
        for trigger in triggers { try run("DROP TRIGGER \(trigger.name)") }
        return triggers.map(\.sql)
    }

    private func scrubEvents(with scrubber: inout Scrubber) throws(StoreError) {
        let found = try Statement(database, "SELECT id FROM event_blocks ORDER BY id")
        var ids: [Int64] = []
        while try found.step() { ids.append(found.int(0)) }
        found.reset()
        let read = try Statement(database, EventRunStatements.body)
        let write = try Statement(database, "UPDATE event_blocks SET body = ?2 WHERE id = ?1")
        for id in ids {
            read.reset()
            read.bind(1, id)
            guard try read.step() else { continue }
            guard let block = try? EventBlock(reading: read.bytes(0)) else {
                throw StoreError(code: .corrupt, message: "the block \(id) of events is damaged")
            }
            guard let body = try scrubbed(block, with: &scrubber) else { continue }
            write.bind(1, id)
            try write.run(binding: 2, body, body.indices)
        }
        read.reset()
    }

    private func scrubbed(
        _ block: EventBlock, with scrubber: inout Scrubber
    ) throws(StoreError) -> [UInt8]? {
        var builder = EventBlockBuilder()
        var isChanged = false
        for place in 0..<block.count {
            let (subject, sequence) = (block.subjects[place], block.sequences[place])
            let known = block.body(at: place)
            let left = try scrubber.scrubbed(known, of: subject, at: sequence)
            if left != nil { isChanged = true }
            builder.append(
                subject: subject, sequence: sequence, left.map { $0[...] } ?? known,
                at: .earliest ... .latest)
        }
        return isChanged ? builder.take() : nil
    }

    private func scrubEntries(with scrubber: Scrubber) throws(StoreError) {
        let rows = try scrubber.entries(source)
        let write = try Statement(
            database,
            """
            UPDATE ledger_entries SET lookup = ?3, body = ?4 WHERE subject = ?1 AND sequence = ?2
            """)
        for row in rows {
            write.bind(1, row.subject)
            write.bind(2, row.sequence)
            write.bind(3, row.lookup)
            try write.run(binding: 4, row.body, row.body.indices)
        }
    }

    private func scrubChanges(with scrubber: Scrubber) throws(StoreError) {
        let write = try Statement(
            database, "UPDATE changes SET idempotency_key = ?2, body = ?3 WHERE sequence = ?1")
        try scrubber.forEachPart(ofChangesIn: source) { (left) throws(StoreError) in
            for change in left {
                write.bind(1, change.sequence)
                write.bind(2, change.idempotencyKey)
                write.bind(3, try JSONText(change).text)
                try write.run()
            }
        }
    }

    private func scrubSubjects(with scrubber: Scrubber) throws(StoreError) {
        let delete = try Statement(database, "DELETE FROM subjects WHERE number = ?1")
        for number in scrubber.emptyRows {
            delete.bind(1, number)
            try delete.run()
        }
        try scrubber.forEachPart(ofSubjectsIn: source) { (left) throws(StoreError) in
            try statements.put(left)
        }
    }
}
