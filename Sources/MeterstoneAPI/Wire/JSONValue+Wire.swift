package import MeterstoneCore

extension JSONValue: WireValue {
    /// `nil`: a number in it is beyond what IEEE 754 holds.
    package init?(_ node: WireNode) {
        switch node.content {
        case .null: self = .null
        case .boolean(let flag): self = .boolean(flag)
        case .text(let text): self = .text(text)
        case .number(let text):
            if let number = Int64(node) {
                self = .integer(number)
            } else if let number = Double(text), number.isFinite {
                self = .number(number)
            } else {
                return nil
            }
        case .array:
            guard let elements = [JSONValue](node) else { return nil }
            self = .array(elements)
        case .object:
            guard let members = [String: JSONValue](node) else { return nil }
            self = .object(members)
        }
    }
}

extension Wire<JSONValue> {
    /// Whatever it is.
    package static var value: Wire { Wire(.anything) { value, writer in value.write(to: &writer) } }
}

extension JSONValue {
    /// Objects with their members in the order of their names.
    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .boolean(let flag): writer.boolean(flag)
        case .integer(let number): writer.integer(number)
        case .number(let number): writer.json(number.description)
        case .text(let text): writer.string(text)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(to: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                writer.name(text: name)
                member.write(to: &writer)
            }
            writer.endObject()
        }
    }
}
