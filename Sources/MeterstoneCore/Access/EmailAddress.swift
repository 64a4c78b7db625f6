/// An e-mail address by which somebody is known, in small letters: `ann@example.com`.
///
/// Nobody tells two people apart by the case of a letter, so that addresses are compared, and stored, folded.
public struct EmailAddress: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }

    /// Takes an address as people write it; `nil`: it is none.
    public init?(folding text: String) {
        let folded = text.lowercased()
        guard Self.isValid(folded) else { return nil }
        self.init(unchecked: folded)
    }

    public static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (3...254).contains(bytes.count), bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
            text == text.lowercased()
        else { return false }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
    }

    public static var expectation: String { "an e-mail address of at most 254 bytes" }

    /// Takes in what was written with capitals, too.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = Self(folding: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self = address
    }
}
