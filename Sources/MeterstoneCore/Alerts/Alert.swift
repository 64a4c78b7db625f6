/// What is told when a subject's use of its limits, or its credits, come to something, or when its use stands
/// out.
///
/// Each threshold is told once per subject, limit and window. It is told anew after a void that went below
/// it, and where the allowance is another or the limit was reset by hand.
public struct Alert: Hashable, Sendable, Codable {
    public var key: AlertKey
    /// Which limits are watched; empty: all.
    public var limits: [LimitKey]
    /// Shares of the allowance that is used, in hundredths.
    public var usedPercent: [Int64]
    /// How much of the allowance is left, or less.
    public var remaining: [Int64]
    /// Shares of the allowance that the use comes to where the window ends, if it goes on as since the window
    /// began, in hundredths.
    public var pacePercent: [Int64]
    /// How often a subject is refused within an hour by the same limit, or for want of credits.
    public var refusedPerHour: [Int64]
    /// Shares of a subject's requests within an hour that failed, in hundredths, once there were
    /// ``requestsMin``.
    public var failedPercent: [Int64]
    /// A balance of credits, or less.
    public var credits: [Int64]
    /// What the only one of ``webhooks`` is asked for then; `nil`: it is told, and no more.
    public var refill: Refill?
    /// Meters of which a subject's day is told that stands out from the 28 days before, once a day.
    public var unusual: [MeterKey]
    /// Subjects of which plans; empty: all.
    public var plans: [PlanKey]
    /// Who is told; empty: every webhook.
    public var webhooks: [WebhookKey]
    public var active: Bool
    public var description: String?

    public init(
        key: AlertKey, limits: [LimitKey] = [], usedPercent: [Int64] = [], remaining: [Int64] = [],
        pacePercent: [Int64] = [], refusedPerHour: [Int64] = [],
        failedPercent: [Int64] = [],
        credits: [Int64] = [], refill: Refill? = nil, unusual: [MeterKey] = [],
        plans: [PlanKey] = [], webhooks: [WebhookKey] = [],
        active: Bool = true, description: String? = nil
    ) {
        self.pacePercent = pacePercent
        self.refusedPerHour = refusedPerHour
        self.failedPercent = failedPercent
        self.key = key
        self.limits = limits
        self.usedPercent = usedPercent
        self.remaining = remaining
        self.credits = credits
        self.refill = refill
        self.unusual = unusual
        self.plans = plans
        self.webhooks = webhooks
        self.active = active
        self.description = description
    }

    public static let thresholdsMax = 16
    /// Of fewer requests within an hour no share is told.
    public static let requestsMin: Int64 = 20
    /// The names of its members on the wire.
    package static let fields = CodingKeys.allCases.map(\.rawValue)

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case key, limits, usedPercent, remaining, pacePercent, refusedPerHour, failedPercent
        case credits, refill, unusual
        case plans, webhooks, active, description
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func list<Element: Decodable>(_ key: CodingKeys) throws -> [Element] {
            try container.decodeIfPresent([Element].self, forKey: key) ?? []
        }
        self.init(
            key: try container.decode(AlertKey.self, forKey: .key), limits: try list(.limits),
            usedPercent: try list(.usedPercent), remaining: try list(.remaining),
            pacePercent: try list(.pacePercent), refusedPerHour: try list(.refusedPerHour),
            failedPercent: try list(.failedPercent),
            credits: try list(.credits),
            refill: try container.decodeIfPresent(Refill.self, forKey: .refill),
            unusual: try list(.unusual), plans: try list(.plans),
            webhooks: try list(.webhooks),
            active: try container.decodeIfPresent(Bool.self, forKey: .active) ?? true,
            description: try container.decodeIfPresent(String.self, forKey: .description))
    }
}

/// What of a limit or of credits a threshold is about.
public enum AlertMeasure: String, NamedChoice, Hashable, Sendable {
    case usedPercent, remaining, pacePercent, refusedPerHour, failedPercent, credits
    /// The threshold is the average of the days before, rounded down.
    case unusual
}

extension Alert {
    package func concerns(_ plan: PlanKey?) -> Bool {
        plans.isEmpty || plan.map { plans.contains($0) } ?? false
    }

    /// The thresholds of a limit that a use reaches.
    ///
    /// - Parameters:
    ///   - allowed: units; what is unlimited reaches nothing.
    ///   - pace: `nil`: the window has no end, or use does not add up in it.
    package func reached(
        by used: Int64, of allowed: Int64, at pace: WindowPace?
    ) -> [(measure: AlertMeasure, threshold: Int64)] {
        guard used > 0 else { return [] }
        var result: [(measure: AlertMeasure, threshold: Int64)] = []
        for percent in usedPercent where Self.isShare(percent, of: allowed, reachedBy: used) {
            result.append((.usedPercent, percent))
        }
        for left in remaining where used >= allowed || allowed - used <= left {
            result.append((.remaining, left))
        }
        if let pace {
            for percent in pacePercent where pace.comes(to: percent, of: allowed, with: used) {
                result.append((.pacePercent, percent))
            }
        }
        return result
    }

    /// Whether it watches what is used of limits.
    package var isOfUse: Bool {
        !usedPercent.isEmpty || !remaining.isEmpty || !pacePercent.isEmpty
    }

    private static func isShare(
        _ percent: Int64, of allowed: Int64, reachedBy used: Int64
    ) -> Bool {
        let share = allowed.multipliedFullWidth(by: percent)
        let use = used.multipliedFullWidth(by: 100)
        return (use.high, use.low) >= (share.high, share.low)
    }

    /// What is wrong with it, if something is.
    package var mistake: Rejection? {
        let thresholds = [
            ("usedPercent", usedPercent, 1...1_000), ("remaining", remaining, 0...Int64.max),
            ("pacePercent", pacePercent, 1...1_000),
            ("refusedPerHour", refusedPerHour, 1...1_000_000),
            ("failedPercent", failedPercent, 1...100),
            ("credits", credits, Int64.min...Int64.max),
        ]
        if unusual.count > Self.thresholdsMax || Set(unusual).count < unusual.count {
            return Rejection(
                code: .invalidField, field: "unusual",
                message: "expected at most \(Self.thresholdsMax) meters, each once")
        }
        if thresholds.allSatisfy(\.1.isEmpty), unusual.isEmpty {
            return Rejection(
                code: .missingField, field: "usedPercent",
                message:
                    "expected a threshold: usedPercent, remaining, pacePercent, refusedPerHour, "
                    + "failedPercent, credits or unusual")
        }
        if let refill, let mistake = mistake(in: refill) { return mistake }
        for (name, values, range) in thresholds {
            if values.count > Self.thresholdsMax || Set(values).count < values.count {
                return Rejection(
                    code: .invalidField, field: name,
                    message: "expected at most \(Self.thresholdsMax) thresholds, each once")
            }
            if let place = values.firstIndex(where: { !range.contains($0) }) {
                return Rejection(
                    code: .invalidField, field: "\(name)[\(place)]",
                    message: "expected a whole number from \(range.lowerBound) to "
                        + "\(range.upperBound)")
            }
        }
        return nil
    }

    /// Whoever is asked for money is one, and is asked for one reason.
    private func mistake(in refill: Refill) -> Rejection? {
        if let mistake = refill.mistake {
            return Rejection(
                code: .invalidField, field: mistake.field,
                message: "expected \(mistake.expectation)")
        }
        if credits.count != 1 {
            return Rejection(
                code: .invalidField, field: "credits",
                message: "expected one balance, below which the refill is asked for")
        }
        if isOfUse || !refusedPerHour.isEmpty || !failedPercent.isEmpty || !unusual.isEmpty {
            return Rejection(
                code: .invalidField, field: "refill",
                message: "expected no other thresholds than credits beside a refill")
        }
        if webhooks.count != 1 {
            return Rejection(
                code: .invalidField, field: "webhooks",
                message: "expected the one webhook that is asked for a refill")
        }
        return nil
    }
}
