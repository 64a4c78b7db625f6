/// Where alerts are sent, signed as Standard Webhooks says (standardwebhooks.com, symmetric signatures).
public struct Webhook: Hashable, Sendable, Codable {
    public var key: WebhookKey
    /// `https://…`, or `http://…` for addresses of one's own; `mailto:…` for people.
    public var url: String
    /// What messages are signed with: the newest first. One that is rotated signs beside it for a while. Mail has none.
    public var secrets: [WebhookSecret]
    public var active: Bool
    public var description: String?

    public init(
        key: WebhookKey, url: String, secrets: [WebhookSecret], active: Bool = true,
        description: String? = nil
    ) {
        self.key = key
        self.url = url
        self.secrets = secrets
        self.active = active
        self.description = description
    }

    private enum CodingKeys: String, CodingKey {
        case key, url, secrets, active, description
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            key: try container.decode(WebhookKey.self, forKey: .key),
            url: try container.decode(String.self, forKey: .url),
            secrets: try container.decode([WebhookSecret].self, forKey: .secrets),
            active: try container.decodeIfPresent(Bool.self, forKey: .active) ?? true,
            description: try container.decodeIfPresent(String.self, forKey: .description))
    }
}

/// A secret that messages are signed with.
public struct WebhookSecret: Hashable, Sendable, Codable {
    /// `whsec_` and 24 to 64 bytes in Base64.
    public var text: String
    /// From then on it signs nothing; `nil`: it is the one in force.
    public var until: Instant?

    public init(text: String, until: Instant? = nil) {
        self.text = text
        self.until = until
    }

    package static let prefix = "whsec_"
    package static let bytes = 24...64
}

extension Webhook {
    package static let kind = "webhook"
    public static let urlBytesMax = 2_048
    package static let fields = ["key", "url", "secret", "active", "description"]

    /// Whom mail is sent to, where the URL says so (RFC 6068, one address and nothing else).
    package var mailAddress: String? {
        url.hasPrefix("mailto:") ? String(url.dropFirst("mailto:".count)) : nil
    }

    /// What is wrong with it, if something is.
    package var mistake: Rejection? {
        if let mailAddress { return Self.isMailbox(mailAddress) ? nil : Self.mistake }
        let scheme = url.prefix { $0 != ":" }.lowercased()
        let rest = url.drop { $0 != ":" }
        let authority = rest.dropFirst(3).prefix { !"/?#".contains($0) }
        guard scheme == "https" || scheme == "http", rest.hasPrefix("://"),
            Self.isHost(authority), url.utf8.count <= Self.urlBytesMax,
            url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !url.contains("@")
        else { return Self.mistake }
        return nil
    }

    private static let mistake = Rejection(
        code: .invalidField, field: "url",
        message: "expected https://HOST/PATH or http://HOST/PATH without a user's name, of at most "
            + "\(urlBytesMax) bytes, or mailto:NAME@HOST")

    /// What programs that send mail take as one address, and nothing that they take as something else.
    package static func isMailbox(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let isPlain = text.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && !"\"(),:;<>?[\\]%&|`$!".utf8.contains($0)
        }
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && isPlain
            && text.first != "-" && text.utf8.count <= 254
    }

    /// A name or an address, of IPv6 in brackets, and a port if one is told.
    private static func isHost(_ authority: Substring) -> Bool {
        let bracket = authority.hasPrefix("[") ? authority.firstIndex(of: "]") : nil
        let host = bracket.map { authority[...$0] } ?? authority.prefix { $0 != ":" }
        let port = authority[host.endIndex...]
        guard !host.isEmpty, bracket != nil || !host.contains("[") else { return false }
        return port.isEmpty || port.first == ":" && (UInt16(port.dropFirst()) ?? 0) > 0
    }
}

/// How far a webhook has come with the alerts that are for it.
///
/// It is written down now and then and not with each message: after a crash some are sent again, with
/// their first ids.
public struct WebhookProgress: Hashable, Sendable, Codable {
    public var webhook: WebhookKey
    /// Up to this fact every alert is dealt with, but for those in ``waiting``.
    public var through: Int64
    /// How many were taken, in all.
    public var delivered: Int64
    /// Alerts up to there that are still to be sent, or to be sent again.
    public var waiting: [WaitingDelivery]
    /// Those that nobody tries any more, the newest last.
    public var failed: [FailedDelivery]

    public init(
        webhook: WebhookKey, through: Int64, delivered: Int64 = 0, waiting: [WaitingDelivery] = [],
        failed: [FailedDelivery] = []
    ) {
        self.webhook = webhook
        self.through = through
        self.delivered = delivered
        self.waiting = waiting
        self.failed = failed
    }

    package static let kind = "webhookProgress"
}

/// An alert that is to be sent.
public struct WaitingDelivery: Hashable, Sendable, Codable {
    /// Of the alert.
    public var sequence: Int64
    /// How often it was tried.
    public var attempts: Int
    /// When it is tried next.
    public var dueAt: Instant
    /// What became of the last attempt.
    public var error: String?

    public init(sequence: Int64, attempts: Int = 0, dueAt: Instant, error: String? = nil) {
        self.sequence = sequence
        self.attempts = attempts
        self.dueAt = dueAt
        self.error = error
    }
}

/// An alert that was tried as often as it is tried, and never taken.
public struct FailedDelivery: Hashable, Sendable, Codable {
    public var sequence: Int64
    public var attempts: Int
    public var failedAt: Instant
    public var error: String

    public init(sequence: Int64, attempts: Int, failedAt: Instant, error: String) {
        self.sequence = sequence
        self.attempts = attempts
        self.failedAt = failedAt
        self.error = error
    }
}
