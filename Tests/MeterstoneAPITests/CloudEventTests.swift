import MeterstoneAPI
import MeterstoneCore
import Testing

@Suite struct CloudEventTests {
    private static let attributes =
        #""specversion":"1.0","id":"1","source":"/app","type":"prompt","subject":"u""#

    private func event(_ json: String, form: EventForm = .cloudEvent) throws -> UsageEvent {
        try UsageEvent(json: Array(json.utf8), form: form)
    }

    @Test func `attributes and data become one usage event`() throws {
        let event = try event(
            """
            {\(Self.attributes),"time":"2025-11-03T10:15:30Z","datacontenttype":"application/json",
             "traceparent":"00-ab","data":{"quantities":{"tokens":12},"status":"success",
             "dimensions":{"model":"m"},"properties":{"p":1}}}
            """)
        #expect(event.id?.text == "1" && event.subject.text == "u")
        #expect(event.occurredAt?.rfc3339 == "2025-11-03T10:15:30.000Z")
        #expect(event.quantities == .one(MeterKey(unchecked: "tokens"), 12))
        let expected = EventDetails(
            source: "/app", type: "prompt", dimensions: [Dimension(name: "model", value: "m")],
            properties: #"{"p":1}"#)
        #expect(event.details == expected)
    }

    @Test func `unknown members of data are kept as they were written`() throws {
        let event = try event(
            #"{"# + Self.attributes + #","data":{"a": [1, 2.50],"meter":"m","b\u0062":"x" }}"#)
        #expect(event.details?.properties == #"{"a":[1, 2.50],"b\u0062":"x"}"#)
        #expect(event.quantities == .one(MeterKey(unchecked: "m"), 1))
        let both = try self.event(
            #"{"# + Self.attributes + #","data":{"properties":{"p":1},"a":1}}"#)
        #expect(both.details?.properties == #"{"a":1,"properties":{"p":1}}"#)
    }

    @Test func `a plain body tells by its version that it is a CloudEvent`() throws {
        let json = #"{"subject":"u","id":"1","specversion":"1.0","source":"s","type":"t"}"#
        let event = try event(json, form: .plain)
        #expect(event.details == EventDetails(source: "s", type: "t"))
    }

    static let mistakes: [(String, Rejection.Code, String)] = [
        (#""id":"1","source":"s","type":"t","subject":"u""#, .missingField, "specversion"),
        (
            #""specversion":"0.3","id":"1","source":"s","type":"t","subject":"u""#, .invalidField,
            "specversion"
        ),
        (#""specversion":"1.0","source":"s","type":"t","subject":"u""#, .missingField, "id"),
        (#""specversion":"1.0","id":"1","type":"t","subject":"u""#, .missingField, "source"),
        (#""specversion":"1.0","id":"1","source":"s","subject":"u""#, .missingField, "type"),
        (#""specversion":"1.0","id":"1","source":"s","type":"t""#, .missingField, "subject"),
        (attributes + #","time":"noon""#, .invalidField, "time"),
        (
            attributes + #","datacontenttype":"text/xml","data":"<a/>""#, .invalidField,
            "datacontenttype"
        ),
        (attributes + #","data_base64":"AA==""#, .invalidField, "data_base64"),
        (attributes + #","data":"text""#, .invalidField, "data"),
        (attributes + #","occurredAt":"2025-11-03T10:15:30Z""#, .unknownField, "occurredAt"),
        (attributes + #","data":{"quantities":{"a":-1}}"#, .invalidField, "data.quantities.a"),
        (attributes + #","data":{"status":"ok"}"#, .invalidField, "data.status"),
        (attributes + #","data":{"a":1,"a":2}"#, .invalidField, "data.a"),
        (attributes + #","data":{"quantity":1}"#, .missingField, "data.meter"),
        (attributes + #","id":"2""#, .invalidField, "id"),
        (attributes + #","data":{"a":tru}"#, .malformed, ""),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(members: String, code: Rejection.Code, field: String) {
        let rejection = rejection { try event("{" + members + "}") }
        #expect(rejection?.code == code)
        #expect(rejection?.field == field)
    }

    @Test func `data that we do not know has the bound of properties`() {
        let long = String(repeating: "x", count: WireBounds.propertiesBytesMax)
        let rejection = rejection { try event("{\(Self.attributes),\"data\":{\"a\":\"\(long)\"}}") }
        #expect(rejection?.field == "data.properties")
    }

    @Test func `binary mode has its attributes in header fields`() throws {
        let headers = [
            "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a%20b", "ce-type": "\"prompt\"",
            "ce-subject": "us%C3%A9r", "ce-time": "2025-11-03T10:15:30Z",
        ]
        let event = try UsageEvent(
            cloudEventHeaders: { headers[$0] }, data: Array(#"{"meter":"m","x":1}"#.utf8))
        #expect(event.subject.text == "usér")
        let details = EventDetails(source: "/a b", type: "prompt", properties: #"{"x":1}"#)
        #expect(event.details == details)
        let empty = try UsageEvent(cloudEventHeaders: { headers[$0] }, data: [])
        #expect(empty.quantities == .none)
    }

    static let headerMistakes: [(String, String?, Rejection.Code, String)] = [
        ("ce-specversion", "2.0", .invalidField, "ce-specversion"),
        ("ce-id", "", .invalidField, "ce-id"), ("ce-source", "%FF", .invalidField, "ce-source"),
        ("ce-source", "%4", .invalidField, "ce-source"),
        ("ce-time", "now", .invalidField, "ce-time"),
        ("ce-subject", nil, .missingField, "ce-subject"),
        ("ce-type", nil, .missingField, "ce-type"),
    ]

    @Test(arguments: headerMistakes)
    func `a mistake names its header field`(
        name: String, value: String?, code: Rejection.Code, field: String
    ) {
        var headers = [
            "ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t",
            "ce-subject": "u",
        ]
        headers[name] = value
        let rejection = rejection {
            try UsageEvent(cloudEventHeaders: { headers[$0] }, data: Array("{}".utf8))
        }
        #expect(rejection?.code == code)
        #expect(rejection?.field == field)
    }
}
