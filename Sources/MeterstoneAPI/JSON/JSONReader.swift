package import MeterstoneCore

/// Reads one JSON text from bytes, strictly after RFC 8259, in one pass and without a tree.
///
/// Our own because nothing that is counted may pass through a binary floating-point number, because
/// free-form properties are kept as the text that they are, and because ingest is measured in
/// millions of events a second. Stricter than RFC 8259 where that leaves a choice: text is valid
/// UTF-8 without a byte order mark, surrogates come in pairs, and nesting is bounded.
///
/// Every mistake is a ``Rejection`` with the code `malformed` and the offset of the byte.
package struct JSONReader: Sendable {
    let bytes: [UInt8]
    let end: Int
    package private(set) var position: Int
    private(set) var depth = 0

    package init(_ bytes: [UInt8]) {
        self.init(bytes, range: bytes.startIndex..<bytes.endIndex)
    }

    /// Reads the part of the bytes that the range selects.
    package init(_ bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The byte to read next; 0, which no JSON text has outside a string, at the end.
    @inline(__always)
    var next: UInt8 {
        position < end ? bytes[position] : 0
    }

    @inline(__always)
    mutating func advance(to position: Int) {
        self.position = position
    }

    @inline(__always)
    package mutating func skipSpace() {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// A place to come back to, without a copy of the bytes.
    struct Mark {
        fileprivate let position: Int
        fileprivate let depth: Int
    }

    var mark: Mark { Mark(position: position, depth: depth) }

    mutating func rewind(to mark: Mark) {
        position = mark.position
        depth = mark.depth
    }

    func malformed(_ message: String, at offset: Int? = nil) -> Rejection {
        Rejection(
            code: .malformed, field: "", message: "byte \(offset ?? position): \(message)")
    }

    /// Throws unless nothing but white space is left.
    package mutating func finish() throws(Rejection) {
        skipSpace()
        guard position == end else { throw malformed("expected the end of the text") }
    }
}

// MARK: - Kinds

/// What a JSON value is, told from its first byte.
package enum JSONKind: Sendable {
    case object, array, string, number, boolean, null
    /// No value starts with that byte.
    case none
}

extension JSONReader {
    /// What comes next, white space skipped.
    package mutating func kind() -> JSONKind {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        default: return .none
        }
    }

    /// Skips a `null` and says so; leaves everything else.
    @inline(__always)
    package mutating func skipNull() throws(Rejection) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: "n") else { return false }
        try scanLiteral()
        return true
    }

    /// Reads `true`, `false` or `null`, and returns whether it was `true`.
    @discardableResult
    package mutating func scanLiteral() throws(Rejection) -> Bool {
        let literal: StaticString
        switch next {
        case UInt8(ascii: "t"): literal = "true"
        case UInt8(ascii: "f"): literal = "false"
        default: literal = "null"
        }
        let text = literal.description.utf8
        guard end - position >= text.count,
            bytes[position..<position + text.count].elementsEqual(text)
        else { throw malformed("expected a value") }
        position += text.count
        return literal.description == "true"
    }
}

// MARK: - Objects and arrays

extension JSONReader {
    package mutating func enterObject() throws(Rejection) {
        try enter(UInt8(ascii: "{"), "expected an object")
    }

    package mutating func enterArray() throws(Rejection) {
        try enter(UInt8(ascii: "["), "expected an array")
    }

    private mutating func enter(_ opening: UInt8, _ expectation: String) throws(Rejection) {
        skipSpace()
        guard next == opening else { throw malformed(expectation) }
        guard depth < WireBounds.depthMax else { throw tooDeep() }
        position += 1
        depth += 1
    }

    func tooDeep() -> Rejection {
        malformed("nested deeper than \(WireBounds.depthMax) levels")
    }

    /// Reads a member's name and its colon, or leaves the object and returns `nil`.
    ///
    /// - Parameter isFirst: starts as `true`, and is kept by the caller between the members.
    @inline(__always)
    package mutating func nextName(_ isFirst: inout Bool) throws(Rejection) -> JSONText? {
        guard try nextItem(&isFirst, closing: UInt8(ascii: "}")) else { return nil }
        return try scanName()
    }

    /// Whether another element follows; if not, the array is left.
    @inline(__always)
    package mutating func nextElement(_ isFirst: inout Bool) throws(Rejection) -> Bool {
        try nextItem(&isFirst, closing: UInt8(ascii: "]"))
    }

    private mutating func nextItem(
        _ isFirst: inout Bool, closing: UInt8
    ) throws(Rejection) -> Bool {
        skipSpace()
        if next == closing {
            position += 1
            depth -= 1
            return false
        }
        if !isFirst {
            guard next == UInt8(ascii: ",") else {
                throw malformed(
                    closing == UInt8(ascii: "}") ? "expected ',' or '}'" : "expected ',' or ']'")
            }
            position += 1
        }
        isFirst = false
        return true
    }

    mutating func scanName() throws(Rejection) -> JSONText {
        skipSpace()
        guard next == UInt8(ascii: "\"") else { throw malformed("expected a member's name") }
        let name = try scanString()
        skipSpace()
        guard next == UInt8(ascii: ":") else { throw malformed("expected ':'") }
        position += 1
        return name
    }
}
