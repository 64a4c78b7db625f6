import Meterstone
import MeterstoneCore
import MeterstoneStore
import Synchronization

/// The keys that are accepted, as this node knows them.
///
/// What this node changes it knows at once. What others changed it knows half a second later at most: the
/// first request with a key that comes then reads them anew.
final class AccessBook: Sendable {
    private struct Page {
        var keys: [String: APIKey] = [:]
        /// Whether any of them may change what decides, or might. One that has expired does not bring the
        /// time back in which nobody was asked for a key.
        var hasAdministrator = false
        var readAt: Instant?
        /// Rises with every change that is made here: what was read before it is not fresh.
        var changes = 0
    }

    /// After so long a page is read anew.
    static let freshMilliseconds: Int64 = 500

    private let engine: MeterstoneEngine
    private let clock: @Sendable () -> Instant
    private let page = Mutex(Page())

    init(_ engine: MeterstoneEngine, clock: @escaping @Sendable () -> Instant) {
        self.engine = engine
        self.clock = clock
    }

    /// The key with this secret, whatever became of it; `nil`: there is none.
    func key(ofSecret secret: String) async throws(StoreError) -> APIKey? {
        try await refresh()
        let digest = SHA256.hash(Array(secret.utf8)).description
        return page.withLock { $0.keys[digest] }
    }

    /// Whether there is a key that may change what decides.
    func hasAdministrator() async throws(StoreError) -> Bool {
        try await refresh()
        return page.withLock(\.hasAdministrator)
    }

    /// Lets the next request read what was changed.
    func forget() {
        page.withLock { page in
            page.readAt = nil
            page.changes += 1
        }
    }

    /// A database that cannot be reached leaves what is known as it is.
    private func refresh() async throws(StoreError) {
        let now = clock()
        let (isFresh, changes) = page.withLock { page in
            (
                page.readAt.map {
                    abs(now.millisecondsSince1970 - $0.millisecondsSince1970)
                        < Self.freshMilliseconds
                }, page.changes
            )
        }
        if isFresh ?? false { return }
        let keys: [APIKey]
        do throws(StoreError) {
            keys = try await engine.keys()
        } catch {
            // Of a store that is closed nobody reads or changes anything, and its metrics are asked for.
            if isFresh == nil, error.code != .closed { throw error }
            return
        }
        page.withLock { page in
            // Whoever changed something since reads for himself.
            guard page.changes == changes else { return }
            page.keys = Dictionary(
                keys.map { ($0.digest, $0) }, uniquingKeysWith: { one, _ in one })
            page.hasAdministrator = keys.contains { $0.scopes.contains(.admin) }
            page.readAt = now
        }
    }
}
