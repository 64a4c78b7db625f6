/// A key of the interface: what it may do, and for whom.
///
/// The secret itself is nowhere: whoever makes a key is told it once, and what is stored is its digest. A
/// secret is long and random, so that a plain digest is enough (OWASP asks for a slow one where people
/// choose the secret).
public struct APIKey: Hashable, Sendable, Codable {
    /// How the secret begins, by which people tell keys: `mk_live_4f2aQ9xB`.
    public var key: APIKeyID
    public var name: String?
    /// SHA-256 of the secret, as 64 hexadecimal digits.
    public var digest: String
    public var scopes: [AccessScope]
    /// It is for this subject and those below it, and for nobody else; `nil`: for all.
    public var subject: SubjectID?
    /// From where it may be used: addresses, or ranges such as `10.0.0.0/8`; empty: from anywhere.
    public var addresses: [String]
    public var createdAt: Instant
    /// At this instant it is no longer accepted; `nil`: it does not expire.
    public var expiresAt: Instant?
    /// How many requests a minute are answered, by each node; `nil`: all.
    public var requestsPerMinute: Int64?

    public init(
        key: APIKeyID, name: String? = nil, digest: String, scopes: [AccessScope],
        subject: SubjectID? = nil, addresses: [String] = [], createdAt: Instant,
        expiresAt: Instant? = nil, requestsPerMinute: Int64? = nil
    ) {
        self.key = key
        self.name = name
        self.digest = digest
        self.scopes = scopes
        self.subject = subject
        self.addresses = addresses
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.requestsPerMinute = requestsPerMinute
    }

    public static let addressesMax = 64
    public static let requestsPerMinuteMax: Int64 = 1_000_000

    private enum CodingKeys: String, CodingKey {
        case key, name, digest, scopes, subject, addresses, createdAt, expiresAt
        case requestsPerMinute
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            key: try container.decode(APIKeyID.self, forKey: .key),
            name: try container.decodeIfPresent(String.self, forKey: .name),
            digest: try container.decode(String.self, forKey: .digest),
            scopes: try container.decode([AccessScope].self, forKey: .scopes),
            subject: try container.decodeIfPresent(SubjectID.self, forKey: .subject),
            addresses: try container.decodeIfPresent([String].self, forKey: .addresses) ?? [],
            createdAt: try container.decode(Instant.self, forKey: .createdAt),
            expiresAt: try container.decodeIfPresent(Instant.self, forKey: .expiresAt),
            requestsPerMinute: try container.decodeIfPresent(
                Int64.self, forKey: .requestsPerMinute))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encodeIfPresent(name, forKey: .name)
        try container.encode(digest, forKey: .digest)
        try container.encode(scopes, forKey: .scopes)
        try container.encodeIfPresent(subject, forKey: .subject)
        if !addresses.isEmpty { try container.encode(addresses, forKey: .addresses) }
        try container.encode(createdAt, forKey: .createdAt)
        try container.encodeIfPresent(expiresAt, forKey: .expiresAt)
        try container.encodeIfPresent(requestsPerMinute, forKey: .requestsPerMinute)
    }
}

extension APIKey {
    public func isExpired(at instant: Instant) -> Bool { expiresAt.map { $0 <= instant } ?? false }

    /// The same, until an instant at most.
    package func ending(at instant: Instant) -> APIKey {
        var key = self
        // Of two instants the earlier one: who rotates does not prolong.
        key.expiresAt = min(expiresAt ?? instant, instant)
        return key
    }

    /// Whether it may be used from an address; `nil`: nobody knows from where, which is not enough where
    /// addresses are named.
    package func mayCome(from address: String?) -> Bool {
        guard !addresses.isEmpty else { return true }
        guard let address = address.flatMap({ AddressRange($0) }) else { return false }
        return addresses.contains { AddressRange($0)?.contains(address) ?? false }
    }

    /// What is wrong with it, if something is.
    package var mistake: Rejection? {
        if digest.utf8.count != 64 || !digest.allSatisfy({ "0123456789abcdef".contains($0) }) {
            return .invalidKey("digest", "the SHA-256 of the secret, as 64 digits of 0-9 and a-f")
        }
        if scopes.isEmpty || Set(scopes).count < scopes.count {
            return .invalidKey("scopes", "at least one scope, each once")
        }
        if subject != nil, scopes.contains(.admin) {
            return .invalidKey(
                "scopes", "no admin beside a subject: it changes what is everybody's")
        }
        if addresses.count > Self.addressesMax {
            return .invalidKey("addresses", "at most \(Self.addressesMax) addresses")
        }
        for (index, address) in addresses.enumerated() where AddressRange(address) == nil {
            return .invalidKey("addresses[\(index)]", "an address, or a range such as 10.0.0.0/8")
        }
        if let requestsPerMinute, !(1...Self.requestsPerMinuteMax).contains(requestsPerMinute) {
            return .invalidKey(
                "requestsPerMinute", "a whole number from 1 to \(Self.requestsPerMinuteMax)")
        }
        if let expiresAt, expiresAt <= createdAt {
            return .invalidKey("expiresAt", "an instant later than createdAt")
        }
        return nil
    }
}

extension APIKey {
    /// A secret that nobody can guess, 238 bits of chance, and the name that its key has.
    package static func secret(
        using random: inout some RandomNumberGenerator
    ) -> (text: String, key: APIKeyID) {
        let text = AccessSecret.make(secretPrefix, using: &random)
        return (text, APIKeyID(unchecked: String(text.prefix(secretPrefix.count + 8))))
    }

    package static let secretPrefix = "mk_live_"
}

extension Rejection {
    fileprivate static func invalidKey(_ field: String, _ expectation: String) -> Rejection {
        Rejection(code: .invalidField, field: field, message: "expected \(expectation)")
    }
}
