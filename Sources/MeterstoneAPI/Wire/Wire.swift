package import MeterstoneCore

/// How values of one type cross the wire, told once: their JSON Schema, and how they are written.
package struct Wire<Value>: Sendable {
    package let schema: WireSchema
    package let write: @Sendable (Value, inout JSONWriter) -> Void

    package init(
        _ schema: WireSchema, _ write: @escaping @Sendable (Value, inout JSONWriter) -> Void
    ) {
        self.schema = schema
        self.write = write
    }

    /// The same for another type, of which this one is the form on the wire.
    package func of<Other>(_ form: @escaping @Sendable (Other) -> Value) -> Wire<Other> {
        Wire<Other>(schema) { value, writer in write(form(value), &writer) }
    }

    /// `null` where there is no value.
    package var orNull: Wire<Value?> {
        Wire<Value?>(schema.orNull) { value, writer in
            if let value { write(value, &writer) } else { writer.null() }
        }
    }

    /// - Parameter bounds: what else the schema says of the array, with a comma before it.
    package func list(_ bounds: String = "") -> Wire<[Value]> {
        Wire<[Value]>(.type("array", #","items":\#(schema.json)\#(bounds)"#)) { values, writer in
            writer.beginArray()
            for value in values { write(value, &writer) }
            writer.endArray()
        }
    }

    /// An object with a member for each name.
    ///
    /// - Parameter pattern: what all names match.
    package func byName(_ pattern: String? = nil) -> Wire<[(name: String, value: Value)]> {
        let names = pattern.map { #","propertyNames":{"pattern":"\#($0)"}"# } ?? ""
        return Wire<[(name: String, value: Value)]>(
            .type("object", #"\#(names),"additionalProperties":\#(schema.json)"#)
        ) { members, writer in
            writer.beginObject()
            for member in members {
                writer.name(text: member.name)
                write(member.value, &writer)
            }
            writer.endObject()
        }
    }
}

/// A JSON Schema of one value. A reference names a schema alone: `{"$ref":"Key"}`.
package struct WireSchema: Sendable, Hashable {
    package let json: String
    private let jsonOrNull: String

    /// The same, or `null`.
    package var orNull: WireSchema { WireSchema(json: jsonOrNull, jsonOrNull: jsonOrNull) }

    private init(json: String, jsonOrNull: String) {
        self.json = json
        self.jsonOrNull = jsonOrNull
    }

    /// One that stands in the description by its name.
    package static func named(_ name: String) -> WireSchema {
        WireSchema(
            json: #"{"$ref":"\#(name)"}"#,
            jsonOrNull: #"{"anyOf":[{"$ref":"\#(name)"},{"type":"null"}]}"#)
    }

    /// A type of JSON, and what else the schema says of it, with a comma before it.
    package static func type(_ type: String, _ more: String = "") -> WireSchema {
        WireSchema(
            json: #"{"type":"\#(type)"\#(more)}"#,
            jsonOrNull: #"{"type":["\#(type)","null"]\#(more)}"#)
    }

    package static func oneOf(_ texts: [String]) -> WireSchema {
        let list = texts.map { "\"\($0)\"" }.joined(separator: ",")
        return WireSchema(
            json: #"{"enum":[\#(list)]}"#, jsonOrNull: #"{"enum":[\#(list),null]}"#)
    }

    package static func always(_ value: String) -> WireSchema {
        WireSchema(
            json: #"{"const":\#(value)}"#, jsonOrNull: #"{"enum":[\#(value),null]}"#)
    }

    /// One that stands where it is used.
    package static func inline(_ json: String) -> WireSchema {
        WireSchema(json: json, jsonOrNull: #"{"anyOf":[\#(json),{"type":"null"}]}"#)
    }

    package static let anything = WireSchema(json: "true", jsonOrNull: "true")
}

// MARK: - Values

extension Wire<Int64> {
    package static var integer: Wire { Wire(.type("integer")) { $1.integer($0) } }
    /// Never below 0.
    package static var quantity: Wire { Wire(.named("Quantity")) { $1.integer($0) } }

    package static func integer(from least: Int64) -> Wire {
        Wire(.type("integer", #","minimum":\#(least)"#)) { $1.integer($0) }
    }

    package static func integer(in range: ClosedRange<Int64>) -> Wire {
        Wire(
            .type("integer", #","minimum":\#(range.lowerBound),"maximum":\#(range.upperBound)"#)
        ) { $1.integer($0) }
    }
}

extension Wire<Int> {
    package static var count: Wire { Wire<Int64>.quantity.of { (value: Int) in Int64(value) } }
}

extension Wire<Quantity> {
    /// A correction may leave less than nothing.
    package static var units: Wire<Quantity> { Wire<Int64>.integer.of(\Quantity.units) }
}

extension Wire<Allowance> {
    package static var allowance: Wire { Wire(.named("Allowance")) { $1.integer($0.wire) } }
}

extension Wire<Bool> {
    package static var flag: Wire { Wire(.type("boolean")) { $1.boolean($0) } }

    /// Where the answer exists only when it is so.
    package static func always(_ value: Bool) -> Wire {
        Wire(.always(value ? "true" : "false")) { $1.boolean($0) }
    }
}

extension Wire<String> {
    package static var text: Wire { Wire(.type("string")) { $1.string($0) } }
    package static var name: Wire { Wire(.named("Name")) { $1.string($0) } }

    package static func text(_ pattern: String) -> Wire {
        Wire(.type("string", #","pattern":"\#(pattern)""#)) { $1.string($0) }
    }

    package static func oneOf(_ texts: [String]) -> Wire { Wire(.oneOf(texts)) { $1.string($0) } }

    /// JSON that somebody sent, or that stands in the store.
    package static func json(_ schema: WireSchema) -> Wire { Wire(schema) { $1.json($0) } }
}

extension Wire where Value: TextIdentifier {
    package static var key: Wire { Wire(.named("Key")) { $1.string($0.text) } }
    package static var name: Wire { Wire(.named("Name")) { $1.string($0.text) } }
}

extension Wire where Value: NamedChoice & Sendable {
    package static var choice: Wire {
        Wire(.oneOf(Value.allCases.map(\.rawValue))) { $1.string($0.rawValue) }
    }
}

extension Wire<EventID> {
    package static var name: Wire { Wire(.named("Name")) { $1.string($0.text) } }
}

extension Wire<Window> {
    package static var window: Wire { Wire(.named("Window")) { $1.string($0.text) } }
    /// One that usage can be listed by.
    package static var ofUsage: Wire { Wire(.named("UsageWindow")) { $1.string($0.text) } }
}

extension Wire<Instant> {
    package static var instant: Wire { Wire(.named("Instant")) { $1.string($0.rfc3339) } }
}

extension Wire<CivilDate> {
    package static var date: Wire {
        Wire(.type("string", #","format":"date""#)) { $1.string($0.description) }
    }
}

extension Wire<Ratio> {
    package static var number: Wire { Wire(.type("number")) { $1.json($0.decimal) } }
}

extension Wire<Quantities> {
    package static var quantities: Wire {
        Wire<Int64>.quantity.byName().of { (value: Quantities) in
            value.pairs.map { ($0.name.text, $0.quantity.units) }
        }
    }
}

extension Wire<[String: String]> {
    package static var texts: Wire {
        Wire<String>.text.byName().of { (value: [String: String]) in
            value.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }
}
