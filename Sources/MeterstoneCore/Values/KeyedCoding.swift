/// Dictionaries with identifier keys travel as JSON objects, which `Codable` does for `String` only.
extension Dictionary where Key: TextIdentifier {
    var keyedByText: [String: Value] {
        Dictionary<String, Value>(map { ($0.key.text, $0.value) }, uniquingKeysWith: { $1 })
    }
}

extension TextIdentifier {
    static func keyed<Value, Keys: CodingKey>(
        _ values: [String: Value],
        _ container: KeyedDecodingContainer<Keys>,
        _ field: Keys
    ) throws -> [Self: Value] {
        var result: [Self: Value] = [:]
        for (text, value) in values {
            guard let key = Self(text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: field, in: container,
                    debugDescription: "'\(text)': expected \(Self.expectation)")
            }
            result[key] = value
        }
        return result
    }
}
