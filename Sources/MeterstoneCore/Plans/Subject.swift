/// What is known of a subject beside its usage.
///
/// A subject exists from its first event or from the first time that it is written, whichever comes
/// first; until then it has these defaults.
public struct Subject: Hashable, Sendable, Codable {
    public var id: SubjectID
    /// Name in the IANA database; `nil`: the server's default.
    public var timeZone: String?
    /// The zones that it had before, in the order of time. The last may still count: another zone takes over
    /// where the day ends.
    public var formerZones: [FormerZone]
    /// The team above. A consume counts and is limited on both.
    public var parent: SubjectID?
    /// Used where no subscription applies; `nil`: the parent's plan, then the default plan.
    public var plan: PlanKey?
    /// A blocked subject's consumes are refused; what happened is still recorded.
    public var blocked: Bool
    public var name: String?
    /// Overrides per limit; they come before plan and default, for this subject and those below.
    public var overrides: [LimitKey: Allowance]
    /// What changes allowances of this subject alone for a time, those that are over included.
    public var additions: [Addition]
    /// From when on limits count anew, in the order of time.
    public var resets: [LimitKey: [LimitReset]]
    public var subscription: Subscription?
    /// Subscriptions that follow, sorted by their start. Each applies from then on, without anybody's doing.
    public var scheduled: [ScheduledSubscription]
    public var metadata: [String: String]
    /// What changes of plan left behind; `nil`: none did.
    public var billing: SubjectBilling?
    /// Of a person; `nil`: nobody told of one.
    public var account: PersonAccount?
    /// Grants that a person gets once, of those that the subject got, sorted.
    package var onceGrants: [GrantID] = []
    /// When the person was erased whose numbers these are; `nil`: nobody was.
    public package(set) var erasedAt: Instant?

    public init(
        id: SubjectID, timeZone: String? = nil, parent: SubjectID? = nil, plan: PlanKey? = nil,
        blocked: Bool = false, name: String? = nil, overrides: [LimitKey: Allowance] = [:],
        subscription: Subscription? = nil, scheduled: [ScheduledSubscription] = [],
        metadata: [String: String] = [:], additions: [Addition] = [],
        resets: [LimitKey: [LimitReset]] = [:], billing: SubjectBilling? = nil,
        account: PersonAccount? = nil, formerZones: [FormerZone] = []
    ) {
        self.id = id
        self.timeZone = timeZone
        self.formerZones = formerZones
        self.parent = parent
        self.plan = plan
        self.blocked = blocked
        self.name = name
        self.overrides = overrides
        self.subscription = subscription
        self.scheduled = scheduled
        self.metadata = metadata
        self.billing = billing
        self.additions = additions
        self.resets = resets
        self.account = account
    }

    private enum CodingKeys: String, CodingKey {
        case id, timeZone, parent, plan, blocked, name, overrides, subscription, metadata
        case additions, resets, scheduled, billing, account, formerZones, erasedAt, onceGrants
    }
}

extension Subject {
    /// Whose clocks its days followed and follow.
    public var zones: ZonesInTime { ZonesInTime(timeZone, former: formerZones) }

    /// The subscription that is said of the subject at an instant from now on, whether or not it applies.
    public func subscription(at instant: Instant) -> Subscription? {
        scheduled.last { $0.subscription.appliesFrom <= instant }?.subscription ?? subscription
    }

    /// What its billing months are counted from.
    package var anchors: BillingAnchors {
        guard let billing, !billing.turns.isEmpty else {
            return BillingAnchors(subscription?.anchor)
        }
        return BillingAnchors(billing.base, turns: billing.turns)
    }

    /// What it is once time has come to an instant, and which subscriptions were replaced on the way.
    package func settled(
        at now: Instant
    ) -> (subject: Subject, replaced: [(subscription: Subscription?, at: Instant)]) {
        var subject = self
        var replaced: [(subscription: Subscription?, at: Instant)] = []
        while let next = subject.scheduled.first?.subscription, next.appliesFrom <= now {
            replaced.append((subject.subscription, next.appliesFrom))
            subject.subscription = next
            subject.scheduled.removeFirst()
        }
        return (subject, replaced)
    }
}

extension Subject {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let resets = try container.decodeIfPresent([String: [LimitReset]].self, forKey: .resets)
        let overrides = try container.decodeIfPresent([String: Allowance].self, forKey: .overrides)
        self.init(
            id: try container.decode(SubjectID.self, forKey: .id),
            timeZone: try container.decodeIfPresent(String.self, forKey: .timeZone),
            parent: try container.decodeIfPresent(SubjectID.self, forKey: .parent),
            plan: try container.decodeIfPresent(PlanKey.self, forKey: .plan),
            blocked: try container.decodeIfPresent(Bool.self, forKey: .blocked) ?? false,
            name: try container.decodeIfPresent(String.self, forKey: .name),
            overrides: try LimitKey.keyed(overrides ?? [:], container, .overrides),
            subscription: try container.decodeIfPresent(Subscription.self, forKey: .subscription),
            scheduled: try container.decodeIfPresent(
                [ScheduledSubscription].self, forKey: .scheduled) ?? [],
            metadata: try container.decodeIfPresent([String: String].self, forKey: .metadata)
                ?? [:],
            additions: try container.decodeIfPresent([Addition].self, forKey: .additions) ?? [],
            resets: try LimitKey.keyed(resets ?? [:], container, .resets),
            billing: try container.decodeIfPresent(SubjectBilling.self, forKey: .billing),
            account: try container.decodeIfPresent(PersonAccount.self, forKey: .account),
            formerZones: try container.decodeIfPresent([FormerZone].self, forKey: .formerZones)
                ?? []
        )
        erasedAt = try container.decodeIfPresent(Instant.self, forKey: .erasedAt)
        onceGrants = try container.decodeIfPresent([GrantID].self, forKey: .onceGrants) ?? []
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encodeIfPresent(timeZone, forKey: .timeZone)
        if !formerZones.isEmpty { try container.encode(formerZones, forKey: .formerZones) }
        try container.encodeIfPresent(parent, forKey: .parent)
        try container.encodeIfPresent(plan, forKey: .plan)
        try container.encode(blocked, forKey: .blocked)
        try container.encodeIfPresent(name, forKey: .name)
        if !overrides.isEmpty { try container.encode(overrides.keyedByText, forKey: .overrides) }
        if !additions.isEmpty { try container.encode(additions, forKey: .additions) }
        if !resets.isEmpty { try container.encode(resets.keyedByText, forKey: .resets) }
        try container.encodeIfPresent(subscription, forKey: .subscription)
        if !scheduled.isEmpty { try container.encode(scheduled, forKey: .scheduled) }
        if !metadata.isEmpty { try container.encode(metadata, forKey: .metadata) }
        try container.encodeIfPresent(billing, forKey: .billing)
        try container.encodeIfPresent(account, forKey: .account)
        try container.encodeIfPresent(erasedAt, forKey: .erasedAt)
        if !onceGrants.isEmpty { try container.encode(onceGrants, forKey: .onceGrants) }
    }
}
