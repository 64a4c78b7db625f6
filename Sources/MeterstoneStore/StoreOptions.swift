public import MeterstoneCore

/// How a store decides and how much it keeps in memory. Every bound has its default here.
public struct StoreOptions: Sendable {
    /// For subjects that name none; a name that the zone rules know.
    public var defaultTimeZone = "UTC"
    /// Looks a time zone's rules up by its IANA name.
    public var zoneRules: @Sendable (String) -> ZoneRules? = { $0 == "UTC" ? .utc : nil }
    /// `false`: consumes and events are decided, answered and not recorded, and nothing is reserved.
    public var isTrackingEnabled = true
    /// `false`: limits that enforce act as shadow limits.
    public var areLimitsEnforced = true
    /// Allowances from the environment, by limit and plan as in `USAGE_LIMIT_<LIMIT>_<PLAN>`: upper
    /// case, with `_` for everything that is not a letter or a digit. They come before the limit's own.
    public var allowanceOverrides: [String: Allowance] = [:]
    /// What the environment says of credits; it comes before the blueprint.
    public var creditOverrides = CreditOverrides()
    /// Reservations that may be open at once on one subject, those of subjects below it included.
    public var openReservationsMax = 10_000
    /// How far in the future an event may have occurred.
    public var earlyMillisecondsMax: Int64 = 86_400_000
    /// How far in the past an event may have occurred; `nil`: any time since 1970.
    public var lateMillisecondsMax: Int64?
    /// How long an event id is remembered; `nil`: for ever.
    public var eventIDMillisecondsMax: Int64?
    /// Subjects kept in memory when nothing of theirs waits to be projected.
    public var cachedSubjectsMax = 1_000_000
    /// Events that may wait in the journal before projection goes first.
    public var journalEventsMax = 400_000
    /// Facts that stay in the journal at most after they were projected, until they are shipped elsewhere;
    /// 0: nothing is shipped.
    package var shippedFactsKeptMax = 0
    /// Facts after which a section of the tail is closed; tests have sections of few.
    package var factsPerSection = Tail.factsPerSection

    public init() {}

    /// What clocks showed to a subject; `nil` where the rules of a zone are not known.
    package func clocks(of zones: ZonesInTime) -> ZoneRules? {
        zones.clocks(default: defaultTimeZone, zoneRules)
    }
}

extension Catalog {
    /// A catalog as it was stored; `corrupt` when its meters and limits have no numbers.
    ///
    /// - Parameter changes: all that ever were of plans and of the credit policy, oldest first; `nil`:
    ///   nobody looks at the past.
    package convenience init(
        stored blueprint: Blueprint, _ registry: Registry, _ options: StoreOptions,
        changes: [ChangeRecord]? = nil
    ) throws(StoreError) {
        let missing =
            blueprint.limits.first { registry.number(of: $0.key) == nil }?.key.text
            ?? blueprint.series(limitNumber: { registry.number(of: $0) })
            .first { registry.number(of: $0) == nil }?.meter.key.text
        if let missing {
            throw StoreError(
                code: .corrupt, message: "the numbers that '\(missing)' is counted by are not there"
            )
        }
        self.init(blueprint, registry, options, changes: changes)
    }

    /// - Parameter changes: as of ``init(stored:_:_:changes:)``.
    package convenience init(
        _ blueprint: Blueprint, _ registry: Registry, _ options: StoreOptions,
        changes: [ChangeRecord]? = nil
    ) {
        var schedule = CreditSchedule(overrides: options.creditOverrides)
        var limits = LimitSchedule()
        for record in changes ?? [] where record.outcome.isChange {
            schedule.apply(record.change, at: record.recordedAt, sequence: record.sequence)
            limits.apply(record.change, at: record.recordedAt)
        }
        self.init(
            blueprint, registry, options,
            schedule: changes != nil && schedule.agrees(with: blueprint) ? schedule : nil,
            limits: changes != nil && limits.agrees(with: blueprint) ? limits : nil)
    }

    /// - Parameters:
    ///   - schedule: `nil`: nothing is known of the past.
    ///   - limits: the same for what limits allowed.
    package convenience init(
        _ blueprint: Blueprint, _ registry: Registry, _ options: StoreOptions,
        schedule: CreditSchedule?, limits: LimitSchedule?
    ) {
        self.init(
            blueprint: blueprint, registry: registry,
            areLimitsEnforced: options.areLimitsEnforced,
            allowanceOverrides: options.allowanceOverrides,
            creditOverrides: options.creditOverrides, schedule: schedule, limitSchedule: limits)
    }
}

extension ChangeRecord {
    /// Kinds of changes that a ``CreditSchedule`` and a ``LimitSchedule`` are made of.
    package static let scheduleKinds = ["plan", "creditPolicy", "limit"]
}
