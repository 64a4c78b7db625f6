extension MirrorSchema {
    /// A module in TypeScript for Drizzle ORM: `pgTable` or `sqliteTable` for each table, and a view that exists
    /// for each view.
    func drizzle(_ dialect: MirrorDialect) -> String {
        let prefix = dialect == .sqlite ? "sqlite" : "pg"
        let bodies = relations.map { relation in
            let columns = relation.columns.map { column in
                let key = relation.isView || relation.key != [column.name] ? "" : ".primaryKey()"
                let rule = column.mayBeNull || !key.isEmpty ? key : ".notNull()"
                return "  \(column.name.inCamelCase): \(dialect.drizzle(column))\(rule),\n"
            }.joined()
            let kind = relation.isView ? "View" : "Table"
            let end = relation.isView ? "}).existing();" : drizzleEnd(of: relation)
            return "export const \(name(of: relation)) = \(prefix)\(kind)('\(relation.name)', {\n"
                + columns + end + "\n"
        }
        let body = bodies.joined(separator: "\n")
        let words = [
            "bigint", "boolean", "date", "integer", "json", "numeric", "\(prefix)Table",
            "\(prefix)View", "primaryKey", "text", "timestamp",
        ].filter { body.contains("\($0)(") }
        return """
            // Written by `meterstone sql --schema \(dialect.drizzleName)`.
            import { \(words.joined(separator: ", ")) } from 'drizzle-orm/\(prefix)-core';

            \(body)
            """
    }

    /// A key of several columns stands after them.
    private func drizzleEnd(of relation: Relation) -> String {
        guard relation.key.count > 1 else { return "});" }
        let columns = relation.key.map { "table.\($0.inCamelCase)" }.joined(separator: ", ")
        return "}, (table) => [primaryKey({ columns: [\(columns)] })]);"
    }
}

extension MirrorDialect {
    fileprivate var drizzleName: String {
        self == .sqlite ? "drizzle-sqlite" : "drizzle"
    }

    fileprivate func drizzle(_ column: MirrorSchema.Column) -> String {
        let name = "'\(column.name)'"
        switch (self, column.type) {
        case (_, .text): return "text(\(name))"
        case (_, .integer), (.sqlite, .bigint): return "integer(\(name))"
        case (.postgres, .bigint): return "bigint(\(name), { mode: 'number' })"
        case (.postgres, .boolean): return "boolean(\(name))"
        case (.sqlite, .boolean): return "integer(\(name), { mode: 'boolean' })"
        case (.postgres, .date): return "date(\(name))"
        case (.postgres, .instant): return "timestamp(\(name), { withTimezone: true })"
        case (.sqlite, .date), (.sqlite, .instant): return "text(\(name))"
        case (.postgres, .json): return "json(\(name))"
        case (.sqlite, .json): return "text(\(name), { mode: 'json' })"
        case (_, .numeric): return "numeric(\(name))"
        }
    }
}
