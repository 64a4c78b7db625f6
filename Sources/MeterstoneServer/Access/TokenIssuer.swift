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

    private struct State {
        var keys: JWTKeyCollection?
        var kids: Set<String> = []
        var readAt: Instant?
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
        if !known.kids.contains(kid), mayRead(known.readAt) { known = try await read() }
        guard let keys = known.keys, known.kids.contains(kid) else {
            throw Problem.invalidToken("its issuer has no key '\(kid)'")
        }
        let key = try await keys.getKey(for: JWKIdentifier(string: kid), alg: algorithm)
        guard key.name == algorithm else {
            throw Problem.invalidToken("its key is not for \(algorithm)")
        }
        return try await keys.verify(token, as: SubjectTokens.Claims.self)
    }

    private func mayRead(_ readAt: Instant?) -> Bool {
        guard let readAt else { return true }
        return clock() >= readAt.advanced(byMilliseconds: Self.refetchMilliseconds)
    }

    private func read() async throws -> State {
        let now = clock()
        // Others that come meanwhile take what is known.
        state.withLock { $0.readAt = now }
        let json: String
        do {
            json = try await issuer.keys()
        } catch {
            throw Problem(
                status: .serviceUnavailable, code: "issuer_unavailable",
                detail: "the keys of the token's issuer cannot be read",
                headers: [.retryAfter: "60"])
        }
        let keys = JWTKeyCollection()
        try await keys.add(jwksJSON: json)
        let parsed = try DefaultJWTParser().jsonDecoder.decode(JWKS.self, from: .init(json.utf8))
        let kids = Set(parsed.keys.compactMap { $0.keyIdentifier?.string })
        return state.withLock { state in
            state.keys = keys
            state.kids = kids
            return state
        }
    }
}
