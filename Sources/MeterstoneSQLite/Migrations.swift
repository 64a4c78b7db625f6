import GRDB

/// The schema's history: numbered SQL files, never edited once released.
enum Migrations {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001-initial") { database in
            try database.execute(
                sql: String(decoding: PackageResources._001_initial_sql, as: UTF8.self))
        }
        migrator.registerMigration("0002-ledger") { database in
            try database.execute(
                sql: String(decoding: PackageResources._002_ledger_sql, as: UTF8.self))
        }
        migrator.registerMigration("0003-columns") { database in
            try database.execute(
                sql: String(decoding: PackageResources._003_columns_sql, as: UTF8.self))
        }
        migrator.registerMigration("0004-corrections") { database in
            try database.execute(
                sql: String(decoding: PackageResources._004_corrections_sql, as: UTF8.self))
        }
        migrator.registerMigration("0005-cuts") { database in
            try database.execute(
                sql: String(decoding: PackageResources._005_cuts_sql, as: UTF8.self))
        }
        migrator.registerMigration("0006-sealed-ids") { database in
            try database.execute(
                sql: String(decoding: PackageResources._006_sealed_ids_sql, as: UTF8.self))
        }
        migrator.registerMigration("0007-sealed-events") { database in
            try database.execute(
                sql: String(decoding: PackageResources._007_sealed_events_sql, as: UTF8.self))
        }
        migrator.registerMigration("0008-block-times") { database in
            try database.execute(
                sql: String(decoding: PackageResources._008_block_times_sql, as: UTF8.self))
        }
        migrator.registerMigration("0009-times") { database in
            try database.execute(
                sql: String(decoding: PackageResources._009_times_sql, as: UTF8.self))
        }
        migrator.registerMigration("0010-followers") { database in
            try database.execute(
                sql: String(decoding: PackageResources._010_followers_sql, as: UTF8.self))
        }
        migrator.registerMigration("0011-former-zones") { database in
            try database.execute(
                sql: String(decoding: PackageResources._011_former_zones_sql, as: UTF8.self))
        }
        migrator.registerMigration("0012-shipping") { database in
            try database.execute(
                sql: String(decoding: PackageResources._012_shipping_sql, as: UTF8.self))
        }
        migrator.registerMigration("0013-aliases") { database in
            try database.execute(
                sql: String(decoding: PackageResources._013_aliases_sql, as: UTF8.self))
        }
        return migrator
    }()
}
