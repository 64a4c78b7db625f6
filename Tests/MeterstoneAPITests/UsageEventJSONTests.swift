import MeterstoneAPI
import MeterstoneCore
import Testing

@Suite struct UsageEventJSONTests {
    private func event(_ json: String) throws -> UsageEvent {
        try UsageEvent(json: Array(json.utf8))
    }

    @Test func `every field is read`() throws {
        let event = try event(
            #"""
            {"id": "e1", "subject": "user-1", "type": "render", "occurredAt": "2025-11-03T11:15:30+01:00",
             "quantities": {"seconds": 300, "exports": 1}, "status": "failed", "subtype": "video",
             "durationMs": 1234, "errorMessage": "no\nroom", "project": "p", "scene": "s",
             "session": "x", "source": "/app", "dimensions": {"model": "m", "format": ""},
             "properties": {"a": [1, {"b": null}], "c": 1.5e300}}
            """#)
        #expect(event.id?.text == "e1")
        #expect(event.subject.text == "user-1")
        #expect(event.occurredAt?.rfc3339 == "2025-11-03T10:15:30.000Z")
        #expect(event.quantities.pairs.map(\.name.text) == ["exports", "seconds"])
        #expect(event.quantities.pairs.map(\.quantity) == [1, 300])
        let details = try #require(event.details)
        let expected = EventDetails(
            source: "/app", type: "render", subtype: "video", status: .failed,
            durationMilliseconds: 1234, errorMessage: "no\nroom", project: "p", scene: "s",
            session: "x",
            dimensions: [
                Dimension(name: "model", value: "m"), Dimension(name: "format", value: ""),
            ],
            properties: #"{"a": [1, {"b": null}], "c": 1.5e300}"#)
        #expect(details == expected)
    }

    @Test func `a meter with a quantity is short for quantities`() throws {
        let short = try event(#"{"subject":"u","meter":"prompts","quantity":3}"#)
        #expect(short == (try event(#"{"subject":"u","quantities":{"prompts":3}}"#)))
        let shorter = try event(#"{"subject":"u","meter":"prompts"}"#)
        #expect(shorter.quantities == .one(MeterKey(unchecked: "prompts"), 1))
        #expect(shorter.details == nil)
        let zero = try event(#"{"subject":"u","meter":"prompts","quantity":0}"#)
        #expect(zero.quantities == .one(MeterKey(unchecked: "prompts"), 0))
    }

    @Test func `null is the same as nothing`() throws {
        let event = try event(
            """
            {"id":null,"subject":"u","type":"t","occurredAt":null,"quantities":null,"status":null,
             "durationMs":null,"dimensions":null,"properties":null,"errorMessage":null}
            """)
        #expect(event.id == nil && event.occurredAt == nil && event.quantities == .none)
        #expect(event.details == EventDetails(type: "t"))
    }

    @Test func `a name with escapes is the same name`() throws {
        let event = try event(#"{"s\u0075bject":"u","m\u0065ter":"prompts"}"#)
        #expect(event.subject.text == "u")
    }

    @Test func `the largest quantity is exact`() throws {
        let event = try event(#"{"subject":"u","meter":"m","quantity":9223372036854775807}"#)
        #expect(event.quantities == .one(MeterKey(unchecked: "m"), Quantity(.max)))
    }

    /// Members after `"subject":"u","meter":"m"`, the code, and the field that is named.
    static let mistakes: [(String, Rejection.Code, String)] = [
        (#""id":5"#, .invalidField, "id"),
        (#""id":"""#, .invalidField, "id"),
        (#""id":"a\u0000b""#, .invalidField, "id"),
        (#""id":"\#(String(repeating: "x", count: 10_000))""#, .invalidField, "id"),
        (#""subject":"again""#, .invalidField, "subject"),
        (#""quantity":-1"#, .invalidField, "quantity"),
        (#""quantity":1.0"#, .invalidField, "quantity"),
        (#""quantity":1e2"#, .invalidField, "quantity"),
        (#""quantity":9223372036854775808"#, .invalidField, "quantity"),
        (#""quantity":"1""#, .invalidField, "quantity"),
        (#""quantity":true"#, .invalidField, "quantity"),
        (#""quantity":[]"#, .invalidField, "quantity"),
        (#""quantity":{}"#, .invalidField, "quantity"),
        (#""quantities":{"m":1}"#, .invalidField, "meter"),
        (#""quantities":[1]"#, .invalidField, "quantities"),
        (#""quantities":{"a b":1}"#, .invalidField, "quantities"),
        (#""quantities":{"a":-1}"#, .invalidField, "quantities.a"),
        (#""quantities":{"a":1,"b":"2"}"#, .invalidField, "quantities.b"),
        (#""quantities":{"a":null}"#, .invalidField, "quantities.a"),
        (#""quantities":{"a":1,"b":1,"a":2}"#, .invalidField, "quantities.a"),
        (#""type":"""#, .invalidField, "type"),
        (#""type":7"#, .invalidField, "type"),
        (#""occurredAt":"yesterday""#, .invalidField, "occurredAt"),
        (#""occurredAt":"2025-11-03T10:15:30""#, .invalidField, "occurredAt"),
        (#""occurredAt":1762164930"#, .invalidField, "occurredAt"),
        (#""status":"ok""#, .invalidField, "status"),
        (#""durationMs":-5"#, .invalidField, "durationMs"),
        (#""errorMessage":"a\u0000""#, .invalidField, "errorMessage"),
        (#""dimensions":{"a":1}"#, .invalidField, "dimensions.a"),
        (#""dimensions":{"a":null}"#, .invalidField, "dimensions.a"),
        (#""dimensions":{"":"x"}"#, .invalidField, "dimensions"),
        (#""dimensions":{"a":"x","a":"x"}"#, .invalidField, "dimensions.a"),
        (#""dimensions":"x""#, .invalidField, "dimensions"),
        (#""properties":[1]"#, .invalidField, "properties"),
        (#""properties":"{}""#, .invalidField, "properties"),
        (#""occuredAt":"2025-11-03T10:15:30Z""#, .unknownField, "occuredAt"),
        (#""events":[]"#, .unknownField, "events"),
        (#""Id":"x""#, .unknownField, "Id"),
        (
            #""a name that is longer than sixteen bytes":1"#, .unknownField,
            "a name that is longer than sixteen bytes"
        ),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(members: String, code: Rejection.Code, field: String) {
        let rejection = rejection {
            try event(#"{"subject":"u","meter":"m","# + members + "}")
        }
        #expect(rejection?.code == code)
        #expect(rejection?.field == field)
    }

    static let incomplete: [(String, Rejection.Code, String)] = [
        ("{}", .missingField, "subject"),
        (#"{"subject":null,"meter":"m"}"#, .missingField, "subject"),
        (#"{"subject":"u"}"#, .missingField, "quantities"),
        (#"{"subject":"u","quantities":{}}"#, .missingField, "quantities"),
        (#"{"subject":"u","quantity":1}"#, .missingField, "meter"),
        ("[]", .invalidField, ""), ("5", .invalidField, ""), ("null", .invalidField, ""),
        ("", .malformed, ""), ("{", .malformed, ""), (#"{"subject":"u"} x"#, .malformed, ""),
        (#"{"subject":5,"meter":}"#, .malformed, ""),
        (#"{"unknown":5,"meter":nul}"#, .malformed, ""),
    ]

    @Test(arguments: incomplete)
    func `what is missing is named and syntax comes first`(
        json: String, code: Rejection.Code, field: String
    ) {
        let rejection = rejection { try event(json) }
        #expect(rejection?.code == code)
        #expect(rejection?.field == field)
    }

    @Test func `bounds hold at the bound and not beyond`() throws {
        func event(_ members: String) throws -> UsageEvent {
            try self.event(#"{"subject":"u","type":"t","# + members + "}")
        }
        func text(_ count: Int) -> String { String(repeating: "x", count: count) }
        func members(_ count: Int, _ value: String) -> String {
            (0..<count).map { "\"n\($0)\":\(value)" }.joined(separator: ",")
        }
        let bounds: [(String, (Int) -> String, Int)] = [
            ("subtype", { "\"subtype\":\"\(text($0))\"" }, WireBounds.nameBytesMax),
            ("project", { "\"project\":\"\(text($0))\"" }, WireBounds.nameBytesMax),
            (
                "errorMessage", { "\"errorMessage\":\"\(text($0))\"" },
                WireBounds.errorMessageBytesMax
            ),
            (
                "dimensions.a", { "\"dimensions\":{\"a\":\"\(text($0))\"}" },
                WireBounds.dimensionBytesMax
            ),
            (
                "dimensions", { "\"dimensions\":{\"\(text($0))\":\"a\"}" },
                WireBounds.dimensionBytesMax
            ),
            (
                "dimensions", { "\"dimensions\":{\(members($0, "\"v\""))}" },
                WireBounds.dimensionsMax
            ),
            ("quantities", { "\"quantities\":{\(members($0, "1"))}" }, WireBounds.quantitiesMax),
            (
                "properties", { "\"properties\":{\"\(text($0 - 6))\":1}" },
                WireBounds.propertiesBytesMax
            ),
        ]
        for (field, json, bound) in bounds {
            #expect(rejection { try event(json(bound)) } == nil, "\(field)")
            let rejection = rejection { try event(json(bound + 1)) }
            #expect(rejection?.code == .invalidField && rejection?.field == field, "\(field)")
        }
    }

    @Test(arguments: SeededGenerator.seeds)
    func `mutated events never trap and are JSON when they are accepted`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let event = Array(
            #"""
            {"id":"é1","subject":"u","type":"t","quantities":{"a":1,"b":2},"dimensions":{"m":"x\u00e9"},
            "properties":{"x":[1,2.5,{"y":null}]},"occurredAt":"2025-11-03T10:15:30Z","durationMs":5}
            """#.utf8)
        let cloudEvent = Array(
            #"""
            {"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"u","ext":[1],
            "data":{"quantities":{"a":1},"other":{"x":"\ud83d\ude00"},"status":"failed"}}
            """#.utf8)
        for round in 0..<20_000 {
            var bytes = round.isMultiple(of: 2) ? event : cloudEvent
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                mutate(&bytes, using: &generator)
            }
            var reader = JSONReader(bytes)
            let isJSON = (try? reader.validate()) != nil
            let rejection = rejection { try UsageEvent(json: bytes) }
            #expect(
                isJSON ? rejection?.code != .malformed : rejection?.code == .malformed,
                "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))")
        }
    }
}
