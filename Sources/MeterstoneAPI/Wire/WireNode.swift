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
    enum Content {
        case null
        case boolean(Bool)
        case number(String)
        case text(String)
        case array([WireNode])
        case object([String: WireNode])
    }

    let content: Content
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
