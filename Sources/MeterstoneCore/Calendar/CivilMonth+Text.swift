extension CivilMonth {
    public static let expectation = "a month such as 2026-10"

    /// Reads `2026-10`; `nil` when the text is no month of the years 1 to 9999.
    public init?(_ text: String) {
        guard let first = CivilDate(text + "-01"), first.year >= 1 else { return nil }
        self.init(containing: first)
    }

    /// As it is read.
    public var text: String { String(first.description.dropLast(3)) }

    /// The month after.
    package var next: CivilMonth { CivilMonth(number: number + 1) }
}

extension CivilMonth: CustomStringConvertible {
    public var description: String { text }
}

extension CivilMonth: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let month = CivilMonth(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self = month
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
