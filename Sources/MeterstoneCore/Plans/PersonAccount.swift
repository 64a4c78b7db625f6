/// What is known of a person who is a subject: how they are found, and what is theirs.
///
/// It has a place of its own beside the profile, so that a write of the one forgets nothing of the other.
public struct PersonAccount: Hashable, Sendable, Codable {
    /// Nobody else has it.
    public var email: EmailAddress?
    /// Where a picture is.
    public var image: String?
    /// What other systems call the person, by kind: `github`, `stripe`. Nobody else has the same of one kind.
    public var externalIDs: [String: String]
    /// One that is not active uses nothing new; what was used stays.
    public var active: Bool
    public var lastLoginAt: Instant?
    /// What the person chose.
    public var preferences: [String: JSONValue]
    /// What the application keeps for the person.
    public var variables: [String: JSONValue]
    /// Tokens that were made before are not accepted.
    public var tokensFrom: Instant?
    /// Where the person is, or was, signed in to the application; the newest first.
    public var sessions: [AccountSession]

    public init(
        email: EmailAddress? = nil, image: String? = nil, externalIDs: [String: String] = [:],
        active: Bool = true, lastLoginAt: Instant? = nil, preferences: [String: JSONValue] = [:],
        variables: [String: JSONValue] = [:], tokensFrom: Instant? = nil,
        sessions: [AccountSession] = []
    ) {
        self.email = email
        self.image = image
        self.externalIDs = externalIDs
        self.active = active
        self.lastLoginAt = lastLoginAt
        self.preferences = preferences
        self.variables = variables
        self.tokensFrom = tokensFrom
        self.sessions = sessions
    }

    private enum CodingKeys: String, CodingKey {
        case email, image, active, lastLoginAt, preferences, variables, tokensFrom, sessions
        case externalIDs = "externalIds"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            email: try container.decodeIfPresent(EmailAddress.self, forKey: .email),
            image: try container.decodeIfPresent(String.self, forKey: .image),
            externalIDs: try container.decodeIfPresent([String: String].self, forKey: .externalIDs)
                ?? [:],
            active: try container.decodeIfPresent(Bool.self, forKey: .active) ?? true,
            lastLoginAt: try container.decodeIfPresent(Instant.self, forKey: .lastLoginAt),
            preferences: try container.decodeIfPresent(
                [String: JSONValue].self, forKey: .preferences) ?? [:],
            variables: try container.decodeIfPresent([String: JSONValue].self, forKey: .variables)
                ?? [:],
            tokensFrom: try container.decodeIfPresent(Instant.self, forKey: .tokensFrom),
            sessions: try container.decodeIfPresent([AccountSession].self, forKey: .sessions) ?? [])
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(email, forKey: .email)
        try container.encodeIfPresent(image, forKey: .image)
        if !externalIDs.isEmpty { try container.encode(externalIDs, forKey: .externalIDs) }
        try container.encode(active, forKey: .active)
        try container.encodeIfPresent(lastLoginAt, forKey: .lastLoginAt)
        if !preferences.isEmpty { try container.encode(preferences, forKey: .preferences) }
        if !variables.isEmpty { try container.encode(variables, forKey: .variables) }
        try container.encodeIfPresent(tokensFrom, forKey: .tokensFrom)
        if !sessions.isEmpty { try container.encode(sessions, forKey: .sessions) }
    }
}

/// That a person signed in to the application, as the application told.
public struct AccountSession: Hashable, Sendable, Codable {
    public var id: SessionID
    /// What the application knows of the device, such as what its browser says.
    public var device: String?
    public var address: String?
    public var startedAt: Instant
    public var lastSeenAt: Instant
    /// When it was ended; `nil`: it goes on, as far as anybody told.
    public var endedAt: Instant?

    public init(
        id: SessionID, device: String? = nil, address: String? = nil, startedAt: Instant,
        lastSeenAt: Instant, endedAt: Instant? = nil
    ) {
        self.id = id
        self.device = device
        self.address = address
        self.startedAt = startedAt
        self.lastSeenAt = lastSeenAt
        self.endedAt = endedAt
    }
}

extension PersonAccount {
    /// So many sessions are kept; the log of changes has all.
    public static let sessionsMax = 20
    public static let externalIDsMax = 16
    public static let valuesMax = 200
    public static let valueNameBytesMax = 64
    /// Of a value as JSON, texts as they are.
    public static let valueBytesMax = 4_096
    public static let valuesBytesMax = 65_536

    /// With a session that began, or was seen again.
    package func starting(_ session: AccountSession) -> PersonAccount {
        var account = self
        var session = session
        if let index = account.sessions.firstIndex(where: { $0.id == session.id }) {
            let known = account.sessions.remove(at: index)
            session.startedAt = known.startedAt
            session.device = session.device ?? known.device
            session.address = session.address ?? known.address
        } else {
            account.lastLoginAt = session.startedAt
        }
        account.sessions.insert(session, at: 0)
        account.sessions.removeLast(max(0, account.sessions.count - Self.sessionsMax))
        return account
    }

    /// Where a session has ended; `nil`: there is none that goes on.
    package func ending(_ id: SessionID, at instant: Instant) -> PersonAccount? {
        var account = self
        guard let index = account.sessions.firstIndex(where: { $0.id == id && $0.endedAt == nil })
        else { return nil }
        account.sessions[index].endedAt = instant
        account.tokensFrom = instant
        return account
    }

    /// Keys that mean the person's subject, too, and nobody else's, by the field that says them.
    package var identityKeys: [(key: SubjectID, field: String)] {
        var keys: [(key: SubjectID, field: String)] = []
        if let email { keys.append((Self.key(of: email), "email")) }
        for (kind, id) in externalIDs.sorted(by: { $0.key < $1.key }) {
            keys.append((Self.key(ofKind: kind, id), "externalIds.\(kind)"))
        }
        return keys
    }

    package static func key(of email: EmailAddress) -> SubjectID {
        SubjectID(unchecked: "mailto:\(email.text)")
    }

    package static func key(ofKind kind: String, _ id: String) -> SubjectID {
        SubjectID(unchecked: "\(kind):\(id)")
    }

    /// A kind of external id: small letters, digits and `_`, at most 32, a letter first.
    package static func isKind(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...32).contains(bytes.count), text != "mailto",
            let first = bytes.first, (0x61...0x7A).contains(first)
        else { return false }
        return bytes.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
        }
    }

    /// What is wrong with it, if something is.
    package var mistake: Rejection? {
        if let image, !(1...2_048).contains(image.utf8.count) {
            return .invalidAccess("image", "1 to 2048 bytes")
        }
        if let email, !SubjectID.isValid(Self.key(of: email).text) {
            return .invalidAccess("email", "an e-mail address of at most 248 bytes")
        }
        if externalIDs.count > Self.externalIDsMax {
            return .invalidAccess("externalIds", "at most \(Self.externalIDsMax)")
        }
        for (kind, id) in externalIDs.sorted(by: { $0.key < $1.key }) {
            guard Self.isKind(kind) else {
                return .invalidAccess(
                    "externalIds",
                    "kinds of 1 to 32 of a-z, 0-9 and '_', a letter first, and not mailto")
            }
            guard !id.isEmpty, SubjectID.isValid(Self.key(ofKind: kind, id).text) else {
                return .invalidAccess(
                    "externalIds.\(kind)", "1 to 200 bytes of UTF-8 without control characters")
            }
        }
        return Self.mistake(in: preferences, "preferences")
            ?? Self.mistake(in: variables, "variables")
    }

    private static func mistake(in values: [String: JSONValue], _ field: String) -> Rejection? {
        guard values.count <= valuesMax else {
            return .invalidAccess(field, "at most \(valuesMax)")
        }
        var bytes = 0
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard (1...valueNameBytesMax).contains(name.utf8.count), SubjectID.isValid(name) else {
                return .invalidAccess(
                    field, "names of 1 to \(valueNameBytesMax) bytes without control characters")
            }
            guard value.roughBytes <= valueBytesMax else {
                return .invalidAccess("\(field).\(name)", "at most \(valueBytesMax) bytes")
            }
            bytes += name.utf8.count + value.roughBytes
        }
        return bytes <= valuesBytesMax
            ? nil : .invalidAccess(field, "at most \(valuesBytesMax) bytes in all")
    }
}

extension JSONValue {
    /// How much it takes: texts by their bytes, and a little for everything else.
    fileprivate var roughBytes: Int {
        switch self {
        case .null, .boolean, .integer, .number: 8
        case .text(let text): text.utf8.count + 2
        case .array(let elements): elements.reduce(2) { $0 + $1.roughBytes + 1 }
        case .object(let members):
            members.reduce(2) { $0 + $1.key.utf8.count + $1.value.roughBytes + 4 }
        }
    }
}

extension Subject {
    /// Whether consumes are refused: somebody blocked it, the person's account is not active, or the person is
    /// erased.
    package var isShut: Bool { blocked || account?.active == false || erasedAt != nil }
}
