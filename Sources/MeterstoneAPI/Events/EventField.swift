import MeterstoneCore

/// The fields of an event in our own JSON.
enum EventField: String, CaseIterable, Sendable {
    case id, subject, meter, quantity, quantities, type, occurredAt, status, subtype, durationMs
    case costMillionths, errorMessage, project, scene, session, source, dimensions, properties
    case levels
    /// Not ours: a CloudEvent says with it that it is one.
    case specversion

    static let table = FieldTable(Self.self)

    /// The names that an event of ours may have.
    static let names = allCases.filter { $0 != .specversion }.map(\.rawValue)

    /// Whether the `data` of a CloudEvent may hold it; the other fields are attributes there.
    var isData: Bool {
        switch self {
        case .meter, .quantity, .quantities, .status, .subtype, .durationMs, .costMillionths,
            .errorMessage:
            true
        case .project, .scene, .session, .dimensions, .properties, .levels: true
        case .id, .subject, .type, .occurredAt, .source, .specversion: false
        }
    }

    /// Whether it may be told of an event that is recorded already: at its end, or as a correction.
    var isTold: Bool { isQuantity || !detail.isEmpty }

    /// What of an event's details it is; none: it is not of them, or cannot be told later.
    var detail: EventDetailFields {
        switch self {
        case .type: .type
        case .subtype: .subtype
        case .status: .status
        case .durationMs: .duration
        case .errorMessage: .errorMessage
        case .costMillionths: .cost
        case .project: .project
        case .scene: .scene
        case .session: .session
        case .dimensions: .dimensions
        case .properties: .properties
        case .id, .subject, .meter, .quantity, .quantities, .occurredAt, .source, .levels,
            .specversion:
            []
        }
    }

    /// Whether it says how much.
    var isQuantity: Bool { self == .meter || self == .quantity || self == .quantities }
}

/// The context attributes of a CloudEvent in JSON, version 1.0.
enum CloudEventField: String, CaseIterable, Sendable {
    case specversion, id, source, type, subject, time, datacontenttype, dataschema, data
    case dataBase64 = "data_base64"

    static let table = FieldTable(Self.self)
}
