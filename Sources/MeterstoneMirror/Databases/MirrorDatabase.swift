package import MeterstoneStore

/// A database that a mirror stands in. Used by one caller at a time.
package protocol MirrorDatabase: AnyObject {
    var dialect: MirrorDialect { get }

    /// Carries `body` out as one step, or not at all.
    func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError)

    /// Runs a statement that returns nothing that matters.
    func execute(_ sql: String) throws(StoreError)

    /// Writes rows, in the place of those with the same keys.
    func put(_ rows: [[MirrorValue]], into table: MirrorTable) throws(StoreError)

    /// Deletes the rows in which an integer column has one of these values.
    func delete(
        _ values: [MirrorValue], ofColumn column: String, from table: MirrorTable
    ) throws(StoreError)

    /// Reads the rows in which an integer column has one of these values.
    func rows(
        _ columns: [String], from table: MirrorTable, where column: String,
        isOneOf values: [MirrorValue]
    ) throws(StoreError) -> [[MirrorValue]]

    /// Asks something.
    ///
    /// - Parameters:
    ///   - sql: with `$1`, `$2` and so on for the parameters.
    ///   - rowsMax: how many rows are wanted; `nil`: all.
    func ask(
        _ sql: String, _ parameters: [MirrorValue], rowsMax: Int?
    ) throws(StoreError) -> MirrorAnswer

    func close()
}

extension MirrorDatabase {
    package func ask(
        _ sql: String, _ parameters: [MirrorValue] = []
    ) throws(StoreError) -> MirrorAnswer {
        try ask(sql, parameters, rowsMax: nil)
    }

    /// All rows of somebody's table, whose name may begin with a schema and a point.
    package func wholeTable(_ name: String) throws(StoreError) -> MirrorAnswer {
        let parts = name.split(separator: ".").map {
            "\"\($0.replacing("\"", with: "\"\""))\""
        }
        return try ask("SELECT * FROM \(parts.joined(separator: "."))")
    }
}

/// Rows with the names of their columns.
package struct MirrorAnswer: Sendable, Equatable {
    package let columns: [String]
    package let rows: [[MirrorValue]]

    package init(columns: [String], rows: [[MirrorValue]]) {
        self.columns = columns
        self.rows = rows
    }
}
