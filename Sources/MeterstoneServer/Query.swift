import Hummingbird
import MeterstoneAPI
import MeterstoneCore

/// The query of a request, with each name once.
///
/// A `+` is a plus and not a space, since none of our values has spaces, and instants with an
/// offset have a plus.
struct Query {
    private var values: [String: String] = [:]

    init(_ request: Request) throws(Rejection) {
        for pair in (request.uri.query ?? "").split(separator: "&") {
            let equals = pair.firstIndex(of: "=") ?? pair.endIndex
            guard let name = percentDecoded(pair[..<equals]),
                let value = percentDecoded(pair[equals...].dropFirst())
            else {
                throw Rejection(
                    code: .malformed, field: "", message: "the query is not percent-encoded UTF-8")
            }
            guard values.updateValue(value, forKey: name) == nil else { throw .repeated(name) }
        }
    }

    /// Throws when there is a name that is not among these: a misspelt filter would go unnoticed.
    ///
    /// A name that ends with a point stands for all that start with it.
    func allow(_ names: Set<String>) throws(Rejection) {
        let prefixes = names.filter { $0.hasSuffix(".") }
        for name in values.keys.sorted() where !names.contains(name) || prefixes.contains(name) {
            guard prefixes.contains(where: { name.hasPrefix($0) && name != $0 }) else {
                throw .unknown(name, among: names)
            }
        }
    }

    func text(_ name: String) -> String? {
        values[name]
    }

    func instant(_ name: String) throws(Rejection) -> Instant? {
        guard let text = values[name] else { return nil }
        guard let instant = Instant(rfc3339: text) else {
            throw .invalid(name, Instant.expectation)
        }
        return instant
    }

    func required<Value>(
        _ name: String, _ expectation: String, _ parse: (String) -> Value?
    ) throws(Rejection) -> Value {
        guard let text = values[name] else { throw .missing(name, expectation) }
        guard let value = parse(text) else { throw .invalid(name, expectation) }
        return value
    }

    func optional<Value>(
        _ name: String, _ expectation: String, _ parse: (String) -> Value?
    ) throws(Rejection) -> Value? {
        guard values[name] != nil else { return nil }
        return try required(name, expectation, parse)
    }

    /// A name as events have it: of a type, a session.
    func name(_ name: String) throws(Rejection) -> String? {
        try optional(name, SubjectID.expectation) { SubjectID($0)?.text }
    }

    /// The values of all names that start so, by the rest of the name.
    func texts(under prefix: String) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in values where name.hasPrefix(prefix) {
            texts[String(name.dropFirst(prefix.count))] = value
        }
        return texts
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws(Rejection) -> Int? {
        try optional(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            text in
            Int(text).flatMap { range.contains($0) && String($0) == text ? $0 : nil }
        }
    }

    /// How many items to answer with.
    func count(default count: Int = RequestLimits.pageItemsDefault) throws(Rejection) -> Int {
        try number("count", in: 1...RequestLimits.pageItemsMax) ?? count
    }

    func cursor(_ kind: Cursor.Kind) throws(Rejection) -> Cursor? {
        guard let text = values["cursor"] else { return nil }
        return try Cursor(text, kind: kind)
    }

    /// Refuses a span that ends before it starts.
    func span() throws(Rejection) -> (from: Instant?, until: Instant?) {
        let from = try instant("from")
        let until = try instant("until")
        if let from, let until, until <= from {
            throw .invalid("until", "an instant later than from")
        }
        return (from, until)
    }
}

extension Request {
    /// Whether the query asks for what would be, with `dryRun`.
    func isDryRun() throws(Rejection) -> Bool {
        guard hasQuery else { return false }
        return try Query(self).flag("dryRun") ?? false
    }

    var hasQuery: Bool {
        head.path?.utf8.contains(UInt8(ascii: "?")) ?? false
    }
}
