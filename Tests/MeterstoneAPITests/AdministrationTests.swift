import MeterstoneAPI
import MeterstoneCore
import Testing

@Suite struct AdministrativeBodyTests {
    private static let fields = [
        "key", "meter", "window", "allowances", "defaultAllowance", "dimensions", "mode", "active",
        "description",
    ]

    private func limit(_ json: String) throws -> Limit {
        let body = try AdministrativeBody(
            Array(json.utf8), fields: Self.fields, elsewhere: ["overrides": "over there"])
        try body.require("key", toBe: "daily")
        return try body.decode(Limit.self, adding: [("key", "daily")])
    }

    @Test func `the key comes from the path`() throws {
        let expected = Limit(
            key: LimitKey(unchecked: "daily"), meter: MeterKey(unchecked: "m"), window: .day,
            allowances: [
                PlanKey(unchecked: "free"): .units(10), PlanKey(unchecked: "t"): .unlimited,
            ])
        let json = #"{"meter":"m","window":"day","allowances":{"free":10,"t":-1}}"#
        #expect(try limit(json) == expected)
        #expect(try limit(#" {"key":"daily","# + json.dropFirst()) == expected)
    }

    static let mistakes: [(String, Rejection.Code, String)] = [
        ("{}", .missingField, "meter"), (#"{"meter":"m"}"#, .missingField, "window"),
        ("[]", .invalidField, ""), ("", .malformed, ""), (#"{"meter":"m""#, .malformed, ""),
        (#"{"key":"other","meter":"m","window":"day"}"#, .invalidField, "key"),
        (#"{"key":5,"meter":"m","window":"day"}"#, .invalidField, "key"),
        (#"{"meter":"m","window":"day","allowance":{"free":1}}"#, .unknownField, "allowance"),
        (#"{"meter":"m","window":"day","overrides":{}}"#, .unknownField, "overrides"),
        (#"{"meter":"m","window":"fortnight"}"#, .invalidField, "window"),
        (#"{"meter":"a b","window":"day"}"#, .invalidField, "meter"),
        (#"{"meter":5,"window":"day"}"#, .invalidField, "meter"),
        (#"{"meter":"m","window":"day","meter":"m"}"#, .invalidField, "meter"),
        (
            #"{"meter":"m","window":"day","allowances":{"free":1.0}}"#, .invalidField,
            "allowances.free"
        ),
        (
            #"{"meter":"m","window":"day","allowances":{"free":-2}}"#, .invalidField,
            "allowances.free"
        ),
        (
            #"{"meter":"m","window":"day","allowances":{"free":1e2}}"#, .invalidField,
            "allowances.free"
        ),
        (
            #"{"meter":"m","window":"day","allowances":{"free":9223372036854775808}}"#,
            .invalidField,
            "allowances.free"
        ),
        (
            #"{"meter":"m","window":"day","allowances":{"free":1,"free":2}}"#, .invalidField,
            "allowances.free"
        ),
        (
            #"{"meter":"m","window":"day","allowances":{"free":"1"}}"#, .invalidField,
            "allowances.free"
        ),
        (
            #"{"meter":"m","window":"day","allowances":{"free":null}}"#, .invalidField,
            "allowances.free"
        ),
        (#"{"meter":"m","window":"day","mode":"strict"}"#, .invalidField, "mode"),
        (#"{"meter":"m","window":"day","active":1}"#, .invalidField, "active"),
        (
            #"{"meter":"m","window":"day","dimensions":{"a":["x",5]}}"#, .invalidField,
            "dimensions.a[1]"
        ),
        (#"{"meter":"m","window":"day","description":"a\u0000b"}"#, .invalidField, "description"),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(json: String, code: Rejection.Code, field: String) {
        let rejection = rejection { try limit(json) }
        #expect(rejection?.code == code)
        #expect(rejection?.field == field)
    }

    @Test func `a field of another resource is refused with its place`() {
        let rejection = rejection { try limit(#"{"meter":"m","window":"day","overrides":{}}"#) }
        #expect(rejection?.message == "has its own place: over there")
    }
}

@Suite struct NestedBodyTests {
    static let cases: [(String, String?)] = [
        (#"{"sessions":{"length":"m"}}"#, nil), (#"{"sessions":null}"#, nil),
        (#"{"sessions":{"len":"m"}}"#, "sessions.len"),
        (#"{"sessions":{"length":"m","length":"m"}}"#, "sessions.length"),
        (#"{"goals":[{"key":"a"},{"kee":"a"}]}"#, "goals[1].kee"),
    ]

    @Test(arguments: cases)
    func `names of nested objects are checked`(json: String, field: String?) {
        let rejection = rejection {
            _ = try AdministrativeBody(
                Array(json.utf8), fields: ["sessions", "goals"], elements: ["goals": ["key"]],
                objects: ["sessions": ["length"]])
        }
        #expect(rejection?.field == field)
    }
}

@Suite struct CorrectionBodyTests {
    @Test func `a void has an author, a reason and perhaps a source`() throws {
        let body = try CorrectionBody.voiding(
            Array(#"{"author":"me","reason":"twice","source":"/app"}"#.utf8))
        #expect(body.author == "me" && body.reason == "twice" && body.source == "/app")
        #expect(body.kind == .void)
    }

    @Test func `an amendment has the quantities that count instead`() throws {
        let body = try CorrectionBody.amending(Array(#"{"reason":"r","quantities":{"a":2}}"#.utf8))
        #expect(body.author == nil)
        #expect(body.kind == .amend(.one(MeterKey(unchecked: "a"), 2), nil))
        let detailed = try CorrectionBody.amending(
            Array(#"{"reason":"r","meter":"a","type":"t","status":"failed"}"#.utf8))
        let details = EventDetails(type: "t", status: .failed)
        #expect(detailed.kind == .amend(.one(MeterKey(unchecked: "a"), 1), details))
        #expect(body.fields == [] && detailed.fields == [.type, .status])
        // What is told to be as most are, or none, is told all the same.
        let plain = try CorrectionBody.amending(
            Array(#"{"reason":"r","meter":"a","status":"success","project":null}"#.utf8))
        #expect(plain.kind == .amend(.one(MeterKey(unchecked: "a"), 1), EventDetails.none))
        #expect(plain.fields == [.status, .project])
    }

    static let mistakes: [(String, Rejection.Code, String)] = [
        ("{}", .missingField, "reason"), (#"{"reason":""}"#, .invalidField, "reason"),
        (#"{"reason":"a\u0000"}"#, .invalidField, "reason"),
        (#"{"reason":"r","author":"\u0000"}"#, .invalidField, "author"),
        (#"{"reason":"r","author":5}"#, .invalidField, "author"),
        (#"{"reason":"r","subject":"u"}"#, .unknownField, "subject"),
        (#"{"reason":"r","reason":"r"}"#, .invalidField, "reason"),
        (#"{"reason":"r"}"#, .missingField, "quantities"),
        (#"{"reason":"r","quantities":{"a":-1}}"#, .invalidField, "quantities.a"),
        ("[]", .invalidField, ""), ("{\"reason\":", .malformed, ""),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(json: String, code: Rejection.Code, field: String) {
        let rejection = rejection { try CorrectionBody.amending(Array(json.utf8)) }
        #expect(rejection?.code == code)
        #expect(rejection?.field == field)
    }

    @Test func `a void has no quantities`() {
        let json = Array(#"{"reason":"r","quantities":{"a":1}}"#.utf8)
        #expect(rejection { try CorrectionBody.voiding(json) }?.code == .unknownField)
    }
}

@Suite struct CursorTests {
    @Test func `a position comes back as it was`() throws {
        let events = EventCursor(occurredAt: Instant(millisecondsSince1970: -5), sequence: 7)
        #expect(try Cursor(Cursor(events).text, kind: .events).eventCursor() == events)
        for position in ["", "a", "ab", "abc", "ünïcode", "with:colon"] {
            let cursor = Cursor(kind: .subjects, position: position)
            #expect(try Cursor(cursor.text, kind: .subjects) == cursor)
        }
    }

    static let wrong = [
        "", "x", "====", "a b", "MWU", "!!!", String(repeating: "A", count: 10_000),
        Cursor(kind: .changes, position: "5").text, Cursor(kind: .events, position: "5").text + "A",
        Cursor(kind: .events, position: "5:").text, Cursor(kind: .events, position: "5:6:7").text,
        Cursor(kind: .events, position: "99999999999999999999:1").text,
    ]

    @Test(arguments: wrong)
    func `anything else is an invalid cursor`(text: String) {
        let rejection = rejection { try Cursor(text, kind: .events).eventCursor() }
        #expect(rejection?.code == .invalidField)
        #expect(rejection?.field == "cursor")
    }
}

@Suite struct HeaderTests {
    @Test(arguments: [
        ("application/json", true, true), ("Application/JSON; charset=UTF-8", true, true),
        ("application/json;charset=\"utf-8\"", true, true),
        ("application/json; charset=latin1", true, false), ("application/problem+json", true, true),
        ("text/plain", false, true), ("", false, true), (";;", false, true),
        (" ; charset", false, true),
    ])
    func `a media type is read without its parameters`(header: String, json: Bool, utf8: Bool) {
        let name = MediaTypeName(header)
        #expect(name.isJSON == json)
        #expect(name.isUTF8 == utf8)
    }

    @Test(arguments: [
        ("plain", "plain"), ("a%20b", "a b"), ("%C3%A9", "é"), ("%2F%2f", "//"), ("+", "+"),
        ("%", nil),
        ("%4", nil), ("%GG", nil), ("%FF", nil), ("%ED%A0%80", nil), ("%C0%AF", nil),
    ])
    func `percent escapes are UTF-8`(text: String, decoded: String?) {
        #expect(percentDecoded(text) == decoded)
    }
}
