import MeterstoneAPI
import MeterstoneCore
import Testing

@Suite struct AnswerTests {
    private func status(
        _ key: String, allowance: Allowance, used: Int64, resetsAt: Instant?,
        ancestor: SubjectID? = nil, mode: LimitMode = .enforce
    ) -> LimitStatus {
        let limit = Limit(
            key: LimitKey(unchecked: key), meter: MeterKey(unchecked: "prompts"),
            window: resetsAt == nil ? .lifetime : .day, mode: mode)
        let definition = LimitDefinition(
            limit: limit, aggregation: .sum, mode: mode, number: 0, series: 0, refusalSeries: 0)
        return LimitStatus(
            definition: definition, ancestor: ancestor, allowance: allowance,
            used: Quantity(used), resetsAt: resetsAt)
    }

    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `an allowed consume has the fields of the design`() {
        let reset = Instant(millisecondsSince1970: 1_762_214_400_000)
        let decision = Decision(
            denial: nil, isDuplicate: false, eventID: EventID("e1"),
            limits: [
                status("daily", allowance: .units(10), used: 4, resetsAt: reset),
                status("all", allowance: .unlimited, used: 40, resetsAt: nil),
                status(
                    "team", allowance: .units(3), used: 5, resetsAt: reset,
                    ancestor: SubjectID(unchecked: "t\"1"), mode: .soft),
            ])
        #expect(
            text { $0.object(decision, Shapes.consumed) } == """
                {"allowed":true,"duplicate":false,"eventId":"e1","moved":[],"limits":[\
                {"limit":"daily","meter":"prompts","window":"day","allowance":10,"used":4,\
                "remaining":6,"resetsAt":"2025-11-04T00:00:00.000Z","mode":"enforce"},\
                {"limit":"all","meter":"prompts","window":"lifetime","allowance":-1,"used":40,\
                "remaining":-1,"resetsAt":null,"mode":"enforce"},\
                {"limit":"team","subject":"t\\"1","meter":"prompts","window":"day","allowance":3,\
                "used":5,"remaining":0,"resetsAt":"2025-11-04T00:00:00.000Z","mode":"soft",\
                "overage":2}]}
                """)
    }

    @Test func `a check that is denied says why with the same members as the problem`() {
        let now = Instant(millisecondsSince1970: 1_000)
        let denial = Denial(
            reason: .limitExceeded, violated: [LimitKey(unchecked: "daily")],
            retryAt: now.advanced(byMilliseconds: 5_001),
            plansThatAllow: [PlanKey(unchecked: "pro")])
        let decision = Decision(denial: denial, isDuplicate: false, eventID: nil, limits: [])
        #expect(
            text { $0.object(CheckAnswer(decision, at: now), Shapes.checked) } == """
                {"allowed":false,"duplicate":false,"moved":[],"code":"limit_exceeded","limits":[],\
                "violated":["daily"],"retryAfterSeconds":6,"plansThatAllow":["pro"]}
                """)
    }

    @Test(arguments: [(0, 1), (1, 1), (999, 1), (1_000, 1), (1_001, 2), (-5, 1)])
    func `seconds to wait are rounded up`(milliseconds: Int64, seconds: Int64) {
        let now = Instant(millisecondsSince1970: 0)
        let denial = Denial(
            reason: .limitExceeded, retryAt: Instant(millisecondsSince1970: milliseconds))
        #expect(denial.retryAfterSeconds(at: now) == seconds)
        #expect(Denial(reason: .limitExceeded).retryAfterSeconds(at: now) == nil)
    }

    @Test func `results of a bulk are those that were not counted and have a bound`() throws {
        let id = try #require(EventID("a"))
        var answer = EventsAnswer(listsCounted: false, resultsMax: 2)
        let moved = [MeterKey(unchecked: "prompts")]
        answer.add(.counted(id, moved: moved), at: 0, id: id)
        answer.add(.duplicate(id, moved: moved), at: 0, id: id)
        answer.add(.rejected(.invalid("quantities.x", "less")), at: 0, id: id)
        answer.add(.conflict(id), at: 0, id: id)
        #expect(
            String(decoding: answer.json(), as: UTF8.self) == """
                {"counted":1,"duplicate":1,"conflict":1,"rejected":1,"omitted":1,"results":[\
                {"index":0,"id":"a","status":"duplicate","moved":["prompts"]},\
                {"index":0,"id":"a","status":"rejected","moved":[],"error":{"code":"invalid_field",\
                "field":"events[0].quantities.x","detail":"expected less"}}]}
                """)
    }

    @Test func `results of a small batch are all of them`() throws {
        let id = try #require(EventID("a"))
        var answer = EventsAnswer(listsCounted: true, resultsMax: 10)
        answer.add(.counted(id, moved: []), at: 0, id: id)
        answer.add(.conflict(id), at: 0, id: id)
        let text = String(decoding: answer.json(), as: UTF8.self)
        #expect(text.contains(#"{"index":0,"id":"a","status":"counted","moved":[]}"#))
        #expect(text.contains(#""error":{"code":"event_conflict","field":"events[0].id""#))
    }

    @Test func `an event in a list has what it told and its corrections`() {
        let time = Instant(millisecondsSince1970: 0)
        let event = UsageEvent(
            id: EventID("e"), subject: SubjectID(unchecked: "u"), occurredAt: time,
            quantities: Quantities([
                NamedQuantity(name: MeterKey(unchecked: "b"), quantity: 2),
                NamedQuantity(name: MeterKey(unchecked: "a"), quantity: 1),
            ]),
            details: EventDetails(
                type: "t", dimensions: [Dimension(name: "m", value: "x")], properties: "{\"p\": 1}")
        )
        let note = CorrectionNote(kind: .void, author: "me", reason: "wrong", recordedAt: time)
        let recorded = RecordedEvent(
            event: event, sequence: 1, recordedAt: time, corrections: [note])
        #expect(
            text { $0.object(recorded, Shapes.event) } == """
                {"id":"e","subject":"u","type":"t","occurredAt":"1970-01-01T00:00:00.000Z",\
                "recordedAt":"1970-01-01T00:00:00.000Z","quantities":{"a":1,"b":2},\
                "moved":[],"status":"success","dimensions":{"m":"x"},"properties":{"p": 1},"voided":true,\
                "corrections":[{"kind":"void","author":"me","reason":"wrong",\
                "recordedAt":"1970-01-01T00:00:00.000Z"}]}
                """)
    }
}
