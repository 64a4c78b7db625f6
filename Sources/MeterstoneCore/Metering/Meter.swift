/// How events of a kind become a number: a filter and an aggregation.
///
/// An event moves a meter in one of two ways. It **names** it (`"quantities": {"seconds": 300}`), or
/// its type **matches** ``eventTypes``. A matching event contributes the quantity that is called
/// ``quantityName`` if the meter has one, and 1 otherwise. In both cases the filters apply: an event
/// with a type outside a non-empty ``eventTypes``, with dimensions outside ``dimensions``, or with a
/// status outside ``countedStatuses`` does not move the meter.
public struct Meter: Hashable, Sendable, Codable {
    public var key: MeterKey
    public var aggregation: Aggregation
    /// Types that move the meter; empty: only events that name it.
    public var eventTypes: [String]
    /// Dimension → accepted values. Every dimension listed here must match.
    public var dimensions: [String: [String]]
    /// Which of an event's quantities a matching event contributes; `nil`: one per event.
    public var quantityName: MeterKey?
    /// For ``Aggregation/uniqueCount``: the dimension whose distinct values are counted.
    public var uniqueDimension: String?
    /// Which statuses move the meter. A failed event is logged all the same.
    public var countedStatuses: [EventStatus]
    /// For people: "tokens", "MB".
    public var unit: String?
    public var description: String?

    public init(
        key: MeterKey,
        aggregation: Aggregation = .sum,
        eventTypes: [String] = [],
        dimensions: [String: [String]] = [:],
        quantityName: MeterKey? = nil,
        uniqueDimension: String? = nil,
        countedStatuses: [EventStatus] = [.success],
        unit: String? = nil,
        description: String? = nil
    ) {
        self.key = key
        self.aggregation = aggregation
        self.eventTypes = eventTypes
        self.dimensions = dimensions
        self.quantityName = quantityName
        self.uniqueDimension = uniqueDimension
        self.countedStatuses = countedStatuses
        self.unit = unit
        self.description = description
    }
}

extension Meter {
    private enum CodingKeys: String, CodingKey {
        case key, aggregation, eventTypes, dimensions, quantityName, uniqueDimension
        case countedStatuses, unit, description
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            key: try container.decode(MeterKey.self, forKey: .key),
            aggregation: try container.decodeIfPresent(Aggregation.self, forKey: .aggregation)
                ?? .sum,
            eventTypes: try container.decodeIfPresent([String].self, forKey: .eventTypes) ?? [],
            dimensions: try container.decodeIfPresent([String: [String]].self, forKey: .dimensions)
                ?? [:],
            quantityName: try container.decodeIfPresent(MeterKey.self, forKey: .quantityName),
            uniqueDimension: try container.decodeIfPresent(String.self, forKey: .uniqueDimension),
            countedStatuses: try container.decodeIfPresent(
                [EventStatus].self, forKey: .countedStatuses) ?? [.success],
            unit: try container.decodeIfPresent(String.self, forKey: .unit),
            description: try container.decodeIfPresent(String.self, forKey: .description)
        )
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
}

/// How the operation that an event reports ended.
public enum EventStatus: String, Hashable, Sendable, NamedChoice {
    case success
    case failed
    case cancelled
}
