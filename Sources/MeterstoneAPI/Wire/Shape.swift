/// The members of one kind of object, each told once: what it is called, what it says, and how it is written.
///
/// The JSON of answers and their schemas in the description come from it, so that they cannot differ. What a
/// client reads stands beside it, and a test holds the two together.
package struct Shape<Value>: Sendable {
    /// What the schema is called, where it stands in the description by its name.
    package let name: String?
    package let members: [Member<Value>]
    private let make: Make?

    package typealias Make = @Sendable (WireFields) throws(WireMismatch) -> Value

    /// - Parameter make: puts a value together from its members; `nil`: no client of ours reads it.
    package init(_ name: String?, _ members: [Member<Value>], _ make: Make? = nil) {
        self.name = name
        self.members = members
        self.make = make
    }

    /// One whose schema stands where it is used.
    package init(_ members: [Member<Value>], _ make: Make? = nil) { self.init(nil, members, make) }

    package func read(_ fields: WireFields) throws(WireMismatch) -> Value {
        guard let make else {
            throw WireMismatch(path: "", expectation: "an object that clients read")
        }
        return try make(fields)
    }

    package func read(_ json: [UInt8]) throws(WireMismatch) -> Value {
        try read(WireFields(json))
    }

    /// The schema of the object itself.
    package var definition: String {
        let required = members.filter(\.isRequired).map { "\"\($0.name)\"" }
        return #"{"type":"object","required":[\#(required.joined(separator: ","))],"#
            + #""additionalProperties":false,"properties":{\#(properties)}}"#
    }

    /// What a schema says of each member, for one with others beside them.
    package var properties: String {
        members.map { "\"\($0.name)\":\($0.described)" }.joined(separator: ",")
    }

    package var wire: Wire<Value> {
        let schema = name.map { WireSchema.named($0) } ?? WireSchema.inline(definition)
        return Wire(schema) { value, writer in
            writer.beginObject()
            writer.members(of: value, self)
            writer.endObject()
        }
    }

    /// The same members in the shape of another value, of which this one is a part.
    package func members<Whole>(
        of part: @escaping @Sendable (Whole) -> Value
    ) -> [Member<Whole>] {
        members.map { $0.of(part) }
    }
}

/// A member of an object.
package struct Member<Value>: Sendable {
    package let name: String
    /// `false`: it may be left out.
    package let isRequired: Bool
    package let schema: WireSchema
    /// What it says, in a sentence.
    package let sentence: String
    fileprivate let write: @Sendable (Value, inout JSONWriter) -> Void

    /// One that is always there.
    package init<Part>(
        _ name: StaticString, _ wire: Wire<Part>,
        _ part: @escaping @Sendable (Value) -> Part, _ sentence: String = ""
    ) {
        self.init(name, isRequired: true, wire.schema, sentence) { value, writer in
            writer.name(name)
            wire.write(part(value), &writer)
        }
    }

    /// One that is left out where there is nothing to say.
    package init<Part>(
        maybe name: StaticString, _ wire: Wire<Part>,
        _ part: @escaping @Sendable (Value) -> Part?, _ sentence: String = ""
    ) {
        self.init(name, isRequired: false, wire.schema, sentence) { value, writer in
            guard let part = part(value) else { return }
            writer.name(name)
            wire.write(part, &writer)
        }
    }

    private init(
        _ name: StaticString, isRequired: Bool, _ schema: WireSchema, _ sentence: String,
        _ write: @escaping @Sendable (Value, inout JSONWriter) -> Void
    ) {
        self.name = name.description
        self.isRequired = isRequired
        self.schema = schema
        self.sentence = sentence
        self.write = write
    }

    fileprivate func of<Whole>(_ part: @escaping @Sendable (Whole) -> Value) -> Member<Whole> {
        Member<Whole>(self, part)
    }

    private init<Part>(_ member: Member<Part>, _ part: @escaping @Sendable (Value) -> Part) {
        name = member.name
        isRequired = member.isRequired
        schema = member.schema
        sentence = member.sentence
        write = { value, writer in member.write(part(value), &writer) }
    }

    /// The schema with the sentence in it.
    fileprivate var described: String {
        guard !sentence.isEmpty, schema.json.hasPrefix("{") else { return schema.json }
        return schema.json.dropLast() + #","description":"\#(sentence)"}"#
    }

    fileprivate func append(_ value: Value, to writer: inout JSONWriter) { write(value, &writer) }
}

extension JSONWriter {
    package mutating func object<Value>(_ value: Value, _ shape: Shape<Value>) {
        beginObject()
        members(of: value, shape)
        endObject()
    }

    package mutating func members<Value>(of value: Value, _ shape: Shape<Value>) {
        for member in shape.members { member.append(value, to: &self) }
    }
}
