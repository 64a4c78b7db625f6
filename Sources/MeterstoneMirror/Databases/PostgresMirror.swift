#if Postgres
import MeterstonePostgres
package import MeterstoneStore

/// A mirror in the first schema of a PostgreSQL session's search path.
package final class PostgresMirror: MirrorDatabase {
    package let dialect = MirrorDialect.postgres
    private let connection: Connection
    /// Rows that one statement writes.
    private static let rowsPerStatement = 5_000

    /// - Parameter isReadOnly: nothing can be written.
    package init(url: String, isReadOnly: Bool = false) throws(StoreError) {
        do throws(PostgresFailure) {
            connection = try Session.ofMirror(PostgresOptions(url: url))
            _ = try connection.run([
                // What a crash of the server takes is read from the store again.
                Query("SET synchronous_commit = off"),
                Query("SET TimeZone = 'UTC'"),
                Query("SET default_transaction_read_only = \(isReadOnly ? "on" : "off")"),
            ])
        } catch {
            throw StoreError(error)
        }
    }

    @discardableResult
    private func run(_ query: Query) throws(StoreError) -> Rows {
        do throws(PostgresFailure) { return try connection.run(query) } catch {
            throw StoreError(error)
        }
    }

    package func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
        try run(Query("BEGIN"))
        do throws(StoreError) {
            try body()
            try run(Query("COMMIT"))
        } catch {
            // Where the connection is lost, the server rolls back by itself.
            _ = try? connection.run(Query("ROLLBACK"))
            throw error
        }
    }

    package func execute(_ sql: String) throws(StoreError) {
        do throws(PostgresFailure) { try connection.execute(script: sql) } catch {
            throw StoreError(error)
        }
    }

    package func put(_ rows: [[MirrorValue]], into table: MirrorTable) throws(StoreError) {
        let sql = table.putting
        for start in stride(from: 0, to: rows.count, by: Self.rowsPerStatement) {
            let part = rows[start..<min(start + Self.rowsPerStatement, rows.count)]
            var query = Query(sql)
            for (place, column) in table.columns.enumerated() {
                query =
                    column.kind.isNumber
                    ? query.binding(IntColumn(orNull: part.map { $0[place].integer }))
                    : query.binding(TextColumn(orNull: part.map { $0[place].postgresText }))
            }
            try run(query)
        }
    }

    package func delete(
        _ values: [MirrorValue], ofColumn column: String, from table: MirrorTable
    ) throws(StoreError) {
        guard !values.isEmpty else { return }
        try run(
            Query("DELETE FROM \(table.name) WHERE \(column) = ANY($1::bigint[])")
                .binding(IntColumn(orNull: values.map(\.integer))))
    }

    package func rows(
        _ columns: [String], from table: MirrorTable, where column: String,
        isOneOf values: [MirrorValue]
    ) throws(StoreError) -> [[MirrorValue]] {
        guard !values.isEmpty else { return [] }
        let rows = try run(
            Query(
                "SELECT \(columns.joined(separator: ", ")) FROM \(table.name) "
                    + "WHERE \(column) = ANY($1::bigint[])", returnsText: true
            )
            .binding(IntColumn(orNull: values.map(\.integer))))
        return rows.values(atMost: nil)
    }

    package func ask(
        _ sql: String, _ parameters: [MirrorValue], rowsMax: Int?
    ) throws(StoreError) -> MirrorAnswer {
        var query = Query(sql, returnsText: true)
        for parameter in parameters {
            switch parameter {
            case .integer(let number): query = query.binding(number)
            default: query = query.binding(parameter.text)
            }
        }
        let rows = try run(query)
        return MirrorAnswer(columns: rows.columnNames, rows: rows.values(atMost: rowsMax))
    }

    package func close() {
        connection.close()
    }
}

extension MirrorColumn.Kind {
    fileprivate var isNumber: Bool { self == .integer || self == .boolean }

    /// From the array that a column is sent as.
    fileprivate func cast(_ name: String) -> String {
        switch self {
        case .text, .integer: name
        case .boolean: "\(name) <> 0"
        case .date: "\(name)::date"
        case .instant: "\(name)::timestamptz"
        case .json: "\(name)::json"
        }
    }
}

extension MirrorTable {
    /// Sets of rows, in the place of those with the same keys.
    fileprivate var putting: String {
        let names = columns.map(\.name).joined(separator: ", ")
        let arrays = columns.enumerated().map { place, column in
            "$\(place + 1)::\(column.kind.isNumber ? "bigint" : "text")[]"
        }.joined(separator: ", ")
        let casts = columns.map { $0.kind.cast("w.\($0.name)") }.joined(separator: ", ")
        let changes = columns.map(\.name).filter { !key.contains($0) }
            .map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        return """
            INSERT INTO \(name) (\(names)) SELECT \(casts) FROM unnest(\(arrays)) w(\(names))
            ON CONFLICT (\(key.joined(separator: ", "))) DO \
            \(changes.isEmpty ? "NOTHING" : "UPDATE SET \(changes)")
            """
    }
}

extension MirrorValue {
    /// PostgreSQL's texts have no character of number 0.
    fileprivate var postgresText: String? {
        guard case .text(let text) = self else { return self.text }
        return text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }
}

extension Rows {
    fileprivate func values(atMost rowsMax: Int?) -> [[MirrorValue]] {
        let kinds = (0..<columnNames.count).map { kind(Int32($0)) }
        return (0..<min(count, rowsMax ?? .max)).map { row in
            kinds.enumerated().map { column, kind in
                guard let text = optionalText(row, Int32(column)) else { return .null }
                switch kind {
                case .integer: return Int64(text).map { .integer($0) } ?? .text(text)
                case .real:
                    return Int64(text).map { .integer($0) } ?? Double(text).map { .real($0) }
                        ?? .text(text)
                case .boolean: return .integer(text == "t" ? 1 : 0)
                case .other: return .text(text)
                }
            }
        }
    }
}
#endif
