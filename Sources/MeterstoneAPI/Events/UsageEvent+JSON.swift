package import MeterstoneCore

extension UsageEvent {
    /// Reads one event, in our own JSON or as a CloudEvent, from a text that holds nothing else.
    ///
    /// A text that is not JSON is `malformed`, whatever else is wrong with it.
    package init(json: [UInt8], form: EventForm = .plain) throws(Rejection) {
        var reader = JSONReader(json)
        self = try UsageEvent(wholeOf: &reader, form: form)
    }

    init(wholeOf reader: inout JSONReader, form: EventForm) throws(Rejection) {
        let start = reader.mark
        do throws(Rejection) {
            let event = try UsageEvent(next: &reader, form: form)
            try reader.finish()
            self = event
        } catch {
            try reader.validate(from: start)
            throw error
        }
    }

    /// Reads the value that comes next. After a rejection the reader stands anywhere within it.
    init(next reader: inout JSONReader, form: EventForm) throws(Rejection) {
        if form != .plain {
            var draft = try CloudEventDraft(from: &reader)
            self = try draft.event()
            return
        }
        let start = reader.mark
        var draft = EventDraft()
        guard try draft.read(from: &reader) else {
            reader.rewind(to: start)
            var draft = try CloudEventDraft(from: &reader)
            self = try draft.event()
            return
        }
        self = try draft.event()
    }
}

extension UsageEvent {
    /// Whether a text that was read as an event names what it moves with `meter`, the short form.
    package static func hasMeter(_ json: [UInt8]) -> Bool {
        var reader = JSONReader(json)
        guard (try? reader.enterObject()) != nil else { return false }
        var isFirst = true
        while let name = try? reader.nextName(&isFirst) {
            if EventField.table.field(name, in: reader)?.field == .meter { return true }
            guard (try? reader.skipValue()) != nil else { return false }
        }
        return false
    }
}

/// How events are written.
package enum EventForm: Sendable {
    /// Our own JSON, or CloudEvents, which their `specversion` tells; one or several.
    case plain
    /// One CloudEvent in structured mode.
    case cloudEvent
    /// An array of CloudEvents.
    case cloudEventBatch
}

extension EventDraft {
    /// Reads an object, or returns `false` when it turns out to be a CloudEvent.
    mutating func read(from reader: inout JSONReader) throws(Rejection) -> Bool {
        guard reader.kind() == .object else { throw .invalid("", "an event as an object") }
        try reader.enterObject()
        var seen = SeenFields()
        var isFirst = true
        while let name = try reader.nextName(&isFirst) {
            guard let (field, number) = EventField.table.field(name, in: reader) else {
                throw .unknown(reader.text(of: name), among: EventField.names)
            }
            guard field != .specversion else { return false }
            guard seen.insert(number) else { throw .repeated(field.rawValue) }
            try read(field, from: &reader)
        }
        return true
    }
}
