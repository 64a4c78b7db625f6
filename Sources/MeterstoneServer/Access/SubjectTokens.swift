import Crypto
import JWTKit
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Tokens of subjects: JSON Web Tokens (RFC 7519) with which a browser or an app shows its own user what
/// they used.
///
/// Ours are signed with HS256 and name us as their issuer. Those of the application's own issuer are
/// accepted where one is set, by its keys alone: which algorithm a token claims never chooses the key.
final class SubjectTokens: Sendable {
    /// Under this name a browser may keep a token.
    static let cookie = "meterstone_token"
    static let secondsMax: Int64 = 86_400
    static let secondsStandard: Int64 = 3_600
    private static let ownIssuer = "meterstone"
    /// Tokens that were looked at are known for a while, so that the next request costs nothing more.
    private static let knownMax = 4_096

    private let secret: SymmetricKey
    private let issuer: TokenIssuer?
    private let clock: @Sendable () -> Instant
    private let keys = Mutex<JWTKeyCollection?>(nil)
    private let known = Mutex<[String: KnownToken]>([:])
    private let issuerKeys: IssuerKeys?

    private struct KnownToken {
        let caller: Caller
        let from: Instant
        let madeAt: Instant?

        var until: Instant { caller.until ?? .earliest }
    }

    /// - Parameter secret: `nil`: one of chance, so that tokens do not outlive this process.
    init(secret: String?, issuer: TokenIssuer?, clock: @escaping @Sendable () -> Instant) {
        self.secret =
            secret.map {
                HKDF<Crypto.SHA256>.deriveKey(
                    inputKeyMaterial: SymmetricKey(data: Array($0.utf8)),
                    info: Array("meterstone subject tokens".utf8), outputByteCount: 32)
            } ?? SymmetricKey(size: .bits256)
        self.issuer = issuer
        issuerKeys = issuer.map { IssuerKeys($0, clock: clock) }
        self.clock = clock
    }

    /// Makes a token for a subject.
    ///
    /// - Parameter end: it ends no later.
    func make(
        for subject: SubjectID, scopes: [AccessScope], seconds: Int64, before end: Instant?
    ) async throws -> MadeToken {
        // A token says whole seconds.
        let second = clock().millisecondsSince1970 / 1_000
        let now = Instant(millisecondsSince1970: second * 1_000)
        let asked = now.advanced(byMilliseconds: seconds * 1_000)
        let until = end.map { min($0.flooredToSecond, asked) } ?? asked
        let claims = Claims(
            iss: IssuerClaim(value: Self.ownIssuer), sub: SubjectClaim(value: subject.text),
            aud: nil, nbf: nil, exp: ExpirationClaim(value: until.date),
            iat: IssuedAtClaim(value: now.date),
            scope: scopes.map(\.rawValue).joined(separator: " "))
        let token = try await ownKeys().sign(claims)
        return MadeToken(token: token, expiresAt: until)
    }

    /// Who a token speaks for, and when it was made, if it says so.
    func caller(of token: String) async throws -> (caller: Caller, madeAt: Instant?) {
        let now = clock()
        let seen = known.withLock { $0[token] } ?? nil
        let known: KnownToken
        if let seen { known = seen } else { known = try await read(token) }
        guard now >= known.from else { throw Problem.invalidToken("it is not valid yet") }
        guard now < known.until else { throw Problem.expired("token") }
        return (known.caller, known.madeAt)
    }

    private func read(_ token: String) async throws -> KnownToken {
        guard token.utf8.count <= RequestLimits.tokenBytesMax else {
            throw Problem.invalidToken("it is too long")
        }
        let claims: Claims
        do {
            claims = try await verified(token)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem.invalidToken("its signature or its form is wrong")
        }
        guard let subject = SubjectID(claims.sub.value) else {
            throw Problem.invalidToken("'sub' is no subject")
        }
        var scopes: Set<AccessScope> = [.read]
        if let named = claims.scope {
            scopes = Set(
                named.split(separator: " ").compactMap { AccessScope(rawValue: String($0)) })
            // What everybody depends on no subject changes.
            scopes.remove(.admin)
        }
        var caller = Caller(name: "subject \(subject)", scopes: scopes, subject: subject)
        caller.until = Instant(claims.exp.value)
        let found = KnownToken(
            caller: caller, from: claims.nbf.map { Instant($0.value) } ?? .earliest,
            madeAt: claims.iat.map { Instant($0.value) })
        known.withLock { known in
            if known.count >= Self.knownMax { known.removeAll() }
            known[token] = found
        }
        return found
    }

    private func verified(_ token: String) async throws -> Claims {
        let unverified: (header: JWTHeader, payload: Claims, signature: Data) =
            try DefaultJWTParser().parse(Array(token.utf8), as: Claims.self)
        let algorithm = unverified.header.alg
        if unverified.payload.iss?.value == Self.ownIssuer {
            guard algorithm == "HS256" else { throw Problem.invalidToken("expected HS256") }
            return try await ownKeys().verify(token, as: Claims.self)
        }
        guard let issuer, let issuerKeys, unverified.payload.iss?.value == issuer.name else {
            throw Problem.invalidToken("its issuer is not ours")
        }
        guard let algorithm, TokenIssuer.algorithms.contains(algorithm) else {
            throw Problem.invalidToken("expected \(TokenIssuer.algorithms.joined(separator: ", "))")
        }
        let claims = try await issuerKeys.verified(token, kid: unverified.header.kid, algorithm)
        guard claims.aud?.value.contains(issuer.audience) ?? false else {
            throw Problem.invalidToken("'aud' is not '\(issuer.audience)'")
        }
        return claims
    }

    private func ownKeys() async -> JWTKeyCollection {
        if let keys = keys.withLock({ $0 }) { return keys }
        let made = JWTKeyCollection()
        await made.add(hmac: HMACKey(key: secret), digestAlgorithm: .sha256)
        keys.withLock { $0 = made }
        return made
    }

    /// What a token says.
    struct Claims: JWTPayload {
        var iss: IssuerClaim?
        var sub: SubjectClaim
        var aud: AudienceClaim?
        var nbf: NotBeforeClaim?
        var exp: ExpirationClaim
        var iat: IssuedAtClaim?
        /// Scopes, with spaces between (RFC 8693, 4.2).
        var scope: String?

        /// Times are looked at with each request, by the clock that the server has.
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }
}

extension Instant {
    fileprivate var date: Date {
        Date(timeIntervalSince1970: Double(millisecondsSince1970) / 1_000)
    }

    fileprivate init(_ date: Date) {
        let milliseconds = (date.timeIntervalSince1970 * 1_000).rounded(.down)
        let bound = Double(Instant.latest.millisecondsSince1970)
        self.init(millisecondsSince1970: Int64(min(max(milliseconds, 0), bound)))
    }
}
