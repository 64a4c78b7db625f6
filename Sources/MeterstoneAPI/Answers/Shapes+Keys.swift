package import MeterstoneCore

extension Shapes {
    /// Keys are shown as they are stored, so that what was read can be written elsewhere.
    package static let key = Shape<ShownKey>(
        "APIKey",
        storedKey.members(of: \.key) + [
            Member(
                maybe: "lastUsedAt", .instant, \.lastUsedAt,
                "When it was used last; of other nodes up to a quarter of an hour late. Absent: never."
            )
        ]
    ) { fields throws(WireMismatch) in
        ShownKey(
            key: APIKey(
                key: try fields("key"), name: try fields("name"), digest: try fields("digest"),
                scopes: try fields("scopes"), subject: try fields("subject"),
                addresses: try fields("addresses") ?? [], createdAt: try fields("createdAt"),
                expiresAt: try fields("expiresAt"),
                requestsPerMinute: try fields("requestsPerMinute")),
            lastUsedAt: try fields("lastUsedAt"))
    }

    private static let storedKey = Shape<APIKey>([
        Member("key", .key, \.key, "How the secret begins."),
        Member(maybe: "name", .text, \.name, "For people."),
        Member("digest", .text, \.digest, "SHA-256 of the secret."),
        Member(
            "scopes", Wire<AccessScope>.choice.list(), \.scopes, "What it may do."),
        Member(
            maybe: "subject", .name, \.subject,
            "Whom it is for, with those below; absent: for all."),
        Member(
            maybe: "addresses", Wire<String>.text.list(),
            { $0.addresses.isEmpty ? nil : $0.addresses },
            "From where it may be used; absent: from anywhere."),
        Member("createdAt", .instant, \.createdAt),
        Member(
            maybe: "expiresAt", .instant, \.expiresAt,
            "When it is no longer accepted; absent: never."),
        Member(
            maybe: "requestsPerMinute", .integer(from: 1), \.requestsPerMinute,
            "How many requests a minute each node answers; absent: all."),
    ])

    package static let keys = list("APIKeyList", "keys", of: key)

    /// A key that was made just now, with the secret, which is told this once.
    package static let madeKey = Shape<MadeKey>(
        "MadeKey",
        [
            Member("secret", .text, \.secret, "Sent as `Authorization: Bearer`. Told this once.")
        ] + storedKey.members(of: \.key))

    package static let madeToken = Shape<MadeToken>(
        "MadeToken",
        [
            Member("token", .text, \.token, "Sent as `Authorization: Bearer`."),
            Member("expiresAt", .instant, \.expiresAt, "When it is no longer accepted."),
        ])
}

/// A key, and when it was used.
package struct ShownKey: Sendable {
    package let key: APIKey
    package let lastUsedAt: Instant?

    package init(key: APIKey, lastUsedAt: Instant?) {
        self.key = key
        self.lastUsedAt = lastUsedAt
    }
}

/// A key and its secret.
package struct MadeKey: Sendable {
    package let key: APIKey
    package let secret: String

    package init(key: APIKey, secret: String) {
        self.key = key
        self.secret = secret
    }
}

/// A token of a subject.
package struct MadeToken: Sendable {
    package let token: String
    package let expiresAt: Instant

    package init(token: String, expiresAt: Instant) {
        self.token = token
        self.expiresAt = expiresAt
    }
}
