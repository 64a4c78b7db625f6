/// One fact as its reporter tells it: this subject used this much of this, then.
public struct UsageEvent: Hashable, Sendable {
    /// The caller's key, or `nil` when the engine is to make one.
    public var id: EventID?
    public var subject: SubjectID
    /// When it happened; `nil`: when it is recorded.
    public var occurredAt: Instant?
    /// Quantities by name, each name once; a name is a meter's key or a meter's
    /// ``Meter/quantityName``.
    public var quantities: Quantities
    /// Everything that most consumes leave out, boxed so that the common event stays small.
    public var details: EventDetails?

    public init(
        id: EventID? = nil,
        subject: SubjectID,
        occurredAt: Instant? = nil,
        quantities: Quantities = .none,
        details: EventDetails? = nil
    ) {
        self.id = id
        self.subject = subject
        self.occurredAt = occurredAt
        self.quantities = quantities
        self.details = details
    }
}

/// The quantities of one event. One name is by far the most common, and needs no array.
public enum Quantities: Hashable, Sendable {
    case none
    case one(MeterKey, Quantity)
    /// At least two, sorted by name, each name once.
    case many([NamedQuantity])

    /// Sorts; of a repeated name the last one counts (parsers reject repeats before this).
    public init(_ pairs: [NamedQuantity]) {
        var byName: [MeterKey: Quantity] = [:]
        for pair in pairs { byName[pair.name] = pair.quantity }
        switch byName.count {
        case 0: self = .none
        case 1: self = .one(pairs[0].name, byName[pairs[0].name] ?? .zero)
        default:
            self = .many(
                byName.map { NamedQuantity(name: $0.key, quantity: $0.value) }
                    .sorted { $0.name < $1.name })
        }
    }

    public var pairs: [NamedQuantity] {
        switch self {
        case .none: []
        case .one(let name, let quantity): [NamedQuantity(name: name, quantity: quantity)]
        case .many(let pairs): pairs
        }
    }

    public subscript(name: MeterKey) -> Quantity? {
        switch self {
        case .none: nil
        case .one(let own, let quantity): own == name ? quantity : nil
        case .many(let pairs): pairs.first { $0.name == name }?.quantity
        }
    }
}

public struct NamedQuantity: Hashable, Sendable {
    public var name: MeterKey
    public var quantity: Quantity

    public init(name: MeterKey, quantity: Quantity) {
        self.name = name
        self.quantity = quantity
    }
}

/// What an event tells beside subject, time and quantities.
///
/// A class only to keep ``UsageEvent`` small: it is immutable.
public final class EventDetails: Sendable {
    /// Where event ids are unique: CloudEvents' `source`. `nil` is a source of its own.
    public let source: String?
    public let type: String?
    public let subtype: String?
    public let status: EventStatus
    public let durationMilliseconds: Int64?
    public let errorMessage: String?
    /// What the operation cost whoever offers it; `nil`: nobody told.
    public let cost: Money?
    public let project: String?
    public let scene: String?
    public let session: String?
    /// What meters and limits may filter on, sorted by name, each name once.
    public let dimensions: [Dimension]
    /// A JSON object, kept as it was given.
    public let properties: String?
    /// Further subjects that it counts for, beside its own and the teams above that, as they were named.
    public let levels: [SubjectID]
    /// Whether it counts although it failed or was cancelled, whatever meters say of that: the terms of its
    /// reservation wanted it so.
    package let countsWhenAborted: Bool

    public convenience init(
        source: String? = nil,
        type: String? = nil,
        subtype: String? = nil,
        status: EventStatus = .success,
        durationMilliseconds: Int64? = nil,
        errorMessage: String? = nil,
        cost: Money? = nil,
        project: String? = nil,
        scene: String? = nil,
        session: String? = nil,
        dimensions: [Dimension] = [],
        properties: String? = nil,
        levels: [SubjectID] = []
    ) {
        self.init(
            source: source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMilliseconds, errorMessage: errorMessage, cost: cost,
            project: project, scene: scene, session: session, dimensions: dimensions,
            properties: properties, levels: levels, countsWhenAborted: false)
    }

    package init(
        source: String?, type: String?, subtype: String?, status: EventStatus,
        durationMilliseconds: Int64?, errorMessage: String?, cost: Money?, project: String?,
        scene: String?, session: String?, dimensions: [Dimension], properties: String?,
        levels: [SubjectID], countsWhenAborted: Bool
    ) {
        self.source = source
        self.type = type
        self.subtype = subtype
        self.status = status
        self.durationMilliseconds = durationMilliseconds
        self.errorMessage = errorMessage
        self.cost = cost
        self.project = project
        self.scene = scene
        self.session = session
        self.dimensions = dimensions.sorted { $0.name < $1.name }
        self.properties = properties
        self.levels = levels
        self.countsWhenAborted = countsWhenAborted
    }

    /// The same with one thing told otherwise.
    package func with(
        source: String?? = nil, cost: Money?? = nil, dimensions: [Dimension]? = nil,
        levels: [SubjectID]? = nil, countsWhenAborted: Bool? = nil
    ) -> EventDetails {
        EventDetails(
            source: source ?? self.source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMilliseconds, errorMessage: errorMessage,
            cost: cost ?? self.cost, project: project, scene: scene, session: session,
            dimensions: dimensions ?? self.dimensions, properties: properties,
            levels: levels ?? self.levels,
            countsWhenAborted: countsWhenAborted ?? self.countsWhenAborted)
    }

    /// What an event without details tells.
    public static let none = EventDetails()

    /// What is told when an operation ends, together with what was told when it began: it comes first where
    /// both say something.
    package func told(over before: EventDetails?) -> EventDetails {
        guard let before else { return self }
        let known = Set(dimensions.map(\.name))
        return EventDetails(
            source: source ?? before.source, type: type ?? before.type,
            subtype: subtype ?? before.subtype, status: status,
            durationMilliseconds: durationMilliseconds ?? before.durationMilliseconds,
            errorMessage: errorMessage ?? before.errorMessage, cost: cost ?? before.cost,
            project: project ?? before.project, scene: scene ?? before.scene,
            session: session ?? before.session,
            dimensions: dimensions + before.dimensions.filter { !known.contains($0.name) },
            properties: properties ?? before.properties, levels: before.levels,
            countsWhenAborted: before.countsWhenAborted)
    }

    /// The dimension whose price a request has.
    package static let modelDimension = "model"

    package var modelName: String? { dimension(Self.modelDimension) }

    /// Whether it is of a batch, which may have a price of its own: the dimension `batch` is `true`.
    package var isBatch: Bool { dimension("batch") == "true" }

    package func dimension(_ name: String) -> String? {
        dimensions.first { $0.name == name }?.value
    }
}

extension EventDetails: Hashable {
    public static func == (lhs: EventDetails, rhs: EventDetails) -> Bool {
        lhs === rhs
            || (lhs.source == rhs.source && lhs.type == rhs.type && lhs.subtype == rhs.subtype
                && lhs.status == rhs.status
                && lhs.durationMilliseconds == rhs.durationMilliseconds
                && lhs.errorMessage == rhs.errorMessage && lhs.cost == rhs.cost
                && lhs.project == rhs.project
                && lhs.scene == rhs.scene && lhs.session == rhs.session
                && lhs.dimensions == rhs.dimensions && lhs.properties == rhs.properties
                && lhs.levels == rhs.levels && lhs.countsWhenAborted == rhs.countsWhenAborted)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(source)
        hasher.combine(type)
        hasher.combine(dimensions)
    }
}

/// One name and value that meters and limits may filter on: `model` = `gpt-4`.
public struct Dimension: Hashable, Sendable {
    public let name: String
    public let value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
