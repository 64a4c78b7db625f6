import HTTPTypes
import JWTKit
import MeterstoneCore
import Synchronization

/// Who signs tokens in the application's name, and where its keys are.
public struct TokenIssuer: Sendable {
    /// What `iss` says.
    public var name: String
    /// What `aud` has to name.
    public var audience: String
    /// Reads its keys, a JSON Web Key Set (RFC 7517).
    public var keys: @Sendable () async throws -> String

    public init(
        name: String, audience: String, keys: @escaping @Sendable () async throws -> String
    ) {
        self.name = name
        self.audience = audience
        self.keys = keys
    }

    /// Only algorithms with two keys: whoever can check a token cannot make one.
    static let algorithms = ["ES256", "ES384", "EdDSA", "RS256"]
}

/// The keys of an issuer, read when they are needed and again when a token names one that is not known.
final class IssuerKeys: Sendable {
    /// Tokens that name keys nobody has cannot make us ask more often.
    static let refetchMilliseconds: Int64 = 60_000
    /// After a reading that failed.
    static let retryMilliseconds: Int64 = 5_000

    private struct State {
        var keys: JWTKeyCollection?
        var kids: Set<String> = []
        var readAt: Instant?
        /// Whether the last reading failed, or none has come to its end.
        var isUnsure = true
    }

    private let issuer: TokenIssuer
    private let clock: @Sendable () -> Instant
    private let state = Mutex(State())

    init(_ issuer: TokenIssuer, clock: @escaping @Sendable () -> Instant) {
        self.issuer = issuer
        self.clock = clock
    }

    func verified(
        _ token: String, kid: String?, _ algorithm: String
    ) async throws -> SubjectTokens.Claims {
        guard let kid else { throw Problem.invalidToken("its header has no 'kid'") }
        var known = state.withLock { $0 }
        if !known.kids.contains(kid), mayRead(known) { known = try await read() }
        guard let keys = known.keys, known.kids.contains(kid) else {
            // Nobody knows whether the key is the issuer's.
            if known.isUnsure { throw Problem.issuerUnavailable }
            throw Problem.invalidToken("its issuer has no key '\(kid)'")
        }
        let key = try await keys.getKey(for: JWKIdentifier(string: kid), alg: algorithm)
        guard key.name == algorithm else {
            throw Problem.invalidToken("its key is not for \(algorithm)")
        }
        return try await keys.verify(token, as: SubjectTokens.Claims.self)
    }

    private func mayRead(_ known: State) -> Bool {
        guard let readAt = known.readAt else { return true }
        let pause = known.isUnsure ? Self.retryMilliseconds : Self.refetchMilliseconds
        return clock() >= readAt.advanced(byMilliseconds: pause)
    }

    private func read() async throws -> State {
        let now = clock()
        // Others that come meanwhile take what is known.
        state.withLock {
            $0.readAt = now
            $0.isUnsure = true
        }
        let keys = JWTKeyCollection()
        let kids: Set<String>
        do {
            let json = try await issuer.keys()
            try await keys.add(jwksJSON: json)
            let parsed = try DefaultJWTParser().jsonDecoder.decode(
                JWKS.self, from: .init(json.utf8))
            kids = Set(parsed.keys.compactMap { $0.keyIdentifier?.string })
        } catch {
            throw Problem.issuerUnavailable
        }
        return state.withLock { state in
            state.keys = keys
            state.kids = kids
            state.isUnsure = false
            return state
        }
    }
}

extension Problem {
    static let issuerUnavailable = Problem(
        status: .serviceUnavailable, code: "issuer_unavailable",
        detail: "the keys of the token's issuer cannot be read", headers: [.retryAfter: "5"])
}
