/// How events of a kind become a number: a filter and an aggregation.
///
/// An event moves a meter in one of two ways. It **names** it (`"quantities": {"seconds": 300}`), or
/// its type **matches** ``eventTypes``. A matching event contributes the quantity that is called
/// ``quantityName`` if the meter has one, and 1 otherwise. An alias names the meter as its key does, and is
/// a type that matches, too. In all cases the filters apply: an event
/// with a type outside a non-empty ``eventTypes``, with dimensions outside ``dimensions``, or with a
/// status outside ``countedStatuses`` does not move the meter.
public struct Meter: Hashable, Sendable, Codable {
    public var key: MeterKey
    /// Other names of the meter: in quantities, as a type of events, and in questions.
    public var aliases: [MeterKey]
    public var aggregation: Aggregation
    /// Types that move the meter; empty: only events that name it.
    public var eventTypes: [String]
    /// Dimension → accepted values. Every dimension listed here must match.
    public var dimensions: [String: [String]]
    /// Which of an event's quantities a matching event contributes; `nil`: one per event.
    public var quantityName: MeterKey?
    /// An event without a type that names this quantity matches as ``eventTypes`` do: a completed session
    /// is one whether its type says so, or a quantity beside its length.
    public var alongside: MeterKey?
    /// For ``Aggregation/uniqueCount``: the dimension whose distinct values are counted. For
    /// ``Aggregation/gauge`` and ``Aggregation/integral``: the dimension that names an item, of which each
    /// has a reading of its own; `nil`: there is one reading.
    public var uniqueDimension: String?
    /// Which statuses move the meter. A failed event is logged all the same.
    public var countedStatuses: [EventStatus]
    /// What of an event is counted.
    public var counts: CountedMeasure
    /// Of a meter of cost: what becomes of an event that names a model and tells no cost.
    public var withoutCost: WithoutCost
    /// What counts of a reservation that ended as failed or cancelled; `nil`: ``countedStatuses`` say whether
    /// such an event counts, and then what was told of it, or else what was set aside.
    public var onAbort: AbortPolicy?
    /// What such a reservation counts at least.
    public var abortMinimum: Int64
    /// For people: "tokens", "MB".
    public var unit: String?
    public var description: String?

    public init(
        key: MeterKey,
        aliases: [MeterKey] = [],
        aggregation: Aggregation = .sum,
        eventTypes: [String] = [],
        dimensions: [String: [String]] = [:],
        quantityName: MeterKey? = nil,
        alongside: MeterKey? = nil,
        uniqueDimension: String? = nil,
        countedStatuses: [EventStatus] = [.success],
        counts: CountedMeasure = .quantities,
        withoutCost: WithoutCost = .nothing,
        onAbort: AbortPolicy? = nil,
        abortMinimum: Int64 = 0,
        unit: String? = nil,
        description: String? = nil
    ) {
        self.key = key
        self.aliases = aliases
        self.aggregation = aggregation
        self.eventTypes = eventTypes
        self.dimensions = dimensions
        self.quantityName = quantityName
        self.alongside = alongside
        self.uniqueDimension = uniqueDimension
        self.countedStatuses = countedStatuses
        self.counts = counts
        self.withoutCost = withoutCost
        self.onAbort = onAbort
        self.abortMinimum = abortMinimum
        self.unit = unit
        self.description = description
    }
}

extension Meter {
    private enum CodingKeys: String, CodingKey {
        case key, aliases, aggregation, eventTypes, dimensions, quantityName, alongside
        case uniqueDimension
        case countedStatuses, counts, withoutCost, onAbort, abortMinimum, unit, description
    }

    /// The names of its members on the wire.
    package static let fields = [
        "key", "aliases", "aggregation", "eventTypes", "dimensions", "quantityName", "alongside",
        "uniqueDimension", "countedStatuses", "counts", "withoutCost", "onAbort", "abortMinimum",
        "unit", "description",
    ]

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            key: try container.decode(MeterKey.self, forKey: .key),
            aliases: try container.decodeIfPresent([MeterKey].self, forKey: .aliases) ?? [],
            aggregation: try container.decodeIfPresent(Aggregation.self, forKey: .aggregation)
                ?? .sum,
            eventTypes: try container.decodeIfPresent([String].self, forKey: .eventTypes) ?? [],
            dimensions: try container.decodeIfPresent([String: [String]].self, forKey: .dimensions)
                ?? [:],
            quantityName: try container.decodeIfPresent(MeterKey.self, forKey: .quantityName),
            alongside: try container.decodeIfPresent(MeterKey.self, forKey: .alongside),
            uniqueDimension: try container.decodeIfPresent(String.self, forKey: .uniqueDimension),
            countedStatuses: try container.decodeIfPresent(
                [EventStatus].self, forKey: .countedStatuses) ?? [.success],
            counts: try container.decodeIfPresent(CountedMeasure.self, forKey: .counts)
                ?? .quantities,
            withoutCost: try container.decodeIfPresent(WithoutCost.self, forKey: .withoutCost)
                ?? .nothing,
            onAbort: try container.decodeIfPresent(AbortPolicy.self, forKey: .onAbort),
            abortMinimum: try container.decodeIfPresent(Int64.self, forKey: .abortMinimum) ?? 0,
            unit: try container.decodeIfPresent(String.self, forKey: .unit),
            description: try container.decodeIfPresent(String.self, forKey: .description)
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        if !aliases.isEmpty { try container.encode(aliases, forKey: .aliases) }
        try container.encode(aggregation, forKey: .aggregation)
        try container.encode(eventTypes, forKey: .eventTypes)
        try container.encode(dimensions, forKey: .dimensions)
        try container.encodeIfPresent(quantityName, forKey: .quantityName)
        try container.encodeIfPresent(alongside, forKey: .alongside)
        try container.encodeIfPresent(uniqueDimension, forKey: .uniqueDimension)
        try container.encode(countedStatuses, forKey: .countedStatuses)
        if counts != .quantities { try container.encode(counts, forKey: .counts) }
        if withoutCost != .nothing { try container.encode(withoutCost, forKey: .withoutCost) }
        try container.encodeIfPresent(onAbort, forKey: .onAbort)
        if abortMinimum != 0 { try container.encode(abortMinimum, forKey: .abortMinimum) }
        try container.encodeIfPresent(unit, forKey: .unit)
        try container.encodeIfPresent(description, forKey: .description)
    }
}

extension Meter {
    /// Whether events that failed or were cancelled count, where ``onAbort`` says it; `nil`: it does not.
    private var countsAborted: Bool? { onAbort.map { $0 != .nothing || abortMinimum > 0 } }

    /// Whether an event that ended so moves the meter.
    package func counts(_ status: EventStatus) -> Bool {
        if status != .success, let countsAborted { return countsAborted }
        return countedStatuses.contains(status)
    }

    /// Which statuses move the meter in the end.
    package var effectiveStatuses: [EventStatus] { EventStatus.allCases.filter(counts) }
}

extension Meter {
    /// How many aliases a meter may have.
    package static let aliasesMax = 16

    /// The key, and then the aliases.
    public var names: [MeterKey] { aliases.isEmpty ? [key] : [key] + aliases }

    /// Whether events of the type move the meter, as far as the type goes.
    public func counts(type: String) -> Bool {
        eventTypes.contains(type) || aliases.contains { $0.text == type }
    }

    /// Names of quantities beside the key that the meter reads or looks for.
    package var furtherQuantities: [MeterKey] {
        aliases + [quantityName, alongside].compactMap(\.self)
    }
}

/// What of an event a meter counts.
public enum CountedMeasure: String, Hashable, Sendable, NamedChoice {
    /// The quantities that name the meter, or the events that match it.
    case quantities
    /// What events cost, in billionths of the currency unit.
    case cost
}

/// What a meter of cost makes of an event that names a model and tells no cost: its model has no price, or
/// its tokens are not told by kind.
public enum WithoutCost: Hashable, Sendable {
    case nothing
    /// It is not decided: a consume and a reservation are rejected.
    case refuse
    /// It counts as so much.
    case estimate(Money)

    public static let expectation =
        "expected nothing, refuse, or a number of millionths from 0 to 1000000000000"
}

extension WithoutCost: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let word = try? container.decode(String.self) {
            switch word {
            case "nothing": self = .nothing
            case "refuse": self = .refuse
            default: throw Self.unexpected(decoder)
            }
            return
        }
        guard let millionths = try? container.decode(Int64.self),
            ModelPrice.range.contains(millionths)
        else { throw Self.unexpected(decoder) }
        self = .estimate(Money(millionths: millionths))
    }

    private static func unexpected(_ decoder: any Decoder) -> DecodingError {
        .dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: expectation))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .nothing: try container.encode("nothing")
        case .refuse: try container.encode("refuse")
        case .estimate(let money): try container.encode(money)
        }
    }
}

/// How contributions become one number within a window.
public enum Aggregation: String, Hashable, Sendable, NamedChoice {
    /// Adds quantities.
    case sum
    /// Counts events, whatever their quantity.
    case count
    /// The largest quantity.
    case max
    /// The quantity of the event that occurred last; of equals, the one recorded last.
    case latest
    /// The number of distinct values of a dimension.
    case uniqueCount
    /// The latest reading, which stays until there is another: over windows, and added up over members of a
    /// team and over items.
    case gauge
    /// What a gauge comes to over time, in units times whole seconds.
    case integral

    /// Whether events are readings of a gauge.
    package var isOfReadings: Bool { self == .gauge || self == .integral }
}

/// How the operation that an event reports ended.
public enum EventStatus: String, Hashable, Sendable, NamedChoice {
    case success
    case failed
    case cancelled
}
