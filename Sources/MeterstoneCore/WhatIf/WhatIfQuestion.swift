/// A question about the past: what would have been refused, had limits or plans been others?
///
/// An event belongs to the span when it occurred in it; all are played in the order of recording.
public struct WhatIfQuestion: Hashable, Sendable {
    /// `nil`: from the first event on.
    public var from: Instant?
    /// Not included; `nil`: up to the last event.
    public var until: Instant?
    /// Limits that are added, or that take the place of those with their keys. They enforce.
    public var limits: [Limit]
    /// Changes of single allowances, one after the other. The limits that they name enforce.
    public var allowances: [AllowanceChange]
    /// Plans that subjects would have been on, all the time; for a team, also those below it that
    /// have no plan of their own.
    public var plans: [PlanChange]
    /// Limits that the question does not name refuse as well, if they enforce. They also do when it
    /// names none.
    public var allLimits: Bool
    /// Whose days refusals are counted by; `nil`: the default time zone.
    public var timeZone: String?
    /// How many of the subjects that were refused most the answer tells.
    public var subjectsMax: Int
    /// How many refusals the answer tells, the oldest first.
    public var refusalsMax: Int

    public static let subjectsRange = 0...1_000
    public static let refusalsRange = 0...10_000

    public init(
        from: Instant? = nil, until: Instant? = nil, limits: [Limit] = [],
        allowances: [AllowanceChange] = [], plans: [PlanChange] = [], allLimits: Bool = false,
        timeZone: String? = nil, subjectsMax: Int = 10, refusalsMax: Int = 100
    ) {
        self.from = from
        self.until = until
        self.limits = limits
        self.allowances = allowances
        self.plans = plans
        self.allLimits = allLimits
        self.timeZone = timeZone
        self.subjectsMax = subjectsMax
        self.refusalsMax = refusalsMax
    }

    /// Another number in a limit that there is.
    public struct AllowanceChange: Hashable, Sendable, Codable {
        public var limit: LimitKey
        /// `nil`: every plan, and who has none.
        public var plan: PlanKey?
        /// `nil`: as it is; the limit is only made to enforce.
        public var allowance: Allowance?

        public init(limit: LimitKey, plan: PlanKey? = nil, allowance: Allowance? = nil) {
            self.limit = limit
            self.plan = plan
            self.allowance = allowance
        }
    }

    /// Another plan for a subject.
    public struct PlanChange: Hashable, Sendable, Codable {
        public var subject: SubjectID
        public var plan: PlanKey

        public init(subject: SubjectID, plan: PlanKey) {
            self.subject = subject
            self.plan = plan
        }
    }

    /// When it is about; all of time where nothing was said.
    package var span: WindowSpan {
        WindowSpan(
            from: from ?? WindowSpan.lifetime.from, until: until ?? WindowSpan.lifetime.until)
    }
}

extension WhatIfQuestion: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case from, until, limits, allowances, plans, allLimits, timeZone, subjectsMax, refusalsMax
    }

    /// The names of its members on the wire.
    public static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            from: try container.decodeIfPresent(Instant.self, forKey: .from),
            until: try container.decodeIfPresent(Instant.self, forKey: .until),
            limits: try container.decodeIfPresent([Limit].self, forKey: .limits) ?? [],
            allowances: try container.decodeIfPresent([AllowanceChange].self, forKey: .allowances)
                ?? [],
            plans: try container.decodeIfPresent([PlanChange].self, forKey: .plans) ?? [],
            allLimits: try container.decodeIfPresent(Bool.self, forKey: .allLimits) ?? false,
            timeZone: try container.decodeIfPresent(String.self, forKey: .timeZone),
            subjectsMax: try container.decodeIfPresent(Int.self, forKey: .subjectsMax) ?? 10,
            refusalsMax: try container.decodeIfPresent(Int.self, forKey: .refusalsMax) ?? 100)
    }
}
