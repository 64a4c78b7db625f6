/// Asks whether the server answers, on a connection of its own, so that nobody who works holds it up.
struct Probe {
    /// How long an answer may take.
    private static let milliseconds: Int64 = 1_000

    // Used by whoever holds the lock around the probe, and by nobody else.
    private nonisolated(unsafe) var connection: Connection?

    mutating func ask(_ options: PostgresOptions) throws(PostgresFailure) {
        let deadline = Deadline(milliseconds: Self.milliseconds)
        if let known = unsafe connection, known.isOpen {
            known.limit = deadline
            // A restart of the server ends the connection, and is over.
            do throws(PostgresFailure) { return _ = try known.run(Query("SELECT 1")) } catch {
                close()
                if deadline.isOver { throw error }
            }
        }
        let new = try Session.reading.connect(options, until: deadline)
        unsafe connection = new
    }

    mutating func close() {
        unsafe connection?.close()
        unsafe connection = nil
    }
}
