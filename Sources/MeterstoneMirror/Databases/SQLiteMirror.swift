import GRDB
import MeterstoneSQLite
package import MeterstoneStore

/// The stores' own, which binds and reads without boxing.
private typealias StoreStatement = MeterstoneSQLite.Statement

/// A mirror in one SQLite file.
package final class SQLiteMirror: MirrorDatabase {
    package let dialect = MirrorDialect.sqlite
    private let queue: DatabaseQueue
    /// After so many pages the log is copied into the file: 64 MiB, so that a page which many transactions
    /// change is copied once.
    private static let logPages = 16_384
    private var statements: [String: StoreStatement] = [:]

    /// - Parameter isReadOnly: nothing can be written; the file has to be there.
    package init(path: String, isReadOnly: Bool = false) throws(StoreError) {
        do {
            var configuration = Configuration()
            configuration.label = "meterstone-mirror"
            configuration.readonly = isReadOnly
            // Somebody may be reading, or writing a page.
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { database in
                guard !isReadOnly else { return }
                // What a loss of power takes is read from the store again.
                try database.execute(
                    sql: """
                        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                        PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = \(Self.logPages)
                        """)
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw StoreError(error)
        }
    }

    private func use<Result>(
        _ body: (Database) throws -> Result
    ) throws(StoreError) -> Result {
        do {
            return try queue.unsafeReentrantWrite(body)
        } catch {
            throw StoreError(error)
        }
    }

    private func statement(_ sql: String, _ database: Database) throws(StoreError) -> StoreStatement
    {
        if let known = statements[sql] {
            known.reset()
            return known
        }
        let new = try StoreStatement(database, sql)
        statements[sql] = new
        return new
    }

    package func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
        try use { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            do {
                try body()
                try database.execute(sql: "COMMIT")
            } catch {
                try? database.execute(sql: "ROLLBACK")
                throw error
            }
        }
    }

    package func execute(_ sql: String) throws(StoreError) {
        try use { try $0.execute(sql: sql) }
    }

    package func put(_ rows: [[MirrorValue]], into table: MirrorTable) throws(StoreError) {
        guard !rows.isEmpty else { return }
        try use { database in
            let places = (1...table.columns.count).map { "?\($0)" }.joined(separator: ", ")
            let put = try statement(
                "INSERT OR REPLACE INTO \(table.name) VALUES (\(places))", database)
            for row in rows {
                for (index, value) in row.enumerated() { put.bind(Int32(index + 1), value) }
                try put.run()
            }
        }
    }

    package func delete(
        _ values: [MirrorValue], ofColumn column: String, from table: MirrorTable
    ) throws(StoreError) {
        guard !values.isEmpty else { return }
        try use { database in
            let delete = try statement(
                "DELETE FROM \(table.name) WHERE \(column) = ?1", database)
            for value in values {
                delete.bind(1, value)
                try delete.run()
            }
        }
    }

    package func rows(
        _ columns: [String], from table: MirrorTable, where column: String,
        isOneOf values: [MirrorValue]
    ) throws(StoreError) -> [[MirrorValue]] {
        try use { database in
            let select = try statement(
                "SELECT \(columns.joined(separator: ", ")) FROM \(table.name) "
                    + "WHERE \(column) = ?1", database)
            var result: [[MirrorValue]] = []
            for value in values {
                select.bind(1, value)
                while try select.step() {
                    result.append(
                        columns.indices.map { place in
                            let isNull = select.isNull(Int32(place))
                            return isNull ? .null : .text(select.text(Int32(place)))
                        })
                }
                select.reset()
            }
            return result
        }
    }

    package func ask(
        _ sql: String, _ parameters: [MirrorValue], rowsMax: Int?
    ) throws(StoreError) -> MirrorAnswer {
        try use { database in
            // `$1` is a name to SQLite; the numbers are given in the order in which they first appear.
            let statement = try database.makeStatement(
                sql: sql.replacing(/\$([0-9]+)/) { "?\($0.output.1)" })
            statement.arguments = StatementArguments(parameters.map(\.databaseValue))
            let cursor = try Row.fetchCursor(statement)
            var rows: [[MirrorValue]] = []
            while rows.count < rowsMax ?? .max, let row = try cursor.next() {
                rows.append(row.databaseValues.map { MirrorValue($0) })
            }
            return MirrorAnswer(columns: statement.columnNames, rows: rows)
        }
    }

    package func close() {
        statements.removeAll()
        try? queue.close()
    }
}

extension StoreStatement {
    fileprivate func bind(_ index: Int32, _ value: MirrorValue) {
        switch value {
        case .null: bindNull(index)
        case .integer(let number): bind(index, number)
        case .real(let number): bind(index, String(number))
        case .text(let text): bind(index, text)
        }
    }
}

extension MirrorValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .real(let number): number.databaseValue
        case .text(let text): text.databaseValue
        }
    }

    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(number)
        case .double(let number): self = .real(number)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .text(data.map { String($0, radix: 16) }.joined())
        }
    }
}
