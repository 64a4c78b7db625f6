import Foundation

/// Compares a value with a schema of JSON Schema, as far as our description uses it: a word that it does
/// not know is a mistake, too.
///
/// It is stricter in one thing: a member that the schema says nothing of is a mistake.
struct SchemaCheck {
    /// What references lead into.
    let document: JSON
    private(set) var mistakes: [String] = []

    init(_ document: JSON) {
        self.document = document
    }

    /// What a reference leads to, or the value itself.
    static func resolve(_ value: JSON, in document: JSON) -> JSON {
        guard let reference = value["$ref"]?.text else { return value }
        var node: JSON? = document
        for step in reference.split(separator: "/").dropFirst() { node = node?[String(step)] }
        return node ?? .null
    }

    mutating func compare(_ value: JSON, with schema: JSON, at place: String) {
        let schema = Self.resolve(schema, in: document)
        guard schema != .boolean(true) else { return }
        for (word, rule) in schema.members {
            switch word {
            case "description", "examples", "default", "format", "title", "readOnly": break
            case "type":
                let types = rule.text.map { [$0] } ?? rule.items.compactMap(\.text)
                if value.types.isDisjoint(with: types) { add(place, "is no \(types)") }
            case "enum": if !rule.items.contains(value) { add(place, "is none of \(rule.items)") }
            case "const": if rule != value { add(place, "is not \(rule)") }
            case "anyOf", "oneOf", "allOf": compareChoices(value, word, rule.items, place)
            default: compareParts(value, word, rule, schema, place)
            }
        }
    }

    private mutating func compareParts(
        _ value: JSON, _ word: String, _ rule: JSON, _ schema: JSON, _ place: String
    ) {
        switch value {
        case .number(let number): compareNumber(number, word, rule, place)
        case .text(let text): compareText(text, word, rule, place)
        case .list(let items): compareList(items, word, rule, place)
        case .object(let members): compareObject(members, word, rule, schema, place)
        case .null, .boolean: break
        }
        let known = [
            "minimum", "maximum", "minLength", "maxLength", "pattern", "items", "minItems",
            "maxItems",
            "uniqueItems", "properties", "required", "additionalProperties", "patternProperties",
            "propertyNames", "minProperties", "maxProperties",
        ]
        if !known.contains(word) { add(place, "is described with \(word)") }
    }

    private mutating func compareNumber(
        _ number: Double, _ word: String, _ rule: JSON, _ place: String
    ) {
        guard let bound = rule.number else { return }
        if word == "minimum", number < bound { add(place, "is less than \(bound)") }
        if word == "maximum", number > bound { add(place, "is more than \(bound)") }
    }

    private mutating func compareText(
        _ text: String, _ word: String, _ rule: JSON, _ place: String
    ) {
        let length = Double(text.unicodeScalars.count)
        switch word {
        case "minLength": if length < rule.number ?? 0 { add(place, "is too short") }
        case "maxLength": if length > rule.number ?? 0 { add(place, "is too long") }
        case "pattern":
            let pattern = rule.text.flatMap { try? NSRegularExpression(pattern: $0) }
            let range = NSRange(text.startIndex..., in: text)
            if pattern?.firstMatch(in: text, range: range) == nil {
                add(place, "'\(text)' does not match \(rule)")
            }
        default: break
        }
    }

    private mutating func compareList(
        _ items: [JSON], _ word: String, _ rule: JSON, _ place: String
    ) {
        switch word {
        case "minItems": if Double(items.count) < rule.number ?? 0 { add(place, "has too few") }
        case "maxItems": if Double(items.count) > rule.number ?? 0 { add(place, "has too many") }
        case "items":
            for (index, item) in items.enumerated() {
                compare(item, with: rule, at: "\(place)[\(index)]")
            }
        default: break
        }
    }

    private mutating func compareObject(
        _ members: [String: JSON], _ word: String, _ rule: JSON, _ schema: JSON, _ place: String
    ) {
        switch word {
        case "required":
            for name in rule.items.compactMap(\.text) where members[name] == nil {
                add("\(place).\(name)", "is missing")
            }
        case "properties":
            for (name, value) in members {
                if let property = rule[name] {
                    compare(value, with: property, at: "\(place).\(name)")
                } else if schema["additionalProperties"] == nil, schema["patternProperties"] == nil
                {
                    add("\(place).\(name)", "is not described")
                }
            }
        case "additionalProperties":
            for (name, value) in members where schema["properties"]?[name] == nil {
                if rule == .boolean(false) { add("\(place).\(name)", "must not be there") }
                compare(value, with: rule, at: "\(place).\(name)")
            }
        case "propertyNames":
            for name in members.keys { compare(.text(name), with: rule, at: "name in \(place)") }
        case "minProperties":
            if Double(members.count) < rule.number ?? 0 { add(place, "has too few members") }
        default: break
        }
    }

    private mutating func compareChoices(
        _ value: JSON, _ word: String, _ schemas: [JSON], _ place: String
    ) {
        let found = schemas.map { schema in
            var check = SchemaCheck(document)
            check.compare(value, with: schema, at: place)
            return check.mistakes
        }
        let fitting = found.count { $0.isEmpty }
        let isRight =
            switch word {
            case "allOf": fitting == schemas.count
            case "oneOf": fitting == 1
            default: fitting > 0
            }
        if !isRight { mistakes += ["\(place) fits \(fitting) of \(word)"] + found.joined() }
    }

    private mutating func add(_ place: String, _ mistake: String) {
        mistakes.append("\(place) \(mistake)")
    }
}
