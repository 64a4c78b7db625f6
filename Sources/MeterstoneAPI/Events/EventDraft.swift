package import MeterstoneCore

/// An event while its fields are read, in whatever order they come.
struct EventDraft {
    var id: EventID?
    var subject: SubjectID?
    var occurredAt: Instant?
    var meter: MeterKey?
    var quantity: Quantity?
    var quantities = Quantities.none
    var type: String?
    var subtype: String?
    var status: EventStatus?
    var durationMilliseconds: Int64?
    var costMillionths: Int64?
    var errorMessage: String?
    var project: String?
    var scene: String?
    var session: String?
    var source: String?
    var dimensions: [Dimension] = []
    var properties: String?
    var levels: [SubjectID] = []

    /// Puts the event together, and checks what no field says alone.
    mutating func event() throws(Rejection) -> UsageEvent {
        guard let subject else { throw .missing("subject", SubjectID.expectation) }
        try mergeMeter()
        if case .none = quantities, type == nil {
            throw .missing("quantities", "meter, quantities or type")
        }
        return UsageEvent(
            id: id, subject: subject, occurredAt: occurredAt, quantities: quantities,
            details: details())
    }

    /// `meter` and `quantity` are a short way to write `quantities` with one name.
    mutating func mergeMeter() throws(Rejection) {
        guard let meter else {
            if quantity != nil { throw .missing("meter", "the meter that the quantity is of") }
            return
        }
        guard case .none = quantities else {
            throw .invalid("meter", "either meter or quantities")
        }
        quantities = .one(meter, quantity ?? 1)
    }

    /// `nil` when the event tells nothing beside subject, time and quantities.
    func details() -> EventDetails? {
        let isPlain =
            type == nil && subtype == nil && (status ?? .success) == .success
            && durationMilliseconds == nil && costMillionths == nil && errorMessage == nil
            && project == nil && scene == nil && session == nil && source == nil
            && dimensions.isEmpty
            && properties == nil && levels.isEmpty
        guard !isPlain else { return nil }
        return EventDetails(
            source: source, type: type, subtype: subtype, status: status ?? .success,
            durationMilliseconds: durationMilliseconds, errorMessage: errorMessage,
            cost: costMillionths.map { Money(millionths: $0) }, project: project, scene: scene,
            session: session, dimensions: dimensions, properties: properties, levels: levels)
    }
}

// MARK: - Reading fields

extension EventDraft {
    mutating func read(
        _ field: EventField, from reader: inout JSONReader
    ) throws(Rejection) {
        let name = field.rawValue
        switch field {
        case .id: id = try reader.readEventID(name)
        case .subject: subject = try reader.readIdentifier(name)
        case .meter: meter = try reader.readIdentifier(name)
        case .quantity: quantity = try reader.readWholeNumber(name).map { Quantity($0) }
        case .quantities: quantities = try Self.readQuantities(name, from: &reader)
        case .type: type = try reader.readName(name)
        case .occurredAt: occurredAt = try reader.readInstant(name)
        case .status: status = try Self.readStatus(name, from: &reader)
        case .subtype: subtype = try reader.readName(name)
        case .durationMs: durationMilliseconds = try reader.readWholeNumber(name)
        case .costMillionths: costMillionths = try reader.readWholeNumber(name)
        case .errorMessage:
            errorMessage = try reader.readText(name, bytes: 0...WireBounds.errorMessageBytesMax)
        case .project: project = try reader.readName(name)
        case .scene: scene = try reader.readName(name)
        case .session: session = try reader.readName(name)
        case .source: source = try reader.readName(name)
        case .dimensions: dimensions = try Self.readDimensions(name, from: &reader)
        case .properties:
            properties = try reader.readObjectText(name, bytesMax: WireBounds.propertiesBytesMax)
        case .levels: levels = try reader.readLevels(name)
        case .specversion:
            throw .unknown(name)
        }
    }

    private static func readStatus(
        _ field: String, from reader: inout JSONReader
    ) throws(Rejection) -> EventStatus? {
        let expectation = "success, failed or cancelled"
        let text = try reader.readText(field, bytes: 1...16, expectation: expectation)
        guard let text else { return nil }
        guard let status = EventStatus(rawValue: text) else { throw .invalid(field, expectation) }
        return status
    }

    static func readQuantities(
        _ field: String, from reader: inout JSONReader
    ) throws(Rejection) -> Quantities {
        if try reader.skipNull() { return .none }
        guard reader.kind() == .object else {
            throw .invalid(field, "an object of whole numbers by name")
        }
        try reader.enterObject()
        var pairs: [NamedQuantity] = []
        var first: NamedQuantity?
        var isFirst = true
        while let member = try reader.nextName(&isFirst) {
            let pair = try readQuantity(reader.text(of: member), field, from: &reader)
            if let other = first {
                if pairs.isEmpty { pairs.append(other) }
                guard pairs.count < WireBounds.quantitiesMax else {
                    throw .invalid(field, "at most \(WireBounds.quantitiesMax) quantities")
                }
                guard !pairs.contains(where: { $0.name == pair.name }) else {
                    throw .repeated("\(field).\(pair.name)")
                }
                pairs.append(pair)
            } else {
                first = pair
            }
        }
        guard let first else { return .none }
        guard !pairs.isEmpty else { return .one(first.name, first.quantity) }
        pairs.sort { $0.name < $1.name }
        return .many(pairs)
    }

    private static func readQuantity(
        _ name: String, _ field: String, from reader: inout JSONReader
    ) throws(Rejection) -> NamedQuantity {
        guard let key = MeterKey(name) else {
            throw .invalid(field, "names of \(MeterKey.expectation)")
        }
        do throws(Rejection) {
            guard let number = try reader.readWholeNumber(name) else {
                throw .invalid(name, "a whole number from 0 to \(Int64.max)")
            }
            return NamedQuantity(name: key, quantity: Quantity(number))
        } catch {
            throw error.inside(field)
        }
    }

    private static func readDimensions(
        _ field: String, from reader: inout JSONReader
    ) throws(Rejection) -> [Dimension] {
        if try reader.skipNull() { return [] }
        guard reader.kind() == .object else {
            throw .invalid(field, "an object of texts by name")
        }
        try reader.enterObject()
        var dimensions: [Dimension] = []
        var isFirst = true
        while let member = try reader.nextName(&isFirst) {
            guard dimensions.count < WireBounds.dimensionsMax else {
                throw .invalid(field, "at most \(WireBounds.dimensionsMax) dimensions")
            }
            let dimension = try readDimension(reader.text(of: member), field, from: &reader)
            guard !dimensions.contains(where: { $0.name == dimension.name }) else {
                throw .repeated("\(field).\(dimension.name)")
            }
            dimensions.append(dimension)
        }
        return dimensions
    }

    private static func readDimension(
        _ name: String, _ field: String, from reader: inout JSONReader
    ) throws(Rejection) -> Dimension {
        guard SubjectID.isValid(name) else {
            throw .invalid(field, "names of \(SubjectID.expectation)")
        }
        let value: String?
        do throws(Rejection) {
            value = try reader.readText(name, bytes: 0...WireBounds.dimensionBytesMax)
        } catch {
            throw error.inside(field)
        }
        guard let value, WireBounds.isDimensionValue(value) else {
            throw .invalid("\(field).\(name)", WireBounds.dimensionExpectation)
        }
        return Dimension(name: name, value: value)
    }
}

extension JSONReader {
    /// Reads the subjects that something counts for beside its own.
    package mutating func readLevels(_ field: String) throws(Rejection) -> [SubjectID] {
        if try skipNull() { return [] }
        guard kind() == .array else { throw .invalid(field, "an array of subjects") }
        try enterArray()
        var levels: [SubjectID] = []
        var isFirst = true
        while try nextElement(&isFirst) {
            guard levels.count < EventBounds.levelsMax else {
                throw .invalid(field, "at most \(EventBounds.levelsMax) levels")
            }
            let place = "\(field)[\(levels.count)]"
            guard let level = try readIdentifier(place, as: SubjectID.self) else {
                throw .invalid(place, SubjectID.expectation)
            }
            guard !levels.contains(level) else { throw .invalid(place, "each level once") }
            levels.append(level)
        }
        return levels
    }
}
