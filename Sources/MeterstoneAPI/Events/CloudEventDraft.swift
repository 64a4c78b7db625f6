import MeterstoneCore

/// A CloudEvent 1.0 while its attributes are read.
///
/// Its `id`, `source`, `type`, `subject` and `time` are those of the usage event, its `data` holds
/// the rest. Members of `data` that we do not know are properties, since producers send CloudEvents
/// that were not made for us; extension attributes are left aside.
struct CloudEventDraft {
    var draft = EventDraft()
    var version: String?

    init() {}

    /// Reads a CloudEvent in structured mode.
    init(from reader: inout JSONReader) throws(Rejection) {
        guard reader.kind() == .object else { throw .invalid("", "a CloudEvent as an object") }
        try reader.enterObject()
        var seen = SeenFields()
        var isFirst = true
        while let name = try reader.nextName(&isFirst) {
            if let (field, number) = CloudEventField.table.field(name, in: reader) {
                guard seen.insert(number) else { throw .repeated(field.rawValue) }
                try read(field, from: &reader)
            } else {
                try Self.skipExtension(reader.text(of: name), from: &reader)
            }
        }
    }

    private mutating func read(
        _ field: CloudEventField, from reader: inout JSONReader
    ) throws(Rejection) {
        let name = field.rawValue
        switch field {
        case .specversion: version = try reader.readText(name, bytes: 1...16)
        case .id: draft.id = try reader.readEventID(name)
        case .source: draft.source = try reader.readName(name)
        case .type: draft.type = try reader.readName(name)
        case .subject: draft.subject = try reader.readIdentifier(name)
        case .time: draft.occurredAt = try reader.readInstant(name)
        case .datacontenttype: try Self.readContentType(name, from: &reader)
        case .dataschema: _ = try reader.readText(name, bytes: 1...WireBounds.errorMessageBytesMax)
        case .data: try readData(name, from: &reader)
        case .dataBase64: throw .invalid(name, "data as a JSON object, in the member data")
        }
    }

    private static func readContentType(
        _ field: String, from reader: inout JSONReader
    ) throws(Rejection) {
        let expectation = "application/json"
        let text = try reader.readText(
            field, bytes: 1...WireBounds.nameBytesMax, expectation: expectation)
        guard let text else { return }
        guard MediaTypeName(text).isJSON else { throw .invalid(field, expectation) }
    }

    /// The specification allows extension attributes of lower-case letters and digits only, so that
    /// a misspelt field of ours is still found.
    private static func skipExtension(
        _ name: String, from reader: inout JSONReader
    ) throws(Rejection) {
        let isExtension = name.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        }
        guard isExtension, !name.isEmpty else { throw .unknown(name) }
        try reader.skipValue()
    }

    mutating func event() throws(Rejection) -> UsageEvent {
        guard let version else { throw .missing("specversion", "1.0") }
        guard version == "1.0" else { throw .invalid("specversion", "1.0") }
        guard draft.id != nil else { throw .missing("id", EventID.expectation) }
        guard draft.source != nil else { throw .missing("source", SubjectID.expectation) }
        guard draft.type != nil else { throw .missing("type", SubjectID.expectation) }
        return try draft.event()
    }
}

// MARK: - Data

extension CloudEventDraft {
    /// Reads `data`: fields of ours, and whatever else the producer put there.
    mutating func readData(_ path: String, from reader: inout JSONReader) throws(Rejection) {
        if try reader.skipNull() { return }
        guard reader.kind() == .object else { throw .invalid(path, "an object") }
        try reader.enterObject()
        var seen = SeenFields()
        var others = OtherMembers()
        var isFirst = true
        do throws(Rejection) {
            while let name = try reader.nextName(&isFirst) {
                guard let (field, number) = EventField.table.field(name, in: reader), field.isData
                else {
                    try others.read(name, from: &reader)
                    continue
                }
                guard seen.insert(number) else { throw .repeated(field.rawValue) }
                try draft.read(field, from: &reader)
            }
            try draft.mergeMeter()
            draft.meter = nil
            draft.quantity = nil
            draft.properties = try others.text(with: draft.properties)
        } catch {
            throw error.inside(path)
        }
    }
}

/// Members of a CloudEvent's data that are not fields of ours, as they were written.
private struct OtherMembers {
    private var names: Set<String> = []
    private var json: [UInt8] = []

    /// Reads the member whose name was just read.
    mutating func read(_ name: JSONText, from reader: inout JSONReader) throws(Rejection) {
        let text = reader.text(of: name)
        guard names.insert(text).inserted else { throw .repeated(text) }
        json.append(json.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        json.append(UInt8(ascii: "\""))
        json += reader.bytes[name.range]
        json += "\":".utf8
        reader.skipSpace()
        let start = reader.position
        try reader.skipValue()
        json += reader.bytes[start..<reader.position]
        guard json.count < WireBounds.propertiesBytesMax else { throw Self.tooLong }
    }

    /// All of it as one object, in which explicit properties are the member `properties`.
    func text(with properties: String?) throws(Rejection) -> String? {
        guard !json.isEmpty else { return properties }
        var text = String(decoding: json, as: UTF8.self)
        if let properties { text += ",\"properties\":" + properties }
        text += "}"
        guard text.utf8.count <= WireBounds.propertiesBytesMax else { throw Self.tooLong }
        return text
    }

    private static var tooLong: Rejection {
        .invalid("properties", "an object of at most \(WireBounds.propertiesBytesMax) bytes")
    }
}
