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
            #expect(try SettleBody(Array(json.utf8)).quantities == .one(prompts, 3))
        }
        #expect(try SettleBody(Array("{}".utf8)).quantities == .none)
    }

    @Test func `a release says nothing`() throws {
        for json in ["", "{}", " { } "] { try ReleaseBody.check(Array(json.utf8)) }
        #expect(rejection { try ReleaseBody.check(Array("{\"a\":1}".utf8)) }?.field == "a")
    }

    @Test func `a text that is not JSON is malformed, whatever else is wrong`() {
        for json in [#"{"subject":5,"x":1"#, #"{"subject":"u","expiresInSeconds":0,}"#, "{}x"] {
            let bytes = Array(json.utf8)
            #expect(rejection { try ReserveBody(bytes) }?.code == .malformed)
            #expect(rejection { try ExtendBody(bytes) }?.code == .malformed)
            #expect(rejection { try SettleBody(bytes) }?.code == .malformed)
            #expect(rejection { try ReleaseBody.check(bytes) }?.code == .malformed)
        }
        let twice = Array(#"{"subject":"u","onExpiry":"charge","onExpiry":"charge"}"#.utf8)
        #expect(rejection { try ReserveBody(twice) }?.field == "onExpiry")
    }
}
