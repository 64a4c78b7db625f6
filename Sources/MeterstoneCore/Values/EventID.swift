/// The caller's key for a usage event: the same id (per source) is counted once.
///
/// A lower-case UUID is kept as its sixteen bytes; every other text as it is. Both compare and
/// print the same way, so that nobody outside sees the difference.
public enum EventID: Hashable, Sendable {
    case uuid(UInt64, UInt64)
    case text(String)

    public static let expectation = "1 to 255 bytes of UTF-8 without control characters"

    /// `nil` when the text breaks the rule that ``expectation`` states.
    public init?(_ text: String) {
        guard SubjectID.isValid(text) else { return nil }
        self = Self.uuid(parsing: text) ?? .text(text)
    }

    private static func uuid(parsing text: String) -> EventID? {
        let utf8 = text.utf8
        guard utf8.count == 36 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        var digits = 0
        for (index, byte) in utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == 0x2D else { return nil }
                continue
            }
            let digit: UInt64
            switch byte {
            case 0x30...0x39: digit = UInt64(byte - 0x30)
            case 0x61...0x66: digit = UInt64(byte - 0x61 + 10)
            default: return nil
            }
            if digits < 16 { high = high << 4 | digit } else { low = low << 4 | digit }
            digits += 1
        }
        return .uuid(high, low)
    }

    /// The id as it was given.
    public var text: String {
        switch self {
        case .text(let text): text
        case .uuid(let high, let low): Self.uuidText(high, low)
        }
    }

    private static func uuidText(_ high: UInt64, _ low: UInt64) -> String {
        unsafe String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    unsafe buffer[position] = 0x2D
                    position += 1
                }
                let word = digit < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64((15 - digit % 16) * 4)) & 0xF
                unsafe buffer[position] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
                position += 1
            }
            return 36
        }
    }
}

extension EventID: CustomStringConvertible {
    public var description: String { text }
}

extension EventID: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = EventID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
