package import MeterstoneCore

/// A string of a JSON text that was found valid: where it stands, quotes excluded.
package struct JSONText: Sendable {
    package let range: Range<Int>
    /// Whether the text is the bytes as they stand.
    package let hasEscapes: Bool
}

extension JSONReader {
    /// Reads a string and checks its escapes, its surrogates and its UTF-8.
    package mutating func scanString() throws(Rejection) -> JSONText {
        guard next == UInt8(ascii: "\"") else { throw malformed("expected a string") }
        let start = position + 1
        var index = start
        var hasEscapes = false
        var isASCII = true
        scanning: while true {
            guard index < end else { throw malformed("the string does not end", at: start - 1) }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                break scanning
            case UInt8(ascii: "\\"):
                hasEscapes = true
                index = try endOfEscape(at: index)
            case 0..<0x20:
                throw malformed("a control character in a string must be escaped", at: index)
            case 0x80...:
                isASCII = false
                index += 1
            default:
                index += 1
            }
        }
        if !isASCII { try requireUTF8(start..<index) }
        advance(to: index + 1)
        return JSONText(range: start..<index, hasEscapes: hasEscapes)
    }

    private func requireUTF8(_ range: Range<Int>) throws(Rejection) {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span.extracting(range))
        } catch {
            throw malformed("expected UTF-8", at: range.lowerBound + error.byteOffsets.lowerBound)
        }
    }

    /// The string's value.
    package func text(of string: JSONText) -> String {
        string.hasEscapes
            ? unescaped(string.range)
            : String(decoding: bytes[string.range], as: UTF8.self)
    }
}

// MARK: - Escapes

extension JSONReader {
    /// Checks the escape whose backslash stands at the index, and returns where it ends.
    private func endOfEscape(at index: Int) throws(Rejection) -> Int {
        guard index + 1 < end else { throw malformed("the string does not end", at: index) }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return index + 2
        case UInt8(ascii: "u"):
            return try endOfUnicodeEscape(at: index)
        default:
            throw malformed("unknown escape", at: index)
        }
    }

    private func endOfUnicodeEscape(at index: Int) throws(Rejection) -> Int {
        guard let unit = codeUnit(at: index) else {
            throw malformed("expected four hexadecimal digits after '\\u'", at: index)
        }
        guard 0xD800...0xDFFF ~= unit else { return index + 6 }
        guard unit < 0xDC00, let low = codeUnit(at: index + 6), 0xDC00...0xDFFF ~= low else {
            throw malformed("a surrogate stands alone", at: index)
        }
        return index + 12
    }

    /// The UTF-16 code unit that an escape `\uXXXX` at the index stands for, if one stands there.
    private func codeUnit(at index: Int) -> UInt32? {
        guard index + 6 <= end, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt32 = 0
        for digit in bytes[index + 2..<index + 6] {
            guard let value = hexadecimalValue(digit) else { return nil }
            unit = unit << 4 | UInt32(value)
        }
        return unit
    }

    private func unescaped(_ range: Range<Int>) -> String {
        var text = ""
        var index = range.lowerBound
        var plain = index
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            text += String(decoding: bytes[plain..<index], as: UTF8.self)
            let (scalar, length) = escape(at: index)
            text.unicodeScalars.append(scalar)
            index += length
            plain = index
        }
        return text + String(decoding: bytes[plain..<range.upperBound], as: UTF8.self)
    }

    /// What a checked escape stands for, and how many bytes it has.
    private func escape(at index: Int) -> (scalar: Unicode.Scalar, length: Int) {
        switch bytes[index + 1] {
        case UInt8(ascii: "b"): ("\u{8}", 2)
        case UInt8(ascii: "f"): ("\u{C}", 2)
        case UInt8(ascii: "n"): ("\n", 2)
        case UInt8(ascii: "r"): ("\r", 2)
        case UInt8(ascii: "t"): ("\t", 2)
        case UInt8(ascii: "u"): unicodeEscape(at: index)
        default: (Unicode.Scalar(bytes[index + 1]), 2)
        }
    }

    private func unicodeEscape(at index: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let unit = codeUnit(at: index) ?? 0xFFFD
        if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
        let low = codeUnit(at: index + 6) ?? 0xDC00
        let scalar = Unicode.Scalar(0x10000 + ((unit & 0x3FF) << 10 | low & 0x3FF))
        return (scalar ?? "\u{FFFD}", 12)
    }
}

/// The value of a hexadecimal digit, or `nil` for every other byte.
func hexadecimalValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
