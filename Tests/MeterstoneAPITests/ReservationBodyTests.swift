import MeterstoneAPI
import MeterstoneCore
import Testing

@Suite struct ReservationBodyTests {
    private let prompts = MeterKey(unchecked: "prompts")

    @Test func `a reserve is an event with terms, in any order`() throws {
        let json = """
            {"onOverage":"cap","subject":"u","expiresInSeconds":2592000,"meter":"prompts",\
            "onExpiry":"chargeReported","type":"t","id":"r"}
            """
        let body = try ReserveBody(Array(json.utf8))
        #expect(
            body.event
                == UsageEvent(
                    id: EventID("r"), subject: SubjectID(unchecked: "u"),
                    quantities: .one(prompts, 1), details: EventDetails(type: "t")))
        #expect(
            body.terms
                == ReservationTerms(
                    milliseconds: 2_592_000_000, onExpiry: .chargeReported, onOverage: .cap))
    }

    @Test func `what is left out, or null, has the defaults`() throws {
        let plain = #"{"subject":"u","meter":"prompts"}"#
        let nulls = """
            {"subject":"u","meter":"prompts","expiresInSeconds":null,"onExpiry":null,\
            "onOverage":null}
            """
        for json in [plain, nulls] {
            #expect(try ReserveBody(Array(json.utf8)).terms == ReservationTerms())
        }
    }

    @Test func `an extension says only what it says`() throws {
        let empty = try ExtendBody(Array("{}".utf8))
        #expect(empty.milliseconds == nil && empty.quantities == .none && empty.reported == nil)
        let full = try ExtendBody(
            Array(
                #"{"expiresInSeconds":1,"quantities":{"prompts":2},"reported":{}}"#.utf8))
        #expect(full.milliseconds == 1_000 && full.quantities == .one(prompts, 2))
        #expect(full.reported == Quantities.none)
    }

    @Test func `a settlement has a short form`() throws {
        for json in [#"{"meter":"prompts","quantity":3}"#, #"{"quantities":{"prompts":3}}"#] {
            let body = try ClosingBody(Array(json.utf8), counts: true)
            #expect(body.quantities == .one(prompts, 3) && body.details == nil)
        }
        #expect(try ClosingBody(Array("{}".utf8), counts: true).quantities == .none)
    }

    @Test func `the end of a reservation may tell how it went, and a release no quantity`() throws {
        let told = #"{"status":"failed","durationMs":12,"errorMessage":"out of memory"}"#
        let details = EventDetails(
            status: .failed, durationMilliseconds: 12, errorMessage: "out of memory")
        for counts in [true, false] {
            #expect(try ClosingBody(Array(told.utf8), counts: counts).details == details)
        }
        for json in ["", "{}", " { } "] {
            #expect(try ClosingBody(Array(json.utf8), counts: false).details == nil)
        }
        for (json, field) in [(#"{"a":1}"#, "a"), (#"{"quantities":{"prompts":1}}"#, "quantities")]
        {
            let rejection = rejection { try ClosingBody(Array(json.utf8), counts: false) }
            #expect(rejection?.code == .unknownField && rejection?.field == field)
        }
        for json in [#"{"subject":"u"}"#, #"{"source":"s"}"#, #"{"id":"e"}"#] {
            #expect(
                rejection { try ClosingBody(Array(json.utf8), counts: true) }?.code == .unknownField
            )
        }
    }

    @Test func `a text that is not JSON is malformed, whatever else is wrong`() {
        for json in [#"{"subject":5,"x":1"#, #"{"subject":"u","expiresInSeconds":0,}"#, "{}x"] {
            let bytes = Array(json.utf8)
            #expect(rejection { try ReserveBody(bytes) }?.code == .malformed)
            #expect(rejection { try ExtendBody(bytes) }?.code == .malformed)
            #expect(rejection { try ClosingBody(bytes, counts: true) }?.code == .malformed)
            #expect(rejection { try ClosingBody(bytes, counts: false) }?.code == .malformed)
        }
        let twice = Array(#"{"subject":"u","onExpiry":"charge","onExpiry":"charge"}"#.utf8)
        #expect(rejection { try ReserveBody(twice) }?.field == "onExpiry")
    }
}
