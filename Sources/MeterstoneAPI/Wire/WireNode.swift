package import MeterstoneCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One value of a JSON text that came over the wire.
///
/// For answers that a client reads, which are short. Events and other bodies that a server takes in are
/// read without a tree.
package struct WireNode: Sendable {
    fileprivate enum Content {
        case null
        case boolean(Bool)
        case number(String)
        case text(String)
        case array([WireNode])
        case object([String: WireNode])
    }

    fileprivate let content: Content
    /// The text of the value, as it came.
    package let json: ArraySlice<UInt8>

    package init(_ json: [UInt8]) throws(Rejection) {
        var reader = JSONReader(json)
        self = try WireNode(next: &reader)
        try reader.finish()
    }

    private init(next reader: inout JSONReader) throws(Rejection) {
        let kind = reader.kind()
        let start = reader.position
        switch kind {
        case .object:
            var members: [String: WireNode] = [:]
            var isFirst = true
            try reader.enterObject()
            while let name = try reader.nextName(&isFirst) {
                members[reader.text(of: name)] = try WireNode(next: &reader)
            }
            content = .object(members)
        case .array:
            var elements: [WireNode] = []
            var isFirst = true
            try reader.enterArray()
            while try reader.nextElement(&isFirst) { elements.append(try WireNode(next: &reader)) }
            content = .array(elements)
        case .string: content = .text(reader.text(of: try reader.scanString()))
        case .number:
            try reader.skipValue()
            content = .number(
                String(decoding: reader.bytes[start..<reader.position], as: UTF8.self))
        case .boolean: content = .boolean(try reader.scanLiteral())
        case .null, .none:
            try reader.scanLiteral()
            content = .null
        }
        json = reader.bytes[start..<reader.position]
    }
}

/// What a member of an answer can be read as.
package protocol WireValue {
    /// `nil`: it is something else.
    init?(_ node: WireNode)
    /// What a member stands for that is not there; `nil`: it has to be.
    static var absent: Self? { get }
}

extension WireValue {
    package static var absent: Self? { nil }
}

/// The members of an object that came over the wire, each read as what is wanted there.
package struct WireFields: Sendable {
    private let members: [String: WireNode]
    private let path: String

    /// Reads a whole body.
    package init(_ json: [UInt8]) throws(WireMismatch) {
        let node: WireNode
        do throws(Rejection) { node = try WireNode(json) } catch {
            throw WireMismatch(path: "", expectation: "JSON (\(error.message))")
        }
        self = try WireFields(node, "")
    }

    private init(_ node: WireNode, _ path: String) throws(WireMismatch) {
        guard case .object(let members) = node.content else {
            throw WireMismatch(path: path, expectation: "an object")
        }
        self.members = members
        self.path = path
    }

    private func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    package func contains(_ name: String) -> Bool { members[name] != nil }

    /// A member of whatever type is wanted. Members that nobody asks for may be there: newer servers
    /// tell more.
    package func callAsFunction<Value: WireValue>(
        _ name: String, as _: Value.Type = Value.self
    ) throws(WireMismatch) -> Value {
        guard let node = members[name] else {
            if let absent = Value.absent { return absent }
            throw WireMismatch(path: path(of: name), expectation: "a value")
        }
        guard let value = Value(node) else {
            throw WireMismatch(path: path(of: name), expectation: "\(Value.self)")
        }
        return value
    }

    /// An object with members of its own.
    package func callAsFunction<Value>(
        _ name: String, _ shape: Shape<Value>
    ) throws(WireMismatch) -> Value {
        guard let value = try self(name, maybe: shape) else {
            throw WireMismatch(path: path(of: name), expectation: "an object")
        }
        return value
    }

    /// The same where it may be `null`, or not there.
    package func callAsFunction<Value>(
        _ name: String, maybe shape: Shape<Value>
    ) throws(WireMismatch) -> Value? {
        guard let node = members[name] else { return nil }
        if case .null = node.content { return nil }
        return try shape.read(WireFields(node, path(of: name)))
    }

    package func callAsFunction<Value>(
        _ name: String, listOf shape: Shape<Value>
    ) throws(WireMismatch) -> [Value] {
        try objects(name).map { (element) throws(WireMismatch) in try shape.read(element) }
    }

    package func object(_ name: String) throws(WireMismatch) -> WireFields {
        guard let node = members[name] else {
            throw WireMismatch(path: path(of: name), expectation: "an object")
        }
        return try WireFields(node, path(of: name))
    }

    package func objects(_ name: String) throws(WireMismatch) -> [WireFields] {
        guard let node = members[name], case .array(let elements) = node.content else {
            throw WireMismatch(path: path(of: name), expectation: "an array")
        }
        return try elements.enumerated().map { (index, element) throws(WireMismatch) in
            try WireFields(element, "\(path(of: name))[\(index)]")
        }
    }

    /// A thing that is written as it is stored.
    package func callAsFunction<Value: Decodable>(
        _ name: String, decoding _: Value.Type
    ) throws(WireMismatch) -> Value {
        guard let node = members[name], let value = Value(decoding: Array(node.json)) else {
            throw WireMismatch(path: path(of: name), expectation: "\(Value.self)")
        }
        return value
    }
}

extension Decodable {
    package init?(decoding json: [UInt8]) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(json)) else { return nil }
        self = value
    }
}

/// An answer that is not as it was declared.
package struct WireMismatch: Error, Hashable {
    /// Path of the member.
    package let path: String
    /// Completes "expected …".
    package let expectation: String

    package init(path: String, expectation: String) {
        self.path = path
        self.expectation = expectation
    }
}

// MARK: - Values

extension Optional: WireValue where Wrapped: WireValue {
    package init?(_ node: WireNode) {
        if case .null = node.content {
            self = .none
            return
        }
        guard let value = Wrapped(node) else { return nil }
        self = .some(value)
    }

    package static var absent: Self? { .some(.none) }
}

extension Array: WireValue where Element: WireValue {
    package init?(_ node: WireNode) {
        guard case .array(let elements) = node.content else { return nil }
        self = []
        for element in elements {
            guard let value = Element(element) else { return nil }
            append(value)
        }
    }
}

extension Dictionary: WireValue where Key == String, Value: WireValue {
    package init?(_ node: WireNode) {
        guard case .object(let members) = node.content else { return nil }
        self = [:]
        for (name, member) in members {
            guard let value = Value(member) else { return nil }
            self[name] = value
        }
    }
}

extension Bool: WireValue {
    package init?(_ node: WireNode) {
        guard case .boolean(let value) = node.content else { return nil }
        self = value
    }
}

extension Int64: WireValue {
    package init?(_ node: WireNode) {
        guard case .number(let text) = node.content else { return nil }
        self.init(text)
    }
}

extension Int: WireValue {
    package init?(_ node: WireNode) {
        guard let value = Int64(node) else { return nil }
        self.init(exactly: value)
    }
}

extension String: WireValue {
    package init?(_ node: WireNode) {
        guard case .text(let text) = node.content else { return nil }
        self = text
    }
}

extension WireValue where Self: TextIdentifier {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(text)
    }
}

extension SubjectID: WireValue {}
extension MeterKey: WireValue {}
extension LimitKey: WireValue {}
extension PlanKey: WireValue {}
extension GrantID: WireValue {}
extension MilestoneKey: WireValue {}

extension WireValue where Self: RawRepresentable, RawValue == String {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(rawValue: text)
    }
}

extension LimitMode: WireValue {}
extension ReservationStatus: WireValue {}
extension ExpiryPolicy: WireValue {}
extension OveragePolicy: WireValue {}
extension CreditSource: WireValue {}
extension EventStatus: WireValue {}
extension CorrectionNote.Kind: WireValue {}
extension Rejection.Code: WireValue {}

extension EventID: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(text)
    }
}

extension LedgerEntry.Kind: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node), let kind = Self.allCases.first(where: { $0.name == text })
        else { return nil }
        self = kind
    }
}

extension EntrySeal: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(text)
    }
}

extension Instant: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(rfc3339: text)
    }
}

extension Window: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(text)
    }
}

extension CivilDate: WireValue {
    package init?(_ node: WireNode) {
        guard let text = String(node) else { return nil }
        self.init(text)
    }
}

extension Quantity: WireValue {
    package init?(_ node: WireNode) {
        guard let units = Int64(node) else { return nil }
        self.init(units)
    }
}

extension Allowance: WireValue {
    package init?(_ node: WireNode) {
        guard let number = Int64(node) else { return nil }
        self.init(wire: number)
    }
}

extension Quantities: WireValue {
    package init?(_ node: WireNode) {
        guard let byName = [String: Quantity](node) else { return nil }
        self.init(
            byName.map { NamedQuantity(name: MeterKey(unchecked: $0.key), quantity: $0.value) })
    }
}

extension Ratio: WireValue {
    /// With the six digits that it is written with.
    package init?(_ node: WireNode) {
        guard case .number(let text) = node.content else { return nil }
        self.init(decimal: text)
    }
}

/// A value as it came, whatever it is.
package struct WireJSON: WireValue, Sendable {
    package let text: String

    package init?(_ node: WireNode) {
        text = String(decoding: node.json, as: UTF8.self)
    }
}
