import HTTPTypes
import MeterstoneCore
import MeterstoneStore
import NIOCore

/// Who may call the server: whoever has the administrator's key, a key of the interface or a subject's
/// token. Where there is neither an administrator's key nor a key that may change what decides, whoever is
/// on this machine and is not a page from elsewhere.
///
/// A browser on the machine reaches a loopback address for every page that it shows. Where a page comes
/// from it tells in `Origin`, with every request that writes; and a page whose own name was made to
/// lead to this machine (DNS rebinding) is known by that name in `Host`. No browser sends another site's
/// `Authorization`, so that with a key neither matters.
package struct Guardian: Sendable {
    private let administratorKey: AdministratorKey?
    /// Whether nobody reaches the server but who is on this machine. What a request says of itself tells
    /// nothing about that: whoever sends it chooses `Host`.
    private let isOwnMachineOnly: Bool
    private let book: AccessBook
    private let tokens: SubjectTokens
    private let clock: @Sendable () -> Instant

    init(
        administratorKey: String?, host: String, book: AccessBook, tokens: SubjectTokens,
        clock: @escaping @Sendable () -> Instant
    ) {
        isOwnMachineOnly = Self.isLoopback(host)
        self.administratorKey = administratorKey.map { AdministratorKey($0) }
        self.book = book
        self.tokens = tokens
        self.clock = clock
    }

    /// Who asks; throws where they may not.
    ///
    /// - Parameter address: from where they ask, if that is known.
    func admit(
        _ head: HTTPRequest, _ rule: AccessRule, from address: SocketAddress? = nil
    ) async throws -> Caller {
        let caller = try await caller(head, from: address)
        if caller != .administrator { try caller.require(rule) }
        return caller
    }

    /// Whether somebody asks who is known, whatever they may do.
    func knows(_ head: HTTPRequest, from address: SocketAddress?) async -> Bool {
        do {
            _ = try await caller(head, from: address)
            return true
        } catch {
            return false
        }
    }

    private func caller(_ head: HTTPRequest, from address: SocketAddress?) async throws -> Caller {
        if let header = head.headerFields[.authorization] {
            if let administratorKey, administratorKey.matches(header) { return .administrator }
            if let secret = Self.bearer(header) {
                if secret.hasPrefix(APIKey.secretPrefix) {
                    return try await caller(ofKey: secret, from: address)
                }
                if secret.split(separator: ".").count == 3 {
                    return try await caller(ofToken: secret)
                }
            }
        } else if head.mayUseCookies {
            if let caller = try await caller(ofCookiesOf: head, from: address) { return caller }
        }
        guard administratorKey == nil, isOwnMachineOnly, try await !book.hasAdministrator() else {
            throw Problem.unauthorized
        }
        try requireOwnMachine(head)
        return .administrator
    }

    private func caller(ofToken token: String) async throws -> Caller {
        let (caller, madeAt) = try await tokens.caller(of: token)
        if let subject = caller.subject, let from = try await book.tokensFrom(of: subject),
            madeAt.map({ $0 < from }) ?? true
        {
            throw Problem.invalidToken("it was revoked")
        }
        return caller
    }

    /// Whether a request needs a key now.
    func asksForKey() async throws -> Bool {
        if administratorKey != nil || !isOwnMachineOnly { return true }
        return try await book.hasAdministrator()
    }

    private func caller(ofKey secret: String, from address: SocketAddress?) async throws -> Caller {
        let key = try await key(ofSecret: secret, from: address?.ipAddress)
        if let seconds = book.secondsToWait(key) { throw Problem.manyRequests(key, seconds) }
        book.noteUse(key.key.text)
        return Caller(key)
    }

    /// The key that somebody shows.
    func key(ofSecret secret: String, from address: String?) async throws -> APIKey {
        guard let key = try await book.key(ofSecret: secret) else { throw Problem.unauthorized }
        guard !key.isExpired(at: clock()) else { throw Problem.expired("key \(key.key)") }
        guard key.mayCome(from: address) else { throw Problem.foreignAddress }
        return key
    }

    /// Whoever is known by a cookie. A page about one's own subject has a token; elsewhere somebody who
    /// signed in comes first.
    private func caller(
        ofCookiesOf head: HTTPRequest, from address: SocketAddress?
    ) async throws -> Caller? {
        let token = head.cookie(SubjectTokens.cookie)
        if let token, head.isAboutOneself { return try await caller(ofToken: token) }
        if let secret = head.cookie(AdministratorSession.cookie),
            let caller = try await caller(ofSession: secret, from: address)
        {
            return caller
        }
        guard let token else { return nil }
        return try await caller(ofToken: token)
    }

    private func caller(
        ofSession secret: String, from address: SocketAddress?
    ) async throws -> Caller? {
        guard let (session, who) = try await book.session(ofSecret: secret) else { return nil }
        var caller: Caller
        switch who {
        case .administrator(let administrator): caller = Caller(administrator, session)
        case .key(let key):
            guard key.mayCome(from: address?.ipAddress) else { throw Problem.foreignAddress }
            caller = Caller(key)
        case .environment(let id):
            guard let administratorKey, administratorKey.id == id else { return nil }
            caller = .administrator
        }
        caller.session = session.id
        book.noteUse(session.id.text)
        return caller
    }

    /// The key of the environment, if a text is it.
    func environmentKey(_ text: String) -> APIKeyID? {
        guard let administratorKey, administratorKey.matches("Bearer " + text) else { return nil }
        return administratorKey.id
    }

    private static func bearer(_ header: String) -> String? {
        let scheme = "bearer "
        guard header.utf8.count > scheme.utf8.count,
            header.prefix(scheme.count).lowercased() == scheme
        else { return nil }
        return String(header.dropFirst(scheme.count))
    }

    /// Programs that send neither are no browsers.
    private func requireOwnMachine(_ head: HTTPRequest) throws {
        let authority = head.authority
        if let authority, !Self.isLoopback(authority) { throw Problem.foreignHost }
        guard let origin = head.headerFields[.origin] else { return }
        guard let authority, origin.lowercased() == "http://" + authority.lowercased() else {
            throw Problem.foreignOrigin
        }
    }

    /// Whether an address or a value of `Host` names this machine, as `localhost:8080` and `[::1]` do.
    package static func isLoopback(_ authority: String) -> Bool {
        if authority == "::1" { return true }
        if authority.hasPrefix("[") { return authority.prefix { $0 != "]" } == "[::1" }
        let host = authority.prefix { $0 != ":" }.lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension HTTPRequest {
    /// A cookie a browser sends by itself: it counts only for reading, or where the request comes from a
    /// page of the same place, so that no other site's page can use it.
    fileprivate var mayUseCookies: Bool {
        guard headerFields[.cookie] != nil else { return false }
        return method == .get || method == .head || isOfOwnPage
    }

    /// Whether a page of this server's own place sends it, as browsers say with whatever writes.
    var isOfOwnPage: Bool {
        guard let origin = headerFields[.origin], let authority else { return false }
        return origin.lowercased() == "https://" + authority.lowercased()
            || origin.lowercased() == "http://" + authority.lowercased()
    }

    func cookie(_ name: String) -> String? {
        guard let cookies = headerFields[.cookie] else { return nil }
        for cookie in cookies.split(separator: ";") {
            let pair = cookie.drop { $0 == " " }
            if pair.hasPrefix(name + "=") { return String(pair.dropFirst(name.count + 1)) }
        }
        return nil
    }

    /// Whether it asks about the caller's own subject.
    fileprivate var isAboutOneself: Bool {
        guard let path = path?.prefix(while: { $0 != "?" }) else { return false }
        return path == "/v1/me" || path.hasPrefix("/v1/me/") || path.hasPrefix("/api/")
    }
}

extension Problem {
    private static let challenge: HTTPFields = [.wwwAuthenticate: "Bearer realm=\"meterstone\""]

    static func expired(_ what: String) -> Problem {
        Problem(
            status: .unauthorized, code: "expired", detail: "the \(what) has expired",
            headers: challenge)
    }

    static func invalidToken(_ why: String) -> Problem {
        Problem(
            status: .unauthorized, code: "invalid_token",
            detail: "the token is not accepted: \(why)",
            headers: challenge)
    }

    fileprivate static func manyRequests(_ key: APIKey, _ seconds: Int64) -> Problem {
        Problem(
            status: .tooManyRequests, code: "too_many_requests",
            detail: "the key \(key.key) may ask \(key.requestsPerMinute ?? 0) times a minute",
            headers: [.retryAfter: String(seconds)])
    }

    fileprivate static let foreignAddress = Problem(
        status: .forbidden, code: "foreign_address",
        detail: "the key may not be used from this address")

    fileprivate static let foreignHost = Problem(
        status: .forbidden, code: "foreign_host",
        detail:
            "without an administrator's key the server answers to localhost, 127.0.0.1 and [::1]",
        field: "Host")

    fileprivate static let foreignOrigin = Problem(
        status: .forbidden, code: "foreign_origin",
        detail: "without an administrator's key the server takes no requests of other pages",
        field: "Origin")
}
