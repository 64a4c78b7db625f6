/// Which lines of the audit log are wanted. What is not said does not matter.
public struct ChangeFilter: Hashable, Sendable {
    /// One of ``ChangeEntry/kinds``.
    public var kind: String?
    /// Which thing was changed, of whatever kind.
    public var key: String?
    /// Everything about this subject, under the key that it had.
    public var subject: SubjectID?
    /// A part of the author's name.
    public var author: String?
    /// From where it was asked for.
    public var address: String?
    public var from: Instant?
    public var until: Instant?

    public init(
        kind: String? = nil, key: String? = nil, subject: SubjectID? = nil, author: String? = nil,
        address: String? = nil, from: Instant? = nil, until: Instant? = nil
    ) {
        self.kind = kind
        self.key = key
        self.subject = subject
        self.author = author
        self.address = address
        self.from = from
        self.until = until
    }

    /// When keys were used, and how far webhooks have come, is noted often, and told only to whoever asks.
    package static let unaskedKinds = ["uses", WebhookProgress.kind]

    /// The kinds that may be meant.
    package var kinds: [String] {
        if let kind { return [kind] }
        if subject != nil { return ChangeEntry.subjectKinds }
        return ChangeEntry.kinds.filter { !Self.unaskedKinds.contains($0) }
    }

    /// Whether a line is wanted.
    package func accepts(
        kind: String, key: String, author: String, address: String?, recordedAt: Instant
    ) -> Bool {
        guard kinds.contains(kind), self.key.map({ $0 == key }) ?? true,
            self.author.map({ author.contains($0) }) ?? true,
            self.address.map({ $0 == address }) ?? true,
            from.map({ $0 <= recordedAt }) ?? true, until.map({ recordedAt < $0 }) ?? true
        else { return false }
        guard let subject else { return true }
        return key == subject.text || key.hasPrefix(subject.text + "/")
    }
}

extension ChangeEntry {
    /// Kinds of things that are no subject's.
    private static let otherKinds: Set<String> = [
        "meter", "plan", "limit", "creditPolicy", "statisticsPolicy", "switches", "model",
        "appliedBlueprint",
        "importedFile", "key", "administrator", "session", "signIn", "uses",
        "alert", "webhook", "webhookProgress", "webhookReplay", "givenOnce", "closedMonth",
        "statement",
    ]

    package static let subjectKinds = kinds.filter { !otherKinds.contains($0) }
}
