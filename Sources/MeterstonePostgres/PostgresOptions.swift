/// Where the database is, and how long the store waits for it. Every bound has its default here.
public struct PostgresOptions: Sendable {
    /// `postgres://user@host/database?sslmode=verify-full`, as libpq understands it. What it does not
    /// say comes from the environment (`PGPASSWORD`, `PGSSLROOTCERT`, …) and the password file.
    public var url: String
    /// Connections beside the committer's: so many reads run at once.
    public var readersMax = 6
    /// How long a read waits for a connection while all are in use.
    public var readerWaitMilliseconds: Int64 = 5_000
    /// How long connecting may take; counted in whole seconds, and at least two.
    public var connectMilliseconds: Int64 = 5_000
    /// How long one statement may take. Migrations, `verify`, `rebuild` and `copy` are exempt.
    public var statementMilliseconds: Int64 = 10_000
    /// How long a statement waits for a lock that another node holds.
    public var lockMilliseconds: Int64 = 5_000
    /// How long a node may be silent within a transaction, before the server ends its session and lets
    /// go of its locks. It bounds how long a node that hangs holds up the others.
    public var idleTransactionMilliseconds: Int64 = 5_000
    /// The same for a commit that counts everything of a subject anew: one that gives it
    /// another start of its subscription, or another time zone where much was recorded ahead of its time.
    public var historyMilliseconds: Int64 = 600_000
    /// How long anybody waits while the database cannot be reached: a commit, with the time that it
    /// waited for others, and a read, until the first answer.
    public var commitMilliseconds: Int64 = 20_000
    /// How old a copy of plans, limits and meters may be that is shown, when the server's notices of
    /// changes do not arrive. Decisions never use an old one.
    public var catalogMilliseconds: Int64 = 1_000

    /// - Parameter patience: how many times as long everything is waited for as the defaults say, on a
    ///   machine that has more to do than it can: a bulk load beside others, or tests.
    public init(url: String, patience: Int64 = 1) {
        self.url = url
        readerWaitMilliseconds *= patience
        connectMilliseconds *= patience
        statementMilliseconds *= patience
        lockMilliseconds *= patience
        idleTransactionMilliseconds *= patience
        historyMilliseconds *= patience
        commitMilliseconds *= patience
    }

    /// How many servers the URL names, each of which libpq tries for as long as it is told.
    var hostCount: Int64 {
        let authority = url.split(separator: "/").dropFirst().first ?? ""
        return Int64(authority.split(separator: "@").last?.split(separator: ",").count ?? 1)
    }
}
