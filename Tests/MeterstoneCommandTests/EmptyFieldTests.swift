import ArgumentParser
import MeterstoneAPI
import MeterstoneCommand
import MeterstoneCore
import MeterstoneImport
import Testing

/// The table of docs/reference/fields.md, through every door.
@Suite struct EmptyFieldTests {
    /// What is told of a field.
    enum Told: CaseIterable, Sendable {
        case absent, null, emptyText, emptyObject

        var json: String? {
            switch self {
            case .absent: nil
            case .null: "null"
            case .emptyText: #""""#
            case .emptyObject: "{}"
            }
        }
    }

    /// What becomes of it.
    enum Meaning: Sendable {
        case absent, kept, error
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let field: String
        /// Absent, null, empty text, empty object.
        let meanings: [Meaning]

        var testDescription: String { field }

        func meaning(_ told: Told) -> Meaning {
            meanings[Told.allCases.firstIndex(of: told) ?? 0]
        }
    }

    static let rows: [Row] =
        ["id", "type", "subtype", "project", "scene", "session", "source", "occurredAt", "status"]
        .map { Row(field: $0, meanings: [.absent, .absent, .error, .error]) }
        + ["durationMs", "costMillionths"].map {
            Row(field: $0, meanings: [.absent, .absent, .error, .error])
        } + [
            Row(field: "subject", meanings: [.error, .error, .error, .error]),
            Row(field: "errorMessage", meanings: [.absent, .absent, .kept, .error]),
            Row(field: "quantities", meanings: [.absent, .absent, .error, .absent]),
            Row(field: "dimensions", meanings: [.absent, .absent, .error, .absent]),
            Row(field: "properties", meanings: [.absent, .absent, .error, .kept]),
            Row(field: "dimensions.model", meanings: [.absent, .error, .kept, .error]),
            Row(field: "quantities.calls", meanings: [.absent, .error, .error, .error]),
        ]

    /// A whole event, as JSON texts by field.
    private static let whole: [(field: String, json: String)] = [
        ("id", #""e1""#), ("subject", #""ann""#), ("type", #""call""#), ("source", #""shop""#),
        ("occurredAt", #""2026-03-10T12:00:00Z""#), ("subtype", #""a""#), ("project", #""b""#),
        ("scene", #""c""#), ("session", #""d""#), ("status", #""failed""#), ("durationMs", "5"),
        ("costMillionths", "6"), ("errorMessage", #""oops""#), ("quantities", #"{"calls":1}"#),
        ("dimensions", #"{"model":"gpt"}"#), ("properties", #"{"x":1}"#),
    ]

    /// The fields of an event of which one is told otherwise.
    private static func fields(
        _ row: Row, _ told: Told
    ) -> [(field: String, json: String)] {
        let parts = row.field.split(separator: ".").map(String.init)
        return whole.compactMap { field, json in
            guard field == parts[0] else { return (field, json) }
            guard parts.count == 2 else { return told.json.map { (field, $0) } }
            return (field, told.json.map { #"{"\#(parts[1])":\#($0)}"# } ?? "{}")
        }
    }

    private static func object(_ members: [(field: String, json: String)]) -> String {
        "{" + members.map { #""\#($0.field)":\#($0.json)"# }.joined(separator: ",") + "}"
    }

    // MARK: Doors

    enum Door: CaseIterable, Sendable {
        case single, batch, lines, structured, cloudBatch, binary, importedLines, csv, options

        /// Which fields a CloudEvent cannot do without.
        var needed: Set<String> {
            switch self {
            case .structured, .cloudBatch, .binary: ["id", "source", "type"]
            default: []
            }
        }
    }

    /// The event that comes out at a door; `nil`: nothing can be told so there.
    private static func event(_ door: Door, _ row: Row, _ told: Told) throws -> UsageEvent? {
        let fields = fields(row, told)
        let json = object(fields)
        switch door {
        case .single: return try UsageEvent(json: Array(json.utf8))
        case .batch:
            var document = try EventDocument(Array("[\(json)]".utf8))
            return try document.next()?.event.get()
        case .lines:
            var lines = EventLines()
            lines.append(Array((json + "\n").utf8))
            return try lines.next()?.event.get()
        case .importedLines:
            var reader = NDJSONEventReader()
            reader.push(Array(json.utf8))
            reader.finish()
            return try reader.next()?.content.get()
        case .structured:
            return try UsageEvent(json: Array(cloudEvent(fields).utf8), form: .cloudEvent)
        case .cloudBatch:
            let body = Array("[\(cloudEvent(fields))]".utf8)
            var document = try EventDocument(body, form: .cloudEventBatch)
            return try document.next()?.event.get()
        case .binary: return try binary(fields, told)
        case .csv: return try csv(row, told)
        case .options: return try options(fields, row, told)
        }
    }

    private static let attributes = [
        "id": "id", "source": "source", "type": "type", "subject": "subject", "occurredAt": "time",
    ]

    private static func cloudEvent(_ fields: [(field: String, json: String)]) -> String {
        let own = fields.compactMap { field, json in attributes[field].map { ($0, json) } }
        let data = fields.filter { attributes[$0.field] == nil }
        return object([("specversion", #""1.0""#)] + own + [("data", object(data))])
    }

    private static func binary(
        _ fields: [(field: String, json: String)], _ told: Told
    ) throws -> UsageEvent? {
        var headers = ["ce-specversion": "1.0"]
        for (field, json) in fields {
            guard let attribute = attributes[field] else { continue }
            // A header field is a text.
            guard json.hasPrefix("\"") else { return nil }
            headers["ce-\(attribute)"] = String(json.dropFirst().dropLast())
        }
        let data = object(fields.filter { attributes[$0.field] == nil })
        return try UsageEvent(cloudEventHeaders: { headers[$0] }, data: Array(data.utf8))
    }

    /// An empty field is absent for a dimension; elsewhere a column that was named is needed.
    private static func csv(_ row: Row, _ told: Told) throws -> UsageEvent? {
        var mapping = ColumnMapping(
            subject: RowTemplate(column: "subject"), time: "occurredAt", id: "id",
            quantities: ["calls=quantities.calls"].compactMap { QuantityMapping($0) },
            dimensions: [DimensionMapping(name: "model", column: "dimensions.model")],
            type: "{type}", source: "shop")
        if told == .absent {
            switch row.field {
            case "id": mapping.id = nil
            case "type": mapping.type = nil
            case "occurredAt": mapping.time = nil
            default: break
            }
        }
        let values = [
            "id": "e1", "subject": "ann", "type": "call", "occurredAt": "2026-03-10T12:00:00Z",
            "quantities.calls": "1", "dimensions.model": "gpt",
        ]
        let names = values.keys.sorted()
        guard names.contains(row.field), told == .absent || told == .emptyText,
            !(row.field == "quantities.calls" && told == .absent)
        else { return nil }
        let cells = names.map { name in
            name != row.field ? values[name] ?? "" : told == .absent ? "" : "\"\""
        }
        let text = names.joined(separator: ",") + "\n" + cells.joined(separator: ",") + "\n"
        var reader = CSVEventReader(mapping)
        reader.push(Array(text.utf8))
        reader.finish()
        return try reader.next()?.content.get()
    }

    private static let flags = [
        "id": "--id", "type": "--type", "source": "--source", "occurredAt": "--at",
        "subtype": "--subtype", "project": "--project", "scene": "--scene",
        "session": "--session", "status": "--status", "durationMs": "--duration-ms",
        "costMillionths": "--cost-millionths", "errorMessage": "--error-message",
    ]

    private static func options(
        _ fields: [(field: String, json: String)], _ row: Row, _ told: Told
    ) throws -> UsageEvent? {
        guard told == .absent || told == .emptyText else { return nil }
        // The subject is the first argument, whatever it is.
        if row.field == "subject", told == .absent { return nil }
        var arguments: [String] = []
        for (field, json) in fields {
            let text = json.hasPrefix("\"") ? String(json.dropFirst().dropLast()) : json
            if field == "subject" { arguments.insert(text, at: 0) }
            if let flag = flags[field] { arguments.append("\(flag)=\(text)") }
        }
        switch (row.field, told) {
        case ("quantities", .absent), ("quantities.calls", .absent): break
        case ("quantities", _), ("dimensions", .emptyText), ("properties", _): return nil
        case ("quantities.calls", _): arguments.append("calls=")
        default: arguments.append("calls=1")
        }
        switch (row.field, told) {
        case ("dimensions", _), ("dimensions.model", .absent): break
        case ("dimensions.model", _): arguments.append("--dimension=model=")
        default: arguments.append("--dimension=model=gpt")
        }
        return try EventArguments.parse(arguments).usageEvent()
    }

    // MARK: The table

    /// What an event tells of a field.
    private static func meaning(_ field: String, _ event: UsageEvent) -> Meaning {
        let details = event.details ?? .none
        func text(_ text: String?) -> Meaning { text == nil ? .absent : .kept }
        switch field {
        case "id": return text(event.id?.text)
        case "subject": return .kept
        case "type": return text(details.type)
        case "subtype": return text(details.subtype)
        case "project": return text(details.project)
        case "scene": return text(details.scene)
        case "session": return text(details.session)
        case "source": return text(details.source)
        case "occurredAt": return event.occurredAt == nil ? .absent : .kept
        case "status": return details.status == .success ? .absent : .kept
        case "durationMs": return details.durationMilliseconds == nil ? .absent : .kept
        case "costMillionths": return details.cost == nil ? .absent : .kept
        case "errorMessage": return text(details.errorMessage)
        case "properties": return text(details.properties)
        case "quantities", "quantities.calls":
            return event.quantities.pairs.isEmpty ? .absent : .kept
        default: return details.dimensions.isEmpty ? .absent : .kept
        }
    }

    @Test(arguments: rows, Door.allCases)
    func `absent, null and empty mean the same at every door`(row: Row, door: Door) throws {
        for told in Told.allCases {
            var expected = row.meaning(told)
            if expected == .absent, door.needed.contains(row.field) { expected = .error }
            let result = Result { try Self.event(door, row, told) }
            switch result {
            case .success(nil): continue
            case .success(let event?):
                // An import makes ids for rows that have none.
                if door == .importedLines || door == .csv, row.field == "id", expected == .absent {
                    continue
                }
                #expect(Self.meaning(row.field, event) == expected, "\(told)")
            case .failure: #expect(expected == .error, "\(told): \(result)")
            }
        }
    }

    @Test func `a byte order mark is skipped at every door`() throws {
        let json = "\u{FEFF}" + Self.object(Self.whole)
        let plain = try UsageEvent(json: Array(json.utf8).withoutByteOrderMark)
        var lines = EventLines()
        lines.append(Array((json + "\n" + Self.object(Self.whole) + "\n").utf8))
        #expect(try lines.next()?.event.get() == plain)
        #expect(try lines.next()?.event.get() == plain)
        var reader = NDJSONEventReader()
        reader.push(Array(json.utf8))
        reader.finish()
        #expect(try reader.next()?.content.get() == plain)
        #expect(try EventArguments.parse(["--event", json]).usageEvent() == plain)
    }
}
