package import MeterstoneCore

/// Events of a body that is one JSON text: a single event, an array, or `{"events":[…]}`.
///
/// The text is checked as a whole before its first event is handed out, so that nothing is recorded
/// of a body that turns out to be broken further on. After that, mistakes stay with their event.
package struct EventDocument: Sendable {
    /// A single event gets its own answer; of several, each gets a result.
    package let isSingle: Bool
    /// How many events there are.
    package private(set) var count = 1

    private var reader: JSONReader
    private let max: Int
    private let form: EventForm
    private var isFirst = true
    private var isDone = false
    private var index = 0

    /// - Parameters:
    ///   - json: the body.
    ///   - max: how many events it may have.
    package init(
        _ json: [UInt8], form: EventForm = .plain, max: Int = .max
    ) throws(Rejection) {
        self.form = form
        self.max = max
        reader = JSONReader(json)
        let kind = reader.kind()
        isSingle = Self.isSingle(kind, form, reader)
        guard !isSingle else { return }
        let start = reader.mark
        do throws(Rejection) {
            switch (kind, form) {
            case (.array, .plain), (.array, .cloudEventBatch): try enterArray()
            case (.object, .plain): try enterEnvelope()
            default: throw .invalid("", form.expectation)
            }
        } catch {
            if error.code != .tooLarge { try reader.validate(from: start) }
            throw error
        }
    }

    private static func isSingle(
        _ kind: JSONKind, _ form: EventForm, _ reader: JSONReader
    ) -> Bool {
        switch form {
        case .plain: kind == .object && !isEnvelope(reader)
        case .cloudEvent: kind == .object
        case .cloudEventBatch: false
        }
    }

    private static func isEnvelope(_ reader: JSONReader) -> Bool {
        var reader = reader
        var isFirst = true
        guard (try? reader.enterObject()) != nil,
            let name = try? reader.nextName(&isFirst)
        else { return false }
        return reader.text(of: name) == "events"
    }

    /// Checks and counts the elements, and goes back to the first.
    private mutating func enterArray() throws(Rejection) {
        try reader.enterArray()
        let first = reader.mark
        try skipElements()
        try reader.finish()
        reader.rewind(to: first)
    }

    /// The same for an object whose only member is `events`.
    private mutating func enterEnvelope() throws(Rejection) {
        try reader.enterObject()
        var isFirst = true
        _ = try reader.nextName(&isFirst)
        guard reader.kind() == .array else { throw .invalid("events", "an array of events") }
        try reader.enterArray()
        let first = reader.mark
        try skipElements()
        if let name = try reader.nextName(&isFirst) {
            let field = reader.text(of: name)
            throw field == "events" ? .repeated(field) : .unknown(field)
        }
        try reader.finish()
        reader.rewind(to: first)
    }

    private mutating func skipElements() throws(Rejection) {
        count = 0
        var isFirst = true
        while try reader.nextElement(&isFirst) {
            guard count < max else { throw .tooManyEvents(max) }
            try reader.skipValue()
            count += 1
        }
    }

    /// The event of a body that ``isSingle``.
    package mutating func single() throws(Rejection) -> UsageEvent {
        try UsageEvent(wholeOf: &reader, form: form)
    }

    /// The next event of several, or `nil` after the last.
    package mutating func next() -> ReadEvent? {
        guard !isDone, (try? reader.nextElement(&isFirst)) == true else {
            isDone = true
            return nil
        }
        reader.skipSpace()
        defer { index += 1 }
        let start = reader.mark
        do throws(Rejection) {
            return ReadEvent(index: index, event: try UsageEvent(next: &reader, form: form))
        } catch {
            let id = reader.eventID(from: start)
            reader.rewind(to: start)
            isDone = (try? reader.skipValue()) == nil
            return ReadEvent(index: index, id: id, rejection: error)
        }
    }
}

extension Rejection {
    /// A body has more events than it may.
    package static func tooManyEvents(_ max: Int) -> Rejection {
        Rejection(
            code: .tooLarge, field: "", message: "expected at most \(max) events in one body")
    }
}

extension EventForm {
    fileprivate var expectation: String {
        switch self {
        case .plain: "an event, or an array of events"
        case .cloudEvent: "a CloudEvent as an object"
        case .cloudEventBatch: "an array of CloudEvents"
        }
    }
}

extension JSONReader {
    /// The member `id` of the object at the mark, for the result of an event that was rejected.
    mutating func eventID(from mark: Mark) -> EventID? {
        rewind(to: mark)
        guard (try? enterObject()) != nil else { return nil }
        var isFirst = true
        while let name = try? nextName(&isFirst) {
            if EventField.table.field(name, in: self)?.field == .id {
                return try? readEventID("id")
            }
            guard (try? skipValue()) != nil else { return nil }
        }
        return nil
    }
}
