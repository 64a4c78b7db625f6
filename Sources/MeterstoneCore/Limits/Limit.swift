/// At most this quantity of a meter per window, for each subject.
public struct Limit: Hashable, Sendable, Codable {
    public var key: LimitKey
    public var meter: MeterKey
    public var window: Window
    /// Plan → allowance.
    public var allowances: [PlanKey: Allowance]
    /// For plans that are not listed; `nil`: unlimited.
    public var defaultAllowance: Allowance?
    /// What it allows from instants to come on, by time.
    public var scheduled: [ScheduledAllowances]
    /// Add-on → how much more each allows, of subjects or plans that have an addition of it.
    public var addOns: [AddOnKey: Quantity]
    /// Count only events whose dimensions match; empty: all that the meter counts.
    public var dimensions: [String: [String]]
    /// Whom its allowances are for, by their key; empty: all. Others it allows without end, unless they have an
    /// override of their own.
    ///
    /// `*` stands for any text, and `!` before a pattern takes out whom it matches.
    public var subjects: [String]
    /// Counts each value by itself; `nil`: all together.
    public var perValue: PerValue?
    /// What is left of a window and stays; `nil`: nothing.
    public var rollover: LimitRollover?
    /// Whether what goes beyond the allowance is taken off the windows that follow.
    public var debt: Bool
    public var mode: LimitMode
    /// For whom ``mode`` holds already, where it refuses or counts overage; it is a shadow limit for all
    /// others. `nil`: for everybody.
    public var rollout: Rollout?
    /// What whoever asks about it does while no server answers.
    public var failMode: LimitFailMode
    /// What to do instead where it refuses, for whoever is refused: the name of a smaller model.
    public var fallback: String?
    /// Whether its subject is blocked for everything while this limit is full.
    public var blockWhenExceeded: Bool
    /// An inactive limit is kept, and neither counts against anyone nor appears in answers.
    public var active: Bool
    public var description: String?

    public init(
        key: LimitKey,
        meter: MeterKey,
        window: Window,
        allowances: [PlanKey: Allowance] = [:],
        defaultAllowance: Allowance? = nil,
        addOns: [AddOnKey: Quantity] = [:],
        dimensions: [String: [String]] = [:],
        subjects: [String] = [],
        perValue: PerValue? = nil,
        rollover: LimitRollover? = nil,
        debt: Bool = false,
        mode: LimitMode = .enforce,
        rollout: Rollout? = nil,
        failMode: LimitFailMode = .closed,
        fallback: String? = nil,
        blockWhenExceeded: Bool = false,
        active: Bool = true,
        description: String? = nil,
        scheduled: [ScheduledAllowances] = []
    ) {
        self.key = key
        self.meter = meter
        self.window = window
        self.allowances = allowances
        self.defaultAllowance = defaultAllowance
        self.addOns = addOns
        self.dimensions = dimensions
        self.subjects = subjects
        self.perValue = perValue
        self.rollover = rollover
        self.debt = debt
        self.mode = mode
        self.rollout = rollout
        self.failMode = failMode
        self.fallback = fallback
        self.blockWhenExceeded = blockWhenExceeded
        self.active = active
        self.description = description
        self.scheduled = scheduled.sorted { $0.effectiveAt < $1.effectiveAt }
    }

    /// Whether one counter counts all that the meter does.
    package var isForAll: Bool { dimensions.isEmpty && perValue == nil }
}

extension Limit {
    /// What one of an add-on may be worth.
    public static let addOnUnitsRange: ClosedRange<Int64> = 1...1_000_000_000_000_000

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case key, meter, window, allowances, defaultAllowance, scheduled, addOns, dimensions
        case subjects, per, values, valuesMax, beyondValues, rollover, debt, mode, rollout,
            failMode, fallback,
            blockWhenExceeded, active
        case description
    }

    /// The names of its members on the wire.
    package static let fields = CodingKeys.allCases.map(\.rawValue)

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let allowances = try container.decodeIfPresent(
            [String: Allowance].self, forKey: .allowances)
        let addOns = try container.decodeIfPresent([String: Int64].self, forKey: .addOns) ?? [:]
        for (key, units) in addOns where !Self.addOnUnitsRange.contains(units) {
            throw DecodingError.dataCorruptedError(
                forKey: .addOns, in: container,
                debugDescription: "expected whole numbers from 1, not \(units) of '\(key)'")
        }
        self.init(
            key: try container.decode(LimitKey.self, forKey: .key),
            meter: try container.decode(MeterKey.self, forKey: .meter),
            window: try container.decode(Window.self, forKey: .window),
            allowances: try PlanKey.keyed(allowances ?? [:], container, .allowances),
            defaultAllowance: try container.decodeIfPresent(
                Allowance.self, forKey: .defaultAllowance),
            addOns: try AddOnKey.keyed(addOns.mapValues { Quantity($0) }, container, .addOns),
            dimensions: try container.decodeIfPresent([String: [String]].self, forKey: .dimensions)
                ?? [:],
            subjects: try Self.subjects(container),
            perValue: try Self.perValue(container),
            rollover: try container.decodeIfPresent(LimitRollover.self, forKey: .rollover),
            debt: try container.decodeIfPresent(Bool.self, forKey: .debt) ?? false,
            mode: try container.decodeIfPresent(LimitMode.self, forKey: .mode) ?? .enforce,
            rollout: try container.decodeIfPresent(Rollout.self, forKey: .rollout),
            failMode: try container.decodeIfPresent(LimitFailMode.self, forKey: .failMode)
                ?? .closed,
            fallback: try Self.fallback(container),
            blockWhenExceeded: try container.decodeIfPresent(
                Bool.self, forKey: .blockWhenExceeded) ?? false,
            active: try container.decodeIfPresent(Bool.self, forKey: .active) ?? true,
            description: try container.decodeIfPresent(String.self, forKey: .description),
            scheduled: try container.decodeIfPresent(
                [ScheduledAllowances].self, forKey: .scheduled) ?? []
        )
    }

    private static func subjects(
        _ container: KeyedDecodingContainer<CodingKeys>
    ) throws -> [String] {
        let patterns = try container.decodeIfPresent([String].self, forKey: .subjects) ?? []
        guard LimitSubjects.mistake(in: patterns) != nil else { return patterns }
        throw DecodingError.dataCorruptedError(
            forKey: .subjects, in: container,
            debugDescription: "expected \(LimitSubjects.expectation)")
    }

    private static func perValue(
        _ container: KeyedDecodingContainer<CodingKeys>
    ) throws -> PerValue? {
        let allowances = try container.decodeIfPresent(
            [String: ValueAllowance].self, forKey: .values)
        let valuesMax = try container.decodeIfPresent(Int.self, forKey: .valuesMax)
        let beyond = try container.decodeIfPresent(BeyondValues.self, forKey: .beyondValues)
        guard let name = try container.decodeIfPresent(String.self, forKey: .per) else {
            guard allowances == nil, valuesMax == nil, beyond == nil else {
                throw DecodingError.dataCorruptedError(
                    forKey: .per, in: container,
                    debugDescription: "expected what values, valuesMax and beyondValues are of")
            }
            return nil
        }
        return PerValue(
            name, allowances: allowances ?? [:], valuesMax: valuesMax ?? PerValue.valuesDefault,
            beyond: beyond ?? .refuse)
    }

    private static func fallback(_ container: KeyedDecodingContainer<CodingKeys>) throws -> String?
    {
        let fallback = try container.decodeIfPresent(String.self, forKey: .fallback)
        guard let fallback, !SubjectID.isValid(fallback) else { return fallback }
        throw DecodingError.dataCorruptedError(
            forKey: .fallback, in: container, debugDescription: "expected \(SubjectID.expectation)")
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(meter, forKey: .meter)
        try container.encode(window, forKey: .window)
        try container.encode(allowances.keyedByText, forKey: .allowances)
        try container.encodeIfPresent(defaultAllowance, forKey: .defaultAllowance)
        if !scheduled.isEmpty { try container.encode(scheduled, forKey: .scheduled) }
        if !addOns.isEmpty {
            try container.encode(addOns.keyedByText.mapValues(\.units), forKey: .addOns)
        }
        if !dimensions.isEmpty { try container.encode(dimensions, forKey: .dimensions) }
        if !subjects.isEmpty { try container.encode(subjects, forKey: .subjects) }
        if let perValue {
            try container.encode(perValue.name, forKey: .per)
            if !perValue.allowances.isEmpty {
                try container.encode(perValue.allowances, forKey: .values)
            }
            try container.encode(perValue.valuesMax, forKey: .valuesMax)
            try container.encode(perValue.beyond, forKey: .beyondValues)
        }
        try container.encodeIfPresent(rollover, forKey: .rollover)
        if debt { try container.encode(true, forKey: .debt) }
        try container.encode(mode, forKey: .mode)
        try container.encodeIfPresent(rollout, forKey: .rollout)
        if failMode != .closed { try container.encode(failMode, forKey: .failMode) }
        try container.encodeIfPresent(fallback, forKey: .fallback)
        if blockWhenExceeded { try container.encode(true, forKey: .blockWhenExceeded) }
        try container.encode(active, forKey: .active)
        try container.encodeIfPresent(description, forKey: .description)
    }
}

/// What becomes of a consume that does not fit.
public enum LimitMode: String, Hashable, Sendable, NamedChoice {
    /// Refused.
    case enforce
    /// Allowed; what goes beyond the allowance is overage.
    case soft
    /// Allowed; the consumes that `enforce` would have refused are counted.
    case shadow
    /// Neither decided nor shown.
    case off
}

/// What becomes of a use while no server can be asked.
public enum LimitFailMode: String, Hashable, Sendable, NamedChoice {
    /// It goes on, and is recorded later.
    case open
    /// It does not happen.
    case closed
}

/// How much of a meter is included per window: a number, nothing, or no bound.
///
/// On the wire −1 is unlimited and 0 is none; an absent allowance is inherited.
public enum Allowance: Hashable, Sendable {
    case units(Quantity)
    case unlimited

    /// `nil` for numbers below −1.
    public init?(wire: Int64) {
        switch wire {
        case -1: self = .unlimited
        case 0...: self = .units(Quantity(wire))
        default: return nil
        }
    }

    public var wire: Int64 {
        switch self {
        case .units(let quantity): quantity.units
        case .unlimited: -1
        }
    }
}

extension Allowance: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let allowance = Allowance(wire: try container.decode(Int64.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected a whole number from 0, or -1 for unlimited")
        }
        self = allowance
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wire)
    }
}

extension UsageEvent {
    /// The same as a question about one unit of what a limit counts. What it counts only for some dimensions
    /// is asked for with the first value that it accepts, unless the event tells one.
    package func asking(about limit: Limit) -> UsageEvent {
        var event = self
        event.quantities = .one(limit.meter, Quantity(1))
        let details = event.details ?? .none
        let missing = limit.dimensions.sorted { $0.key < $1.key }.compactMap { name, values in
            details.dimension(name) == nil
                ? values.first.map { Dimension(name: name, value: $0) } : nil
        }
        if !missing.isEmpty {
            event.details = details.with(dimensions: details.dimensions + missing)
        }
        return event
    }
}
