/// A choice that is written as its name. One that is not there is refused with a sentence that says
/// which there are.
public protocol NamedChoice: RawRepresentable, CaseIterable, Codable where RawValue == String {}

extension NamedChoice {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let choice = Self(rawValue: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self = choice
    }

    /// `one of trialing, active, pastDue`.
    package static var expectation: String {
        "one of \(allCases.map(\.rawValue).joined(separator: ", "))"
    }
}
