package import MeterstoneStore

/// The tables and views of a mirror as the schema of a query builder, made from what PostgreSQL says of them:
/// SQLite knows no types of the columns of a view.
package struct MirrorSchema: Sendable {
    /// A query builder, and which database it asks.
    package enum Language: String, CaseIterable, Sendable {
        case drizzle, prisma
        case drizzleSQLite = "drizzle-sqlite"
        case prismaSQLite = "prisma-sqlite"
    }

    struct Relation: Sendable {
        let name: String
        let isView: Bool
        let columns: [Column]
        let key: [String]
    }

    struct Column: Sendable {
        let name: String
        /// As PostgreSQL calls it.
        let type: ColumnType
        let mayBeNull: Bool
    }

    enum ColumnType: String, Sendable {
        case text, bigint, integer, boolean, date, json, numeric
        case instant = "timestamp with time zone"
    }

    /// Tables first, each in the order of the mirror's own list.
    let relations: [Relation]

    package init(of database: any MirrorDatabase) throws(StoreError) {
        guard database.dialect == .postgres else {
            throw StoreError(
                code: .misuse,
                message: "expected a mirror in PostgreSQL: SQLite knows no types of views")
        }
        let answer = try database.ask(
            """
            SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'v')
                AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY c.relname, a.attnum
            """)
        var columns: [String: [(name: String, type: ColumnType)]] = [:]
        for row in answer.rows {
            guard let relation = row[0].text, let name = row[1].text,
                let type = row[2].text.flatMap({ ColumnType(rawValue: $0) })
            else { continue }
            columns[relation, default: []].append((name, type))
        }
        let tables = MirrorTables.all.map { ($0.name, $0.key, false) }
        let views = MirrorViews.keys.sorted { $0.key < $1.key }.map { ($0.key, $0.value, true) }
        relations = (tables + views).map { name, key, isView in
            Relation(
                name: name, isView: isView,
                columns: (columns[name] ?? []).map {
                    Column(name: $0.name, type: $0.type, mayBeNull: !key.contains($0.name))
                }, key: key)
        }
    }

    /// What a relation is called in camel case. `userUsage` would be the name of two: the video studio's table has
    /// it, and the language tutor's gets another.
    func name(of relation: Relation) -> String {
        let name = relation.name.inCamelCase
        let isTaken = relations.contains { $0.name != relation.name && $0.name.inCamelCase == name }
        return isTaken && name == relation.name ? name + "ByMonth" : name
    }

    package func text(_ language: Language) -> String {
        switch language {
        case .drizzle: drizzle(.postgres)
        case .drizzleSQLite: drizzle(.sqlite)
        case .prisma: prisma(.postgres)
        case .prismaSQLite: prisma(.sqlite)
        }
    }
}

extension String {
    /// `usage_limits_config` as `usageLimitsConfig`.
    var inCamelCase: String {
        let parts = split(separator: "_")
        return parts.dropFirst().reduce(String(parts.first ?? "")) {
            $0 + $1.prefix(1).uppercased() + $1.dropFirst()
        }
    }
}
