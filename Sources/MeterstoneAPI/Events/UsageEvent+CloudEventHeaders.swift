package import MeterstoneCore

extension UsageEvent {
    /// Reads a CloudEvent in binary mode: attributes from header fields `ce-…`, data as the body.
    ///
    /// - Parameter header: the value of a header field by its lower-case name.
    package init(
        cloudEventHeaders header: (String) -> String?, data: [UInt8]
    ) throws(Rejection) {
        var cloudEvent = CloudEventDraft()
        if !data.isEmpty {
            var reader = JSONReader(data)
            try reader.validate()
            try cloudEvent.readData("data", from: &reader)
        }
        func attribute(_ name: String) throws(Rejection) -> String? {
            guard let value = header("ce-" + name) else { return nil }
            guard let text = percentDecoded(unquoted(value)) else {
                throw .invalid("ce-" + name, "UTF-8, percent-encoded")
            }
            return text
        }
        func parsed<Value>(
            _ name: String, _ expectation: String, _ parse: (String) -> Value?
        ) throws(Rejection) -> Value? {
            guard let text = try attribute(name) else { return nil }
            guard let value = parse(text) else { throw .invalid("ce-" + name, expectation) }
            return value
        }
        let name: (String) -> String? = { SubjectID.isValid($0) ? $0 : nil }
        cloudEvent.version = try attribute("specversion")
        cloudEvent.draft.id = try parsed("id", EventID.expectation) { EventID($0) }
        cloudEvent.draft.source = try parsed("source", SubjectID.expectation, name)
        cloudEvent.draft.type = try parsed("type", SubjectID.expectation, name)
        cloudEvent.draft.subject = try parsed("subject", SubjectID.expectation) { SubjectID($0) }
        cloudEvent.draft.occurredAt = try parsed("time", Instant.expectation) {
            Instant(rfc3339: $0)
        }
        do throws(Rejection) {
            self = try cloudEvent.event()
        } catch {
            throw error.asHeader()
        }
    }
}

extension Rejection {
    /// In binary mode an attribute is a header field.
    fileprivate func asHeader() -> Rejection {
        let attributes = ["specversion", "id", "source", "type", "subject"]
        return attributes.contains(field)
            ? Rejection(code: code, field: "ce-" + field, message: message) : self
    }
}

/// Senders may put a value in double quotes; the binding asks receivers to take them off.
private func unquoted(_ value: String) -> String {
    guard value.utf8.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") else { return value }
    var text = ""
    var isEscaped = false
    for character in value.dropFirst().dropLast() {
        if character == "\\", !isEscaped {
            isEscaped = true
        } else {
            text.append(character)
            isEscaped = false
        }
    }
    return text
}
