package import MeterstoneCore

/// The answer to events that came in: how many became what, and which.
///
/// Events that were counted are listed only when the caller asks for it, and the list has a bound,
/// so that the answer to a stream of any length stays small. The numbers always cover all events.
package struct EventsAnswer: Sendable {
    private var counted: Int64 = 0
    private var duplicate: Int64 = 0
    private var conflict: Int64 = 0
    private var rejected: Int64 = 0
    private var notRecorded: Int64 = 0
    private var omitted: Int64 = 0
    private var listed = 0
    private var results = JSONWriter()
    private let listsCounted: Bool
    private let resultsMax: Int

    package init(listsCounted: Bool, resultsMax: Int) {
        self.listsCounted = listsCounted
        self.resultsMax = resultsMax
        results.beginArray()
    }

    /// Whether one more result would be listed.
    package var hasRoom: Bool { listed < resultsMax }

    /// - Parameters:
    ///   - index: the event's position in the body.
    ///   - id: the event's id as it was given.
    ///   - fields: what an event in conflict says otherwise than the first.
    package mutating func add(
        _ outcome: RecordOutcome, at index: Int, id: EventID?, differs fields: [String] = []
    ) {
        switch outcome {
        case .counted(let id):
            counted += 1
            if listsCounted { list(index, id, "counted") }
        case .duplicate(let id):
            duplicate += 1
            list(index, id, "duplicate")
        case .conflict(let id):
            conflict += 1
            list(index, id, "conflict", .conflict(at: index, fields))
        case .rejected(let rejection) where rejection.code == .trackingDisabled:
            notRecorded += 1
            if listsCounted { list(index, id, "notRecorded") }
        case .rejected(let rejection):
            addRejected(rejection.within("events[\(index)]"), at: index, id: id)
        }
    }

    /// - Parameter rejection: names the field from the body's root on.
    package mutating func addRejected(_ rejection: Rejection, at index: Int, id: EventID?) {
        rejected += 1
        list(index, id, "rejected", ResultError(rejection))
    }

    private mutating func list(
        _ index: Int, _ id: EventID?, _ status: StaticString, _ error: ResultError? = nil
    ) {
        guard listed < resultsMax else {
            omitted += 1
            return
        }
        listed += 1
        results.beginObject()
        results.name("index")
        results.integer(Int64(index))
        results.name("id")
        if let id { results.string(id.text) } else { results.null() }
        results.name("status")
        results.string(status.description)
        if let error { write(error) }
        results.endObject()
    }

    private mutating func write(_ error: ResultError) {
        results.name("error")
        results.beginObject()
        results.name("code")
        results.string(error.code)
        results.name("field")
        results.string(error.field)
        results.name("detail")
        results.string(error.detail)
        results.endObject()
    }

    package consuming func json() -> [UInt8] {
        results.endArray()
        var writer = JSONWriter(capacity: results.bytes.count + 128)
        writer.beginObject()
        writer.name("counted")
        writer.integer(counted)
        writer.name("duplicate")
        writer.integer(duplicate)
        writer.name("conflict")
        writer.integer(conflict)
        writer.name("rejected")
        writer.integer(rejected)
        if notRecorded > 0 {
            writer.name("notRecorded")
            writer.integer(notRecorded)
        }
        if omitted > 0 {
            writer.name("omitted")
            writer.integer(omitted)
        }
        writer.name("results")
        writer.json(results.bytes)
        writer.endObject()
        return writer.bytes
    }
}

/// Why an event among others was not counted.
private struct ResultError {
    let code: String
    let field: String
    let detail: String

    init(code: String, field: String, detail: String) {
        self.code = code
        self.field = field
        self.detail = detail
    }

    init(_ rejection: Rejection) {
        self.init(
            code: rejection.code.rawValue, field: rejection.field, detail: rejection.message)
    }

    static func conflict(at index: Int, _ fields: [String]) -> ResultError {
        let differs = fields.isEmpty ? "" : "; it differs in \(fields.joined(separator: ", "))"
        return ResultError(
            code: "event_conflict", field: "events[\(index)].\(fields.first ?? "id")",
            detail: "this id was used before, by an event with other content\(differs)")
    }
}
