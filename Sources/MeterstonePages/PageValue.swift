import MeterstoneCore

/// What the interface answered, as a page reads it: any JSON.
///
/// A member that is not there is ``none``, as is `null`, so that a page says in one line what it shows.
package enum PageValue: Hashable, Sendable {
    case none
    case flag(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([PageValue])
    case object([String: PageValue])

    package subscript(name: String) -> PageValue {
        guard case .object(let members) = self else { return .none }
        return members[name] ?? .none
    }

    var list: [PageValue] {
        guard case .list(let values) = self else { return [] }
        return values
    }

    var members: [String: PageValue] {
        guard case .object(let members) = self else { return [:] }
        return members
    }

    package var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .number(let number): Int64(exactly: number.rounded())
        default: nil
        }
    }

    var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    var isTrue: Bool { self == .flag(true) }

    var instant: Instant? { text.flatMap { Instant(rfc3339: $0) } }
}

extension PageValue: Decodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .none
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let number = try? container.decode(Int64.self) {
            self = .integer(number)
        } else if let members = try? container.decode([String: PageValue].self) {
            self = .object(members)
        } else if let values = try? container.decode([PageValue].self) {
            self = .list(values)
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else {
            self = .number(try container.decode(Double.self))
        }
    }
}
