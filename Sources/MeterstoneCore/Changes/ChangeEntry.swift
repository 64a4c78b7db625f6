/// One line of the audit log.
public struct ChangeEntry: Sendable, Hashable {
    public let sequence: Int64
    public let recordedAt: Instant
    public let author: String
    /// From where it was asked for; `nil`: that is not known.
    public let address: String?
    /// One of ``kinds``.
    public let kind: String
    public let key: String
    /// The thing as JSON; `nil` where it did not exist.
    public let before: String?
    public let after: String?

    package init(
        sequence: Int64, recordedAt: Instant, author: String, address: String? = nil,
        kind: String, key: String, before: String?, after: String?
    ) {
        self.sequence = sequence
        self.recordedAt = recordedAt
        self.author = author
        self.address = address
        self.kind = kind
        self.key = key
        self.before = before
        self.after = after
    }

    public static let kinds = [
        "meter", "plan", "limit", "subject", "subscription", "override",
        "addition", "limitReset", "creditPolicy",
        "statisticsPolicy", "switches", "model", "creditGrant", "refund", "appliedBlueprint",
        "importedFile",
        "key", "alert", "webhook", "firedAlert", "rearmedAlert", "refill", "webhookProgress",
        "webhookReplay", "alias", "rename", "merge", "administrator", "session", "signIn", "uses",
        "account", "accountSession", "erasure", "givenOnce", "closedMonth",
        "statement",
    ]
}

/// What became of an administrative change.
public struct ChangeReceipt: Sendable {
    public let outcome: ChangeOutcome
    /// What was changed, as JSON, as it stood afterwards; `nil` where it did not exist.
    public let after: String?
    /// This is the first answer again, to a repeated idempotency key.
    public let isReplay: Bool

    package init(outcome: ChangeOutcome, after: String?, isReplay: Bool) {
        self.outcome = outcome
        self.after = after
        self.isReplay = isReplay
    }
}

/// Somebody who may choose a password now.
public struct InvitedAdministrator: Sendable {
    /// How long an invitation may be taken up: a day.
    package static let milliseconds: Int64 = 86_400_000

    public let administrator: Administrator
    /// The secret, which is told this once.
    public let invitation: String
    public let expiresAt: Instant

    package init(administrator: Administrator, invitation: String, expiresAt: Instant) {
        self.administrator = administrator
        self.invitation = invitation
        self.expiresAt = expiresAt
    }
}

/// What applying a blueprint did to one of its parts.
public struct BlueprintStep: Sendable {
    /// "meter", "plan", "limit", "model", "creditPolicy", "statisticsPolicy" or
    /// "switches".
    public let kind: String
    public let key: String
    public let outcome: ChangeOutcome
    /// Of a merge: the members in which file and store differ, and what became of each.
    public let members: [MergedMember]
    /// Of a merge: who changed the part by hand last, where that made a difference.
    public let changedBy: String?
    public let changedAt: Instant?

    package init(
        kind: String, key: String, outcome: ChangeOutcome, members: [MergedMember] = [],
        changedBy: String? = nil, changedAt: Instant? = nil
    ) {
        self.kind = kind
        self.key = key
        self.outcome = outcome
        self.members = members
        self.changedBy = changedBy
        self.changedAt = changedAt
    }
}

/// A file that was imported, as it was noted last.
public struct ImportedFile: Hashable, Sendable {
    public let note: ImportedFileNote
    public let at: Instant

    package init(note: ImportedFileNote, at: Instant) {
        self.note = note
        self.at = at
    }
}
