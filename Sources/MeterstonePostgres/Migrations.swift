import MeterstoneStore

/// Brings the schema up to date. Nodes that start together take turns.
struct Migrations {
    /// The scripts in order; the first has number 1. What was released is never changed.
    static let scripts = [
        PackageResources._001_initial_sql, PackageResources._002_ledger_sql,
        PackageResources._003_columns_sql, PackageResources._004_corrections_sql,
        PackageResources._005_cuts_sql, PackageResources._006_numbers_sql,
        PackageResources._007_times_sql, PackageResources._008_followers_sql,
        PackageResources._009_former_zones_sql, PackageResources._010_aliases_sql,
    ]

    let connection: Connection

    func run() throws {
        try connection.execute(
            script: """
                SELECT pg_advisory_lock(\(try connection.lockKey(of: "migrations")));
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    version bigint PRIMARY KEY,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )
                """)
        let version = try connection.run(
            Query("SELECT coalesce(max(version), 0) FROM schema_migrations")
        ).int(0, 0)
        guard version <= Self.scripts.count else {
            throw StoreError(
                code: .schemaTooNew,
                message: "a newer version of Meterstone wrote this database (schema \(version))")
        }
        for (index, script) in Self.scripts.enumerated() where index >= version {
            // One text is one transaction.
            try connection.execute(
                script: String(decoding: script, as: UTF8.self)
                    + ";\nINSERT INTO schema_migrations (version) VALUES (\(index + 1))")
        }
    }
}

extension Connection {
    /// A number for advisory locks, which are of the whole database, that belongs to one thing in the
    /// schema that the session works in.
    func lockKey(of thing: String) throws(PostgresFailure) -> Int64 {
        try run(
            Query(
                """
                SELECT hashtextextended(
                    'meterstone ' || coalesce(current_schema(), '') || ' ' || $1::text, 0)
                """
            ).binding(thing)
        ).int(0, 0)
    }
}
