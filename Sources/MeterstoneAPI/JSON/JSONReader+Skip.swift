package import MeterstoneCore

extension JSONReader {
    /// Reads any value, checks it completely, and keeps nothing of it.
    ///
    /// Not recursive: the open levels are the bits of one word, since there are at most
    /// ``WireBounds/depthMax`` of them.
    package mutating func skipValue() throws(Rejection) {
        var open = OpenLevels()
        repeat {
            if try !startValue(&open) { try endValues(&open) }
        } while !open.isEmpty
    }

    /// Reads a scalar, an empty container, or the start of a container up to its first value.
    /// Returns whether a container was opened.
    private mutating func startValue(_ open: inout OpenLevels) throws(Rejection) -> Bool {
        switch kind() {
        case .string: _ = try scanString()
        case .number: _ = try scanWholeNumber()
        case .boolean, .null: try scanLiteral()
        case .object, .array: return try startContainer(&open)
        case .none: throw malformed("expected a value")
        }
        return false
    }

    private mutating func startContainer(_ open: inout OpenLevels) throws(Rejection) -> Bool {
        guard depth + open.count < WireBounds.depthMax else { throw tooDeep() }
        let isObject = next == UInt8(ascii: "{")
        advance(to: position + 1)
        skipSpace()
        if next == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            advance(to: position + 1)
            return false
        }
        open.push(isObject: isObject)
        if isObject { _ = try scanName() }
        return true
    }

    /// After a value: closes what ends here, and goes on to the next value of what stays open.
    private mutating func endValues(_ open: inout OpenLevels) throws(Rejection) {
        while !open.isEmpty {
            skipSpace()
            switch (next, open.isObject) {
            case (UInt8(ascii: ","), let isObject):
                advance(to: position + 1)
                if isObject { _ = try scanName() }
                return
            case (UInt8(ascii: "}"), true), (UInt8(ascii: "]"), false):
                advance(to: position + 1)
                open.pop()
            default:
                throw malformed(open.isObject ? "expected ',' or '}'" : "expected ',' or ']'")
            }
        }
    }

    /// Throws unless the whole text, read from the mark on, is one JSON value.
    mutating func validate(from mark: Mark) throws(Rejection) {
        rewind(to: mark)
        try skipValue()
        try finish()
        rewind(to: mark)
    }

    /// Throws unless the whole text is one JSON value; the reader stays where it is.
    package mutating func validate() throws(Rejection) {
        try validate(from: mark)
    }
}

/// The containers that are open around a value, the innermost in the lowest bit.
private struct OpenLevels {
    private var objects: UInt64 = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var isObject: Bool { objects & 1 == 1 }

    mutating func push(isObject: Bool) {
        objects = objects << 1 | (isObject ? 1 : 0)
        count += 1
    }

    mutating func pop() {
        objects >>= 1
        count -= 1
    }
}
