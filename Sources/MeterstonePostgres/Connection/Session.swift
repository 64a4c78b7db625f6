import MeterstoneStore

/// What a connection is for, which decides how the server treats it.
package enum Session {
    /// The committer's. Its statements look rows up by key, whatever the server believes of the tables'
    /// sizes: each is planned once, with index look-ups and nothing else.
    case committing
    /// A read's.
    case reading
    /// That of whoever merges columns.
    case merging
    /// As long as it takes: migrations, `verify`, `rebuild`, `copy`.
    case maintaining

    /// The oldest server that the statements are written for.
    static let serverVersionMin = 140_000

    func connect(
        _ options: PostgresOptions, until deadline: Deadline = .never
    ) throws(PostgresFailure) -> Connection {
        let connection = try Connection(
            options, settings: settings(options),
            milliseconds: self == .maintaining ? nil : options.statementMilliseconds + 5_000,
            until: deadline)
        guard connection.serverVersion >= Self.serverVersionMin else {
            connection.close()
            throw PostgresFailure(
                sqlState: "0A000",
                "expected PostgreSQL 14 or later, not \(connection.serverVersion)")
        }
        return connection
    }

    /// A connection for as long as somebody works, whatever that takes.
    package static func ofMirror(_ options: PostgresOptions) throws(PostgresFailure) -> Connection {
        try Session.maintaining.connect(options)
    }

    private func settings(_ options: PostgresOptions) -> [String: String] {
        var settings = [
            "jit": "off",
            "lock_timeout": String(options.lockMilliseconds),
            "statement_timeout": String(options.statementMilliseconds),
            "idle_in_transaction_session_timeout": String(options.idleTransactionMilliseconds),
            // None of these runs while a round trip has arrived in part. That the node's machine is
            // gone must be noticed then, too, and the system's own default is hours.
            "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
            "tcp_user_timeout": "15000",
        ]
        switch self {
        case .committing:
            settings["plan_cache_mode"] = "force_generic_plan"
            for method in ["seqscan", "hashjoin", "mergejoin"] {
                settings["enable_\(method)"] = "off"
            }
        case .merging: break
        case .reading: settings["default_transaction_read_only"] = "on"
        case .maintaining:
            settings["statement_timeout"] = "0"
            settings["lock_timeout"] = "0"
            settings["idle_in_transaction_session_timeout"] = "0"
        }
        return settings
    }

    /// An answer leaves when the commit is on disk, whatever the server's default is.
    static let keepDurable = """
        SELECT set_config(
            'synchronous_commit', CASE current_setting('synchronous_commit')
            WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)
        """
}
