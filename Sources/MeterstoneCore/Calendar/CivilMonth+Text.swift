extension CivilMonth {
    public static let expectation = "a month such as 2026-10"

    /// Reads `2026-10`; `nil` when the text is no month of the years 1 to 9999.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 4, parts[1].count == 2,
            let year = Self.number(parts[0]), let month = Self.number(parts[1]), year >= 1
        else { return nil }
        self.init(year: year, month: month)
    }

    private static func number(_ digits: Substring.UTF8View) -> Int? {
        var number = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number
    }

    /// As it is read.
    public var text: String {
        let (year, month) = (String(year), String(month))
        return String(repeating: "0", count: max(0, 4 - year.count)) + year
            + (month.count < 2 ? "-0" : "-") + month
    }

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
