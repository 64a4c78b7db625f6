/// What one node does for all of them. Whoever does it holds a lock of the database on a session of its own;
/// where the node or its connection goes away, another one gets it.
struct Duty {
    // Used by whoever holds the lock around the duty, and by nobody else.
    private nonisolated(unsafe) var connection: Connection?
    private var isHeld = false

    /// Whether this node does it, or can begin to.
    mutating func hold(_ options: PostgresOptions) throws(PostgresFailure) -> Bool {
        do throws(PostgresFailure) {
            let connection = try connected(options)
            if isHeld {
                _ = try connection.run(Query("SELECT 1"))
            } else {
                let key = try connection.lockKey(of: "duties")
                let rows = try connection.run(
                    Query("SELECT pg_try_advisory_lock($1::bigint)::int").binding(key))
                isHeld = rows.int(0, 0) != 0
            }
            return isHeld
        } catch {
            close()
            throw error
        }
    }

    private mutating func connected(
        _ options: PostgresOptions
    ) throws(PostgresFailure) -> Connection {
        if let connection = unsafe connection, connection.isOpen { return connection }
        isHeld = false
        let new = try Session.merging.connect(options)
        unsafe connection = new
        return new
    }

    mutating func close() {
        unsafe connection?.close()
        unsafe connection = nil
        isHeld = false
    }
}
