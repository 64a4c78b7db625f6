import Meterstone
import MeterstoneCore
import MeterstoneStore
import Synchronization

/// The keys, administrators and sessions that are accepted, as this node knows them.
///
/// What this node changes it knows at once. What others changed it knows half a second later at most: the
/// first request with a key that comes then reads them anew.
final class AccessBook: Sendable {
    private struct Page {
        var keys: [String: APIKey] = [:]
        var administrators: [EmailAddress: Administrator] = [:]
        /// By the digest of the secret.
        var sessions: [String: AdministratorSession] = [:]
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
    /// When keys and sessions were used here, and what of that the store was not told.
    private let uses = Mutex((seen: AccessUses(), isNew: false))

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

    /// The session with this secret, and who signed in; `nil`: nobody who counts now.
    func session(
        ofSecret secret: String
    ) async throws(StoreError) -> (session: AdministratorSession, who: SignedIn)? {
        try await refresh()
        let digest = SHA256.hash(Array(secret.utf8)).description
        let now = clock()
        return page.withLock { page in
            guard let session = page.sessions[digest], now < session.expiresAt else { return nil }
            if let email = session.administrator {
                guard let administrator = page.administrators[email], administrator.active,
                    session.startedAt >= administrator.sessionsFrom ?? administrator.createdAt
                else { return nil }
                return (session, .administrator(administrator))
            }
            guard let id = session.key else { return nil }
            guard let key = page.keys.values.first(where: { $0.key == id }) else {
                return (session, .environment(id))
            }
            return key.isExpired(at: now) ? nil : (session, .key(key))
        }
    }

    enum SignedIn {
        case administrator(Administrator)
        case key(APIKey)
        /// With a key that stands nowhere in the store.
        case environment(APIKeyID)
    }

    // MARK: How often, and since when

    private struct Minute {
        var number: Int64
        var count: Int64
    }

    /// Requests of keys that have a bound, in this minute.
    private let minutes = Mutex<[APIKeyID: Minute]>([:])

    /// How many seconds a key has to wait; `nil`: it may ask, and this is counted.
    func secondsToWait(_ key: APIKey) -> Int64? {
        guard let most = key.requestsPerMinute else { return nil }
        let now = clock().millisecondsSince1970
        let number = now / 60_000
        return minutes.withLock { minutes in
            if minutes.count > 4_096 { minutes = minutes.filter { $0.value.number == number } }
            guard let minute = minutes[key.key], minute.number == number else {
                minutes[key.key] = Minute(number: number, count: 1)
                return nil
            }
            guard minute.count >= most else {
                minutes[key.key]?.count += 1
                return nil
            }
            return ((number + 1) * 60_000 - now + 999) / 1_000
        }
    }

    private struct Since {
        var from: Instant?
        var readAt: Instant
    }

    private let tokensFrom = Mutex<[SubjectID: Since]>([:])

    /// Since when tokens of a subject count; `nil`: all do. Known half a second after it was said.
    func tokensFrom(of subject: SubjectID) async throws(StoreError) -> Instant? {
        let now = clock()
        let known = tokensFrom.withLock { $0[subject] }
        if let known,
            abs(now.millisecondsSince1970 - known.readAt.millisecondsSince1970)
                < Self.freshMilliseconds
        {
            return known.from
        }
        let from: Instant?
        if let known = try await engine.subject(subject) {
            from = known.account?.tokensFrom
        } else {
            from = try await engine.erasedAt(subject)
        }
        tokensFrom.withLock { known in
            if known.count >= 4_096 { known.removeAll() }
            known[subject] = Since(from: from, readAt: now)
        }
        return from
    }

    // MARK: When they were used

    func noteUse(_ id: String) {
        let now = clock()
        uses.withLock { uses in
            if let last = uses.seen.lastUsedAt[id], now.isWithinSecond(of: last) { return }
            uses.seen.lastUsedAt[id] = now
            uses.isNew = true
        }
    }

    /// What was used when, by whatever node: of this one exactly, of others as of their last word.
    func lastUses() async throws(StoreError) -> [String: Instant] {
        let stored = try await engine.access().uses ?? AccessUses()
        return uses.withLock { $0.seen.merged(with: stored).lastUsedAt }
    }

    /// Tells the store, if there is something to tell. Called now and then, and when the server stops: a
    /// change for each request would be dearer than the request.
    func tellUses() async {
        let seen: AccessUses? = uses.withLock { uses in
            guard uses.isNew else { return nil }
            uses.isNew = false
            return uses.seen
        }
        guard let seen else { return }
        do throws(StoreError) {
            _ = try await engine.change(
                ChangeRequest(change: .noteUses(seen), author: "server"))
        } catch {
            // The next time tells it, too.
            uses.withLock { $0.isNew = true }
        }
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
        tokensFrom.withLock { $0.removeAll() }
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
        let known:
            (
                keys: [APIKey], administrators: [Administrator],
                sessions: [AdministratorSession], uses: AccessUses?
            )
        do throws(StoreError) {
            known = try await engine.access()
        } catch {
            // Of a store that is closed nobody reads or changes anything, and its metrics are asked for.
            if isFresh == nil, error.code != .closed { throw error }
            return
        }
        page.withLock { page in
            // Whoever changed something since reads for himself.
            guard page.changes == changes else { return }
            page.keys = Dictionary(
                known.keys.map { ($0.digest, $0) }, uniquingKeysWith: { one, _ in one })
            page.administrators = Dictionary(
                known.administrators.map { ($0.email, $0) }, uniquingKeysWith: { one, _ in one })
            page.sessions = Dictionary(
                known.sessions.map { ($0.digest, $0) }, uniquingKeysWith: { one, _ in one })
            page.hasAdministrator =
                known.keys.contains { $0.scopes.contains(.admin) }
                || known.administrators.contains { $0.password != nil && $0.role > .viewer }
            page.readAt = now
        }
    }
}

extension Instant {
    fileprivate func isWithinSecond(of other: Instant) -> Bool {
        abs(millisecondsSince1970 - other.millisecondsSince1970) < 1_000
    }
}
