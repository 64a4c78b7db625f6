/// What an administrator may do. Each may do what those before it may.
public enum AdministratorRole: String, Hashable, Sendable, NamedChoice, Comparable {
    /// Look at what is stored.
    case viewer
    /// Change what decides, and write usage, too.
    case `operator`
    /// Keys, administrators and backups, too.
    case owner

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rank < rhs.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .owner: 2
        }
    }
}

/// Somebody who signs in to administer.
public struct Administrator: Hashable, Sendable, Codable {
    public var email: EmailAddress
    /// For people.
    public var name: String?
    public var role: AdministratorRole
    /// One that is not active signs in no more, and their sessions count no more.
    public var active: Bool
    /// The password's slow hash, as a text that names how it was made; `nil`: none was chosen yet.
    public var password: String?
    /// What lets them choose a password, once; `nil`: nothing does.
    public var invitation: Invitation?
    /// What their codes are computed from (RFC 6238), in Base32; `nil`: no code is asked for.
    public var codeSecret: String?
    /// The same, until the first code shows that it arrived.
    public var newCodeSecret: String?
    public var createdAt: Instant
    /// Sessions that began before do not count.
    public var sessionsFrom: Instant?

    /// A secret that was handed over, of which only the digest is stored.
    public struct Invitation: Hashable, Sendable, Codable {
        /// SHA-256 of the secret, as 64 hexadecimal digits.
        public var digest: String
        public var expiresAt: Instant

        public init(digest: String, expiresAt: Instant) {
            self.digest = digest
            self.expiresAt = expiresAt
        }
    }

    public init(
        email: EmailAddress, name: String? = nil, role: AdministratorRole, active: Bool = true,
        password: String? = nil, invitation: Invitation? = nil, codeSecret: String? = nil,
        newCodeSecret: String? = nil, createdAt: Instant, sessionsFrom: Instant? = nil
    ) {
        self.email = email
        self.name = name
        self.role = role
        self.active = active
        self.password = password
        self.invitation = invitation
        self.codeSecret = codeSecret
        self.newCodeSecret = newCodeSecret
        self.createdAt = createdAt
        self.sessionsFrom = sessionsFrom
    }

    /// The same for a log: that there are secrets, and not which.
    package var withoutSecrets: Administrator {
        var shown = self
        let mark = "(secret)"
        if password != nil { shown.password = mark }
        if codeSecret != nil { shown.codeSecret = mark }
        if newCodeSecret != nil { shown.newCodeSecret = mark }
        shown.invitation?.digest = mark
        return shown
    }

    /// What is wrong with it, if something is.
    package var mistake: Rejection? {
        if let name, !(1...255).contains(name.utf8.count) {
            return .invalidAccess("name", "1 to 255 bytes")
        }
        if let password, password.utf8.count > 512 {
            return .invalidAccess("password", "a hash of at most 512 bytes")
        }
        return nil
    }
}

/// That somebody signed in, until they sign out or it ends.
public struct AdministratorSession: Hashable, Sendable, Codable {
    public var id: SessionID
    /// SHA-256 of the secret in the cookie, as 64 hexadecimal digits.
    public var digest: String
    /// Who signed in with a password; `nil`: somebody with a key.
    public var administrator: EmailAddress?
    /// The key that somebody signed in with. What it may do, the session may.
    public var key: APIKeyID?
    /// What the browser says of itself.
    public var device: String?
    /// From where they signed in.
    public var address: String?
    public var startedAt: Instant
    public var expiresAt: Instant
    /// Which code was used, so that it is not accepted twice.
    public var codeStep: Int64?

    public init(
        id: SessionID, digest: String, administrator: EmailAddress? = nil, key: APIKeyID? = nil,
        device: String? = nil, address: String? = nil, startedAt: Instant, expiresAt: Instant,
        codeStep: Int64? = nil
    ) {
        self.id = id
        self.digest = digest
        self.administrator = administrator
        self.key = key
        self.device = device
        self.address = address
        self.startedAt = startedAt
        self.expiresAt = expiresAt
        self.codeStep = codeStep
    }

    /// Of what the browser says, so many bytes are kept.
    public static let deviceBytesMax = 255
}

/// Somebody wanted to sign in.
public struct SignInNote: Hashable, Sendable, Codable {
    public enum Result: String, Hashable, Sendable, NamedChoice {
        case signedIn, wrongPassword, wrongCode, inactive, unknown, wrongKey
    }

    /// The administrator or the key; `nil`: nobody that is known. What was typed is not kept, since people
    /// type passwords into the wrong field.
    public var who: String?
    public var result: Result
    public var device: String?
    public var session: SessionID?

    public init(
        who: String?, result: Result, device: String? = nil, session: SessionID? = nil
    ) {
        self.who = who
        self.result = result
        self.device = device
        self.session = session
    }
}

/// When keys were last used, and sessions were last seen.
public struct AccessUses: Hashable, Sendable, Codable {
    /// By key or session.
    public var lastUsedAt: [String: Instant]

    public init(lastUsedAt: [String: Instant] = [:]) {
        self.lastUsedAt = lastUsedAt
    }

    /// Takes in what another node saw.
    package func merged(with other: AccessUses) -> AccessUses {
        AccessUses(lastUsedAt: lastUsedAt.merging(other.lastUsedAt) { max($0, $1) })
    }

    /// Without those that are gone.
    package func keeping(_ blueprint: Blueprint) -> AccessUses {
        let known = Set(blueprint.keys.map(\.key.text) + blueprint.sessions.map(\.id.text))
        return AccessUses(lastUsedAt: lastUsedAt.filter { known.contains($0.key) })
    }
}

extension Rejection {
    package static func invalidAccess(_ field: String, _ expectation: String) -> Rejection {
        Rejection(code: .invalidField, field: field, message: "expected \(expectation)")
    }
}

/// A secret that nobody can guess: 238 bits of chance after a prefix that says what it is.
package enum AccessSecret {
    package static let invitation = "mi_"
    package static let session = "ms_"

    package static func make(
        _ prefix: String, using random: inout some RandomNumberGenerator
    ) -> String {
        prefix + text(of: 40, using: &random)
    }

    package static func text(
        of count: Int, using random: inout some RandomNumberGenerator
    ) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String(
            (0..<count).map { _ in letters[Int.random(in: letters.indices, using: &random)] })
    }
}
