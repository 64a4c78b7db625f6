import MeterstoneCore
public import MeterstoneStore

extension PostgresStore {
    public func sweep(_ sweep: LogSweep) throws(StoreError) -> LogSweep {
        guard !sweep.isDone else { return sweep }
        return try pool.with { (connection) throws(StoreError) -> LogSweep in
            let source = PostgresSource(connection)
            var sweep = sweep
            try sweep.look(at: try source.lines(sweep), source)
            return sweep
        }
    }

    /// On a session of its own: every node goes on, but for who writes the log at this moment.
    public func forget(lines: [Int64]) throws(StoreError) {
        do {
            let connection = try Session.maintaining.connect(postgres)
            defer { connection.close() }
            try connection.run(
                [Query(TransactionStatements.begin)]
                    + ChangeStatements.forgetting.map { Query($0) }
                    + [
                        Query(ChangeStatements.forget).binding(IntColumn(lines)),
                        Query(ChangeStatements.forgotten), Query(TransactionStatements.commit),
                    ])
        } catch {
            throw StoreError(any: error)
        }
    }
}

extension PostgresSource {
    fileprivate func lines(_ sweep: LogSweep) throws(StoreError) -> [LogLine] {
        let rows = try run(
            Query(ChangeStatements.lines).binding(sweep.through)
                .binding(TextColumn(sweep.retention.kinds)).binding(Int64(LogSweep.linesMax)))
        return try (0..<rows.count).map { (row) throws(StoreError) in
            try LogLine(
                sequence: rows.int(row, 0), kind: rows.text(row, 1), key: rows.text(row, 2),
                recordedAt: rows.text(row, 3))
        }
    }
}
