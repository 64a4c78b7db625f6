import MeterstoneAPI
import MeterstoneCore
import Testing

@Suite struct EventDocumentTests {
    private func read(_ json: String, form: EventForm = .plain) throws -> [ReadEvent] {
        var document = try EventDocument(Array(json.utf8), form: form)
        var events: [ReadEvent] = []
        while let event = document.next() { events.append(event) }
        return events
    }

    private func outcomes(_ events: [ReadEvent]) -> [String] {
        events.map { read in
            switch read.event {
            case .success(let event): "\(read.index) \(event.id?.text ?? "-")"
            case .failure(let rejection):
                "\(read.index) \(read.id?.text ?? "-") \(rejection.code.rawValue) \(rejection.field)"
            }
        }
    }

    @Test func `an object is a single event unless its member is events`() throws {
        var single = try EventDocument(Array(#"{"subject":"u","type":"t"}"#.utf8))
        #expect(single.isSingle)
        #expect(try single.single().subject.text == "u")
        #expect(try EventDocument(Array(#" {"events":[]}"#.utf8)).isSingle == false)
        #expect(try EventDocument(Array("[]".utf8)).isSingle == false)
        #expect(try EventDocument(Array("[]".utf8)).count == 0)
        #expect(try EventDocument(Array(#"{"events":[1,[2,3],{}]}"#.utf8)).count == 3)
        #expect(try EventDocument(Array("{\"events\":[]}".utf8), form: .cloudEvent).isSingle)
    }

    @Test func `a mistake stays with its event`() throws {
        let good = #"{"id":"a","subject":"u","type":"t"}"#
        let events = try read(
            #"{"events":[\#(good), {"x":1,"id":"b"}, 5, \#(good), {"subject":"u","type":"t"},"#
                + #"{"id":"c","subject":"u","quantities":{"n":1,"seconds":-1}}, [[]], null, \#(good)]}"#
        )
        #expect(
            outcomes(events) == [
                "0 a", "1 b unknown_field events[1].x", "2 - invalid_field events[2]", "3 a", "4 -",
                "5 c invalid_field events[5].quantities.seconds", "6 - invalid_field events[6]",
                "7 - invalid_field events[7]", "8 a",
            ])
    }

    @Test func `an array may hold plain events and CloudEvents`() throws {
        let cloudEvent =
            #"{"id":"c","specversion":"1.0","source":"s","type":"t","subject":"u"}"#
        let events = try read(#"[{"id":"a","subject":"u","type":"t"},\#(cloudEvent)]"#)
        #expect(outcomes(events) == ["0 a", "1 c"])
        let strict = try read(
            #"[{"id":"a","subject":"u","type":"t"},\#(cloudEvent)]"#, form: .cloudEventBatch)
        #expect(outcomes(strict) == ["0 a missing_field events[0].specversion", "1 c"])
    }

    @Test(arguments: [("[]", EventForm.cloudEvent), ("{}", .cloudEventBatch), ("5", .plain)])
    func `a form that is not the announced one is refused`(json: String, form: EventForm) {
        let rejection = rejection { try EventDocument(Array(json.utf8), form: form) }
        #expect(rejection?.code == .invalidField)
    }

    static let mistakes: [(String, Rejection.Code, String)] = [
        ("", .malformed, ""), ("5", .invalidField, ""), ("[1", .malformed, ""),
        (#"{"events":[{"subject":"u"},]}"#, .malformed, ""),
        (#"{"events":5}"#, .invalidField, "events"),
        (#"{"events":[],"x":1}"#, .unknownField, "x"),
        (#"{"events":[],"events":[]}"#, .invalidField, "events"),
        (#"{"events":[]} x"#, .malformed, ""),
    ]

    @Test(arguments: mistakes)
    func `a body that holds no events is refused as a whole`(
        json: String, code: Rejection.Code, field: String
    ) {
        let rejection = rejection { try read(json) }
        #expect(rejection?.code == code)
        #expect(rejection?.field == field)
    }

    @Test func `nothing is handed out of a body that breaks further on`() {
        let good = #"{"id":"a","subject":"u","type":"t"},"#
        let json = "[" + String(repeating: good, count: 1_000) + "{\"id\":}]"
        #expect(rejection { try EventDocument(Array(json.utf8)) }?.code == .malformed)
    }

    @Test func `an idempotency key stands in for missing ids`() throws {
        let events = try read(
            #"[{"subject":"u","type":"t"},{"id":"own","subject":"u","type":"t"}]"#)
        #expect(outcomes(events.map { $0.identified(by: "key") }) == ["0 key#0", "1 own"])
        #expect(
            outcomes(events.map { $0.identified(by: nil) }) == [
                "0 - missing_field events[0].id", "1 own",
            ]
        )
        let long = String(repeating: "k", count: 255)
        #expect(
            outcomes(events.map { $0.identified(by: long) }) == [
                "0 - invalid_field events[0].id", "1 own",
            ])
    }
}

@Suite struct EventLinesTests {
    private func outcomes(_ text: [UInt8], chunk: Int) -> [String] {
        var lines = EventLines()
        var outcomes: [String] = []
        var position = 0
        while position < text.count {
            let end = min(position + chunk, text.count)
            lines.append(text[position..<end])
            position = end
            while let read = lines.next(isLast: position == text.count) {
                switch read.event {
                case .success(let event): outcomes.append("\(read.index) \(event.id?.text ?? "-")")
                case .failure(let rejection):
                    outcomes.append("\(read.index) \(rejection.code.rawValue) \(rejection.field)")
                }
            }
        }
        return outcomes
    }

    @Test(arguments: [1, 2, 3, 7, 64, 4_096])
    func `a broken line is rejected and the rest goes on`(chunk: Int) {
        let good = #"{"id":"a","subject":"u","type":"t"}"#
        let text =
            good + "\r\n\n  \n" + "{\"id\":\n" + "nonsense\n" + good + "\n"
            + #"{"id":"b","subject":5}"# + "\n" + #"{"id":"c","subject":"u","type":"t"}"#
        #expect(
            outcomes(Array(text.utf8), chunk: chunk) == [
                "0 a", "1 malformed events[1]", "2 malformed events[2]", "3 a",
                "4 invalid_field events[4].subject", "5 c",
            ])
    }

    @Test(arguments: [1_000, 65_536, 10_000_000])
    func `a line that is too long is rejected once and not kept`(chunk: Int) {
        let good = Array("{\"id\":\"a\",\"subject\":\"u\",\"type\":\"t\"}\n".utf8)
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 3 * WireBounds.lineBytesMax)
        let text = good + long + [0x0A] + good + long
        #expect(
            outcomes(text, chunk: chunk) == [
                "0 a", "1 too_large events[1]", "2 a", "3 too_large events[3]",
            ])
    }

    @Test func `bytes that are not UTF-8 spoil their line only`() {
        let good = Array("{\"id\":\"a\",\"subject\":\"u\",\"type\":\"t\"}\n".utf8)
        let bad = Array("{\"id\":\"".utf8) + [0xFF] + Array("\"}\n".utf8)
        #expect(
            outcomes(good + bad + good, chunk: 16) == ["0 a", "1 malformed events[1]", "2 a"])
    }
}
