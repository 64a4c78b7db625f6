package import MeterstoneCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The body of an administrative write: a small object that is decoded with `Codable`.
///
/// `JSONDecoder` ignores members that it does not know, takes one of two that have the same name,
/// and reads `1.0` as a whole number. A misspelt `allowances` would silently be no limit, so the
/// text is checked by our own reader first, which names the field.
package struct AdministrativeBody: Sendable {
    private let json: [UInt8]
    /// Where the first member starts, or the object ends.
    private let inner: Int
    private let members: [String: JSONText?]
    /// Names of members that are `null`.
    private let nulls: Set<String>

    /// - Parameters:
    ///   - fields: the names that the object may have.
    ///   - elements: the names that objects in the array of a member may have, by the member's path.
    ///   - objects: the names that the object of a member may have, by the member's path.
    ///   - free: members that may hold any JSON, numbers with a fraction among it.
    ///   - elsewhere: names that belong to another resource, and where that is.
    package init(
        _ json: [UInt8], fields: [String], elements: [String: [String]] = [:],
        objects: [String: [String]] = [:], free: Set<String> = [], elsewhere: [String: String] = [:]
    ) throws(Rejection) {
        var reader = JSONReader(json)
        try reader.validate()
        guard reader.kind() == .object else { throw .invalid("", "an object") }
        var checker = BodyChecker(
            reader: reader, elements: elements, objects: objects, free: free)
        self.json = json
        inner = reader.position + 1
        members = try checker.members()
        nulls = checker.nulls
        for name in members.keys.sorted() where !fields.contains(name) {
            guard let place = elsewhere[name] else { throw .unknown(name, among: fields) }
            throw Rejection(
                code: .unknownField, field: name, message: "has its own place: \(place)")
        }
    }

    package func contains(_ name: String) -> Bool {
        members[name] != nil
    }

    /// The value of a member, if it is a text.
    package func text(_ name: String) -> String? {
        guard let member = members[name], let member else { return nil }
        return JSONReader(json).text(of: member)
    }

    /// Refuses a body whose member says something else than the path that it was sent to.
    package func require(_ name: String, toBe text: String) throws(Rejection) {
        guard contains(name), !nulls.contains(name), self.text(name) != text else { return }
        throw .invalid(name, "the same as in the path, or nothing")
    }

    /// Decodes the object as if it also had these members, unless it has them.
    package func decode<Value: Decodable>(
        _: Value.Type, adding texts: [(name: String, text: String)] = []
    ) throws(Rejection) -> Value {
        var added = JSONWriter()
        added.beginObject()
        // Of two that have the same name JSONDecoder takes the first.
        for (name, text) in texts where !contains(name) || nulls.contains(name) {
            added.name(text: name)
            added.string(text)
        }
        var whole = added.bytes
        if whole.count > 1, !members.isEmpty { whole.append(UInt8(ascii: ",")) }
        whole += json[inner...]
        do {
            return try JSONDecoder().decode(Value.self, from: Data(whole))
        } catch let error as DecodingError {
            throw Rejection(error)
        } catch {
            throw .invalid("", "another value")
        }
    }
}

/// Walks through a body once, and refuses what `JSONDecoder` would let pass.
private struct BodyChecker {
    var reader: JSONReader
    let elements: [String: [String]]
    let objects: [String: [String]]
    let free: Set<String>
    private(set) var nulls: Set<String> = []
    /// Whether what is read may hold any number.
    private var isFree = false

    init(
        reader: JSONReader, elements: [String: [String]], objects: [String: [String]],
        free: Set<String>
    ) {
        self.reader = reader
        self.elements = elements
        self.objects = objects
        self.free = free
    }

    /// The members of the outermost object; of those that are texts, with their place.
    mutating func members() throws(Rejection) -> [String: JSONText?] {
        var members: [String: JSONText?] = [:]
        try reader.enterObject()
        var isFirst = true
        while let member = try reader.nextName(&isFirst) {
            let name = reader.text(of: member)
            guard members[name] == nil else { throw .repeated(name) }
            isFree = free.contains(name)
            if reader.kind() == .null { nulls.insert(name) }
            members[name] = .some(try check(name))
        }
        return members
    }

    @discardableResult
    private mutating func check(_ path: String) throws(Rejection) -> JSONText? {
        switch reader.kind() {
        case .object: try checkObject(path)
        case .array: try checkArray(path)
        case .string: return try checkText(path)
        case .number:
            let start = reader.position
            guard try reader.scanWholeNumber() == nil else { break }
            guard isFree else { throw .invalid(path, "a whole number of 64 bits") }
            let text = String(decoding: reader.bytes[start..<reader.position], as: UTF8.self)
            guard text.isExactNumber else {
                throw .invalid(path, "a whole number of 64 bits, or a number of at most 15 digits")
            }
        case .boolean, .null, .none: try reader.scanLiteral()
        }
        return nil
    }

    private mutating func checkObject(_ path: String) throws(Rejection) {
        try reader.enterObject()
        let fields =
            path.hasSuffix("]") ? elements[path.withoutPlaces] : objects[path.withoutPlaces]
        var names: Set<String> = []
        var isFirst = true
        while let member = try reader.nextName(&isFirst) {
            let name = reader.text(of: member)
            guard names.insert(name).inserted else { throw .repeated("\(path).\(name)") }
            guard fields?.contains(name) ?? true else {
                throw .unknown("\(path).\(name)", among: fields ?? [])
            }
            guard !name.utf8.contains(0) else { throw .invalid(path, "names without U+0000") }
            try check("\(path).\(name)")
        }
    }

    private mutating func checkArray(_ path: String) throws(Rejection) {
        try reader.enterArray()
        var isFirst = true
        var index = 0
        while try reader.nextElement(&isFirst) {
            try check("\(path)[\(index)]")
            index += 1
        }
    }

    private mutating func checkText(_ path: String) throws(Rejection) -> JSONText {
        let text = try reader.scanString()
        guard !reader.text(of: text).utf8.contains(0) else {
            throw .invalid(path, "a text without U+0000")
        }
        return text
    }
}

extension String {
    /// Whether IEEE 754 binary64 gives this number back: up to 15 decimal digits it does, where it is
    /// neither too large nor too close to 0.
    fileprivate var isExactNumber: Bool {
        let mantissa = prefix { $0 != "e" && $0 != "E" }.filter(\.isNumber)
        let digits = mantissa.drop { $0 == "0" }.reversed().drop { $0 == "0" }
        guard !digits.isEmpty else { return true }
        return digits.count <= 15 && Double(self)?.isNormal == true
    }

    /// `plans[3].prices[0]` as `plans.prices`.
    fileprivate var withoutPlaces: String {
        var isWithin = false
        return filter { character in
            if character == "[" { isWithin = true }
            defer { if character == "]" { isWithin = false } }
            return !isWithin
        }
    }
}
