package import MeterstoneCore

/// Values of fields. An explicit `null` reads as `nil`, like a field that is not there; a value of
/// another kind than the field's is a rejection that names the field and what was expected of it.
extension JSONReader {
    /// Reads a text, which may have lines. U+0000 is refused everywhere, since PostgreSQL cannot
    /// keep it.
    package mutating func readText(
        _ field: String, bytes range: ClosedRange<Int>, expectation: String? = nil
    ) throws(Rejection) -> String? {
        if try skipNull() { return nil }
        if next == UInt8(ascii: "\"") {
            let text = text(of: try scanString())
            if range ~= text.utf8.count, !text.utf8.contains(0) { return text }
        }
        let bounds = "\(range.lowerBound) to \(range.upperBound)"
        throw .invalid(field, expectation ?? "a text of \(bounds) bytes without U+0000")
    }

    /// Reads a text that must be printable and fit a page: a type, a project, a session.
    mutating func readName(_ field: String) throws(Rejection) -> String? {
        if try skipNull() { return nil }
        guard next == UInt8(ascii: "\"") else { throw .invalid(field, SubjectID.expectation) }
        let text = text(of: try scanString())
        guard SubjectID.isValid(text) else { throw .invalid(field, SubjectID.expectation) }
        return text
    }

    mutating func readIdentifier<Identifier: TextIdentifier>(
        _ field: String, as type: Identifier.Type = Identifier.self
    ) throws(Rejection) -> Identifier? {
        if try skipNull() { return nil }
        guard next == UInt8(ascii: "\"") else { throw .invalid(field, Identifier.expectation) }
        guard let identifier = Identifier(text(of: try scanString())) else {
            throw .invalid(field, Identifier.expectation)
        }
        return identifier
    }

    mutating func readEventID(_ field: String) throws(Rejection) -> EventID? {
        if try skipNull() { return nil }
        guard next == UInt8(ascii: "\""), let id = EventID(text(of: try scanString())) else {
            throw .invalid(field, EventID.expectation)
        }
        return id
    }

    mutating func readInstant(_ field: String) throws(Rejection) -> Instant? {
        if try skipNull() { return nil }
        guard next == UInt8(ascii: "\""), let instant = Instant(rfc3339: text(of: try scanString()))
        else { throw .invalid(field, Instant.expectation) }
        return instant
    }

    package mutating func readWholeNumber(
        _ field: String, from minimum: Int64 = 0
    ) throws(Rejection) -> Int64? {
        if try skipNull() { return nil }
        guard next == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= next,
            let number = try scanWholeNumber(), number >= minimum
        else { throw .invalid(field, "a whole number from \(minimum) to \(Int64.max)") }
        return number
    }

    /// Reads an object and keeps its text as it was given.
    mutating func readObjectText(_ field: String, bytesMax: Int) throws(Rejection) -> String? {
        if try skipNull() { return nil }
        guard next == UInt8(ascii: "{") else { throw .invalid(field, "an object") }
        let start = position
        try skipValue()
        guard position - start <= bytesMax else {
            throw .invalid(field, "an object of at most \(bytesMax) bytes")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }
}

extension Rejection {
    /// The field breaks a rule; the rule completes "expected …".
    package static func invalid(_ field: String, _ expectation: String) -> Rejection {
        Rejection(code: .invalidField, field: field, message: "expected \(expectation)")
    }

    package static func missing(_ field: String, _ expectation: String) -> Rejection {
        Rejection(code: .missingField, field: field, message: "expected \(expectation)")
    }

    /// - Parameter names: those that there are. The nearest is told, or all where they are few.
    package static func unknown(
        _ field: String, among names: some Collection<String> = [] as [String]
    ) -> Rejection {
        let field = String(field.prefix(WireBounds.nameBytesMax))
        let last = field.split(separator: ".").last.map(String.init) ?? field
        var message = "there is no such field here"
        if let nearest = Spelling.nearest(to: last, among: names) {
            message += "; did you mean '\(nearest)'?"
        } else if !names.isEmpty, names.count <= fieldsToldMax {
            message += "; expected one of \(names.sorted().joined(separator: ", "))"
        }
        return Rejection(code: .unknownField, field: field, message: message)
    }

    private static let fieldsToldMax = 24

    package static func repeated(_ field: String) -> Rejection {
        Rejection(code: .invalidField, field: field, message: "expected the field only once")
    }

    /// The same rejection as seen from around the value: `quantities` in `events[3]` is
    /// `events[3].quantities`.
    package func within(_ path: String) -> Rejection {
        let inner = field.isEmpty || field.hasPrefix("[") ? field : "." + field
        return Rejection(code: code, field: path + inner, message: message)
    }

    /// As ``within(_:)`` for a member of the same text: a syntax error has its offset, and no path.
    func inside(_ field: String) -> Rejection {
        code == .malformed ? self : within(field)
    }
}
