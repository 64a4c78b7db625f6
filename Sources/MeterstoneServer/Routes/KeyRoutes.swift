import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// Keys of the interface: made, shown, rotated and revoked.
struct KeyRoutes: Sendable {
    let engine: MeterstoneEngine
    let book: AccessBook
    let clock: @Sendable () -> Instant

    private static let path = "/v1/keys/:key"
    private static let settings = [
        "name", "scopes", "subject", "addresses", "expiresAt", "requestsPerMinute",
    ]
    /// How long a key that is rotated is accepted beside the new one, where nobody says: a day.
    static let overlapSecondsStandard: Int64 = 86_400
    static let overlapSecondsMax: Int64 = 2_592_000

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/keys") { _, _ in
            let uses = try await book.lastUses()
            let keys = try await engine.keys().map {
                ShownKey(key: $0, lastUsedAt: uses[$0.key.text])
            }
            return Response(keys, Shapes.keys)
        }
        routes.on(.post, "/v1/keys") { request, _ in
            let body = try AdministrativeBody(try await request.json(), fields: Self.settings)
            return try await make(request) { digest, key, now in
                try body.decode(
                    APIKey.self,
                    adding: [
                        ("key", key.text), ("digest", digest), ("createdAt", now.rfc3339),
                    ])
            }
        }
        routes.on(.get, Self.path) { request, context in
            let key = try await existing(context)
            var writer = JSONWriter()
            writer.object(
                ShownKey(key: key, lastUsedAt: try await book.lastUses()[key.key.text]),
                Shapes.key)
            return try request.answer(key, writer.bytes)
        }
        routes.on(.put, Self.path) { request, context in try await put(request, context) }
        routes.on(.delete, Self.path) { request, context in
            let id: APIKeyID = try context.parameter("key")
            defer { book.forget() }
            return try await engine.delete(.deleteKey(id), request, missing: Self.missing(id))
        }
        routes.on(.post, Self.path + "/rotate") { request, context in
            try await rotate(request, context)
        }
    }

    private static func missing(_ id: APIKeyID) -> Problem {
        .missing("unknown_key", "key \(id)")
    }

    private func existing(_ context: ServerContext) async throws -> APIKey {
        let id: APIKeyID = try context.parameter("key")
        guard let key = try await engine.keys().first(where: { $0.key == id }) else {
            throw Self.missing(id)
        }
        return key
    }

    /// Writes a key whose secret somebody else made, and of which only the digest is told.
    private func put(_ request: Request, _ context: ServerContext) async throws -> Response {
        let id: APIKeyID = try context.parameter("key")
        let json = try await request.json()
        let body = try AdministrativeBody(
            json, fields: Self.settings + ["key", "digest", "createdAt", "lastUsedAt"])
        try body.require("key", toBe: id.text)
        let before = try await engine.keys().first { $0.key == id }
        let key = try body.decode(
            APIKey.self,
            adding: [
                ("key", id.text), ("createdAt", (before?.createdAt ?? clock()).rfc3339),
            ])
        defer { book.forget() }
        return try await engine.put(.putKey(key), request, told: json)
    }

    private struct RotateBody: Decodable {
        let overlapSeconds: Int64?
        let key: APIKeyID?
        let digest: String?
    }

    /// Another secret with the same rights; the old one is accepted for a while. Both are one change.
    private func rotate(_ request: Request, _ context: ServerContext) async throws -> Response {
        let old = try await existing(context)
        let json = try await request.json()
        let body = try AdministrativeBody(
            json.isEmpty ? Array("{}".utf8) : json, fields: ["overlapSeconds", "key", "digest"])
        let told = try body.decode(RotateBody.self)
        let overlap = told.overlapSeconds ?? Self.overlapSecondsStandard
        guard (0...Self.overlapSecondsMax).contains(overlap) else {
            throw Rejection.invalid(
                "overlapSeconds", "a whole number from 0 to \(Self.overlapSecondsMax)")
        }
        guard !old.isExpired(at: clock()) else { throw Problem.keyExpired(old.key) }
        let now = clock()
        var new = old
        new.createdAt = now
        var random = SystemRandomNumberGenerator()
        let secret = told.key == nil ? APIKey.secret(using: &random) : nil
        if let secret {
            new.key = secret.key
            new.digest = SHA256.hash(Array(secret.text.utf8)).description
        } else {
            new.key = told.key ?? new.key
            guard let digest = told.digest else {
                throw Rejection.missing("digest", "the SHA-256 of the secret")
            }
            new.digest = digest
        }
        let end = overlap == 0 ? nil : now.advanced(byMilliseconds: overlap * 1_000)
        let receipt = try await engine.change(
            ChangeRequest(
                change: .rotateKey(old.key, to: new, endsAt: end),
                author: try request.headers.author(), address: Caller.address))
        book.forget()
        switch receipt.outcome {
        case .rejected(let rejection): throw rejection
        case .missing: throw Self.missing(old.key)
        default: break
        }
        let headers: HTTPFields = [.cacheControl: "no-store", .outcome: "replaced"]
        guard let secret else {
            return Response(
                ShownKey(key: new, lastUsedAt: nil), Shapes.key, status: .created, headers: headers)
        }
        return Response(
            MadeKey(key: new, secret: secret.text), Shapes.madeKey, status: .created,
            headers: headers)
    }

    private func make(
        _ request: Request,
        _ key: (_ digest: String, _ key: APIKeyID, _ now: Instant) throws -> APIKey
    ) async throws -> Response {
        var random = SystemRandomNumberGenerator()
        let secret = APIKey.secret(using: &random)
        let digest = SHA256.hash(Array(secret.text.utf8)).description
        let made = try key(digest, secret.key, clock())
        let receipt = try await engine.change(
            ChangeRequest(
                change: .putKey(made), author: try request.headers.author(),
                address: Caller.address))
        if case .rejected(let rejection) = receipt.outcome { throw rejection }
        book.forget()
        return Response(
            MadeKey(key: made, secret: secret.text), Shapes.madeKey, status: .created,
            headers: [.cacheControl: "no-store"])
    }
}

extension Problem {
    fileprivate static func keyExpired(_ key: APIKeyID) -> Problem {
        Problem(
            status: .conflict, code: "key_expired",
            detail: "\(key) is no longer accepted; make another")
    }
}
