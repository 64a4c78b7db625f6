public import MeterstoneCore

/// Where backups are, and who makes them.
public protocol Backups: Sendable {
    /// Makes one beside what goes on, and verifies it.
    func make() async throws -> Backup
    /// All that there are, newest first.
    func all() async throws -> [Backup]
}

/// A whole copy of the store.
public struct Backup: Hashable, Sendable {
    /// Of its folder: `2026-11-29T21-00-00.000Z`.
    public var name: String
    public var madeAt: Instant
    public var bytes: Int64

    public init(name: String, madeAt: Instant, bytes: Int64) {
        self.name = name
        self.madeAt = madeAt
        self.bytes = bytes
    }
}
