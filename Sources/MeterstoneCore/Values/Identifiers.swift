/// A text that is known to satisfy the rules of its kind.
///
/// Parsing happens once, at the edge; from then on the type is the proof.
public protocol TextIdentifier: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// What a valid text looks like, for messages: "1 to 64 characters of A-Z, a-z, …".
    static var expectation: String { get }

    static func isValid(_ text: String) -> Bool

    var text: String { get }

    /// Trusts the caller: `isValid` holds for `text`.
    init(unchecked text: String)
}

extension TextIdentifier {
    /// `nil` when the text breaks the rules that ``TextIdentifier/expectation`` states.
    public init?(_ text: String) {
        guard Self.isValid(text) else { return nil }
        self.init(unchecked: text)
    }

    public var description: String { text }

    public static func < (lhs: Self, rhs: Self) -> Bool {
        lhs.text < rhs.text
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard Self.isValid(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self.init(unchecked: text)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// The rule that meter, plan, limit and milestone keys share: they appear in URLs, YAML and variable names.
private func isKey(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...64).contains(bytes.count) else { return false }
    return bytes.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E: true
        default: false
        }
    }
}

private let keyExpectation = "1 to 64 characters of A-Z, a-z, 0-9, '_', '-' and '.'"

/// The rule that subjects, event ids and sources share: anything printable that fits a page.
private func isName(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...255).contains(bytes.count) else { return false }
    return bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
}

private let nameExpectation = "1 to 255 bytes of UTF-8 without control characters"

/// Names a meter: what is counted.
public struct MeterKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names a plan: a set of allowances.
public struct PlanKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names a limit.
public struct LimitKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names an add-on: something that a subject has a number of, and that limits allow more for.
public struct AddOnKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// The caller's key for an addition to what a limit allows; unique among those of one subject or plan.
public struct AdditionID: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names a milestone: something that a subject reaches once.
public struct MilestoneKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names a language model whose tokens have a price.
public struct ModelKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isName(text) }
    public static var expectation: String { nameExpectation }
}

/// Names an alert.
public struct AlertKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names a webhook.
public struct WebhookKey: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names a key of the interface: how its secret begins.
public struct APIKeyID: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// Names a session, and is no secret.
public struct SessionID: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isKey(text) }
    public static var expectation: String { keyExpectation }
}

/// The caller's key for a credit grant; unique among the grants of one subject.
public struct GrantID: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isName(text) }
    public static var expectation: String { nameExpectation }
}

/// Names who or what usage is counted for: a user, a team, a shop, an API key.
public struct SubjectID: TextIdentifier {
    public let text: String
    public init(unchecked text: String) { self.text = text }
    public static func isValid(_ text: String) -> Bool { isName(text) }
    public static var expectation: String { nameExpectation }
}

/// Subjects are told apart by their bytes, as stores tell them apart. `String` takes texts as equal
/// that Unicode does, such as `é` in one scalar and in two.
extension SubjectID {
    public static func == (lhs: SubjectID, rhs: SubjectID) -> Bool {
        lhs.text.utf8.elementsEqual(rhs.text.utf8)
    }

    public static func < (lhs: SubjectID, rhs: SubjectID) -> Bool {
        lhs.text.utf8.lexicographicallyPrecedes(rhs.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var text = self.text
        text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
