/// A table of the mirror: what it is called, what stands in it, and what a row is found by.
package struct MirrorTable: Sendable {
    package let name: String
    package let columns: [MirrorColumn]
    /// Names of columns.
    package let key: [String]
    /// Each the columns of one index.
    package let indexes: [[String]]

    package init(
        _ name: String, _ columns: [MirrorColumn], key: [String], indexes: [[String]] = []
    ) {
        self.name = name
        self.columns = columns
        self.key = key
        self.indexes = indexes
    }
}

package struct MirrorColumn: Sendable {
    package enum Kind: Sendable {
        case text, integer, boolean
        /// Of a calendar.
        case date
        case instant
        case json
    }

    package let name: String
    package let kind: Kind

    package init(_ name: String, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// A value on its way into a row or out of one.
package enum MirrorValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)

    package init(_ text: String?) {
        self = text.map { .text($0) } ?? .null
    }

    package init(_ number: Int64?) {
        self = number.map { .integer($0) } ?? .null
    }

    package init(_ isTrue: Bool) {
        self = .integer(isTrue ? 1 : 0)
    }

    package var text: String? {
        switch self {
        case .null: nil
        case .integer(let number): String(number)
        case .real(let number): String(number)
        case .text(let text): text
        }
    }

    package var integer: Int64? {
        switch self {
        case .null: nil
        case .integer(let number): number
        case .real(let number): Int64(exactly: number)
        case .text(let text): Int64(text)
        }
    }
}

/// Which SQL a mirror speaks.
package enum MirrorDialect: Sendable {
    case sqlite, postgres

    fileprivate func type(of kind: MirrorColumn.Kind) -> String {
        switch (self, kind) {
        case (.sqlite, .integer), (.sqlite, .boolean): "INTEGER"
        case (.sqlite, _): "TEXT"
        case (.postgres, .text): "text"
        case (.postgres, .integer): "bigint"
        case (.postgres, .boolean): "boolean"
        case (.postgres, .date): "date"
        case (.postgres, .instant): "timestamptz"
        // As it was given: jsonb refuses characters that JSON allows.
        case (.postgres, .json): "json"
        }
    }
}

extension MirrorDialect {
    /// A pattern in which `*` stands for any text, as GLOB of SQLite and LIKE of PostgreSQL take it.
    func pattern(_ text: String) -> String {
        text.map { character in
            switch (self, character) {
            case (.sqlite, "?"), (.sqlite, "["): "[\(character)]"
            case (.postgres, "*"): "%"
            case (.postgres, "%"), (.postgres, "_"), (.postgres, "\\"): "\\\(character)"
            default: String(character)
            }
        }.joined()
    }
}

extension MirrorTable {
    /// The statement that makes it, without its indexes.
    package func creation(_ dialect: MirrorDialect) -> String {
        let fields = columns.map { "\($0.name) \(dialect.type(of: $0.kind))" }
        let rowless = dialect == .sqlite && key.count > 1 ? " WITHOUT ROWID" : ""
        let text = (fields + ["PRIMARY KEY (\(key.joined(separator: ", ")))"])
            .joined(separator: ", ")
        return "CREATE TABLE \(name) (\(text))\(rowless)"
    }

    /// The statements that make its indexes, each by itself.
    package var indexCreation: [String] {
        indexes.map { columns in
            "CREATE INDEX IF NOT EXISTS \(name(ofIndex: columns)) "
                + "ON \(name) (\(columns.joined(separator: ", ")))"
        }
    }

    package func name(ofIndex columns: [String]) -> String {
        "\(name)_by_\(columns.joined(separator: "_"))"
    }
}
