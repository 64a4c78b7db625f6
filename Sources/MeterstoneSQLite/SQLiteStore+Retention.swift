import GRDB
import MeterstoneCore
public import MeterstoneStore

extension SQLiteStore {
    public func sweep(_ sweep: LogSweep) throws(StoreError) -> LogSweep {
        guard !sweep.isDone else { return sweep }
        return try read { (tables, source) throws(StoreError) -> LogSweep in
            var sweep = sweep
            try sweep.look(at: try tables.lines(sweep), source)
            return sweep
        }
    }

    public func forget(lines: [Int64]) throws(StoreError) {
        try refuseIfHalted()
        try write { (database) throws(StoreError) in
            do throws(StoreError) {
                // Should a power failure undo it, the next sweep does it again.
                try statements.transaction(isSynced: false) { () throws(StoreError) in
                    let trigger = try Statement(database, ChangeStatements.deletionTrigger)
                    guard try trigger.step() else {
                        throw StoreError(
                            code: .corrupt, message: "nothing guards the log of changes")
                    }
                    let guarding = trigger.text(0)
                    trigger.reset()
                    try Statement(database, ChangeStatements.dropDeletionTrigger).run()
                    let forget = try Statement(database, ChangeStatements.forget)
                    for line in lines {
                        forget.bind(1, line)
                        try forget.run()
                    }
                    try Statement(database, guarding).run()
                }
                try checkpoints.continueIfNeeded(database)
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }
}

extension SQLiteSource {
    fileprivate func lines(_ sweep: LogSweep) throws(StoreError) -> [LogLine] {
        let rows = try statement(ChangeStatements.lines(ofKinds: sweep.retention.kinds))
        defer { rows.reset() }
        rows.bind(1, sweep.through)
        rows.bind(2, Int64(LogSweep.linesMax))
        var lines: [LogLine] = []
        while try rows.step() {
            lines.append(
                try LogLine(
                    sequence: rows.int(0), kind: rows.text(1), key: rows.text(2),
                    recordedAt: rows.text(3)))
        }
        return lines
    }
}
