/// How long a node waits for PostgreSQL, and how many connections it takes.
package struct PostgresSettings: Sendable {
    package let readers: Setting<Int>
    package let statementMilliseconds: Setting<Int>
    package let lockMilliseconds: Setting<Int>
    package let idleTransactionMilliseconds: Setting<Int>
    package let commitMilliseconds: Setting<Int>

    init(_ sources: SettingSources) throws {
        let milliseconds = 10...3_600_000
        readers = try sources.wholeNumber("postgresReaders", in: 1...1_000) ?? Setting(6)
        statementMilliseconds =
            try sources.wholeNumber("postgresStatementMilliseconds", in: milliseconds)
            ?? Setting(10_000)
        lockMilliseconds =
            try sources.wholeNumber("postgresLockMilliseconds", in: milliseconds) ?? Setting(5_000)
        idleTransactionMilliseconds =
            try sources.wholeNumber("postgresIdleTransactionMilliseconds", in: milliseconds)
            ?? Setting(5_000)
        commitMilliseconds =
            try sources.wholeNumber("postgresCommitMilliseconds", in: milliseconds)
            ?? Setting(20_000)
    }
}

#if Postgres
import MeterstonePostgres

extension PostgresSettings {
    func options(url: String) -> PostgresOptions {
        var options = PostgresOptions(url: url)
        options.readersMax = readers.value
        options.statementMilliseconds = Int64(statementMilliseconds.value)
        options.lockMilliseconds = Int64(lockMilliseconds.value)
        options.idleTransactionMilliseconds = Int64(idleTransactionMilliseconds.value)
        options.commitMilliseconds = Int64(commitMilliseconds.value)
        return options
    }
}
#endif
