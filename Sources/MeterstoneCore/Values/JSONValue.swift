/// Any JSON.
public enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// A number with a fraction: somebody else's data, that nothing here computes with. Bodies may hold
    /// those that IEEE 754 binary64 gives back as they were told (RFC 8259, section 6).
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// What becomes of this value under a JSON Merge Patch (RFC 7396): members that are `null` go,
    /// objects are merged, and everything else is replaced as a whole, arrays included.
    public func merging(_ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members: [String: JSONValue] = [:]
        if case .object(let known) = self { members = known }
        for (name, change) in changes {
            members[name] = change == .null ? nil : (members[name] ?? .null).merging(change)
        }
        return .object(members)
    }

    /// Paths of the members in which two objects differ, sorted.
    package func differences(from other: JSONValue) -> [String] {
        guard case .object(let own) = self, case .object(let known) = other else {
            return self == other ? [] : [""]
        }
        return Set(own.keys).union(known.keys).sorted().flatMap { name in
            (own[name] ?? .null).differences(from: known[name] ?? .null).map {
                $0.isEmpty ? name : "\(name).\($0)"
            }
        }
    }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .boolean(flag)
        } else if let number = try? container.decode(Int64.self) {
            self = .integer(number)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let elements = try? container.decode([JSONValue].self) {
            self = .array(elements)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let flag): try container.encode(flag)
        case .integer(let number): try container.encode(number)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .array(let elements): try container.encode(elements)
        case .object(let members): try container.encode(members)
        }
    }
}
