import MeterstoneCore
import MeterstoneImport
import Testing

@Suite struct RowTemplateTests {
    @Test(
        arguments: [
            ("subject", [.column("subject")]),
            ("two words", [.column("two words")]),
            ("user-{row}", [.text("user-"), .row(modulo: nil)]),
            ("user-{row%1000}", [.text("user-"), .row(modulo: 1_000)]),
            ("{a}/{b}", [.column("a"), .text("/"), .column("b")]),
            ("{{{a}}", [.text("{"), .column("a"), .text("}")]),
        ] as [(String, [RowTemplate.Part])])
    func `a template has these parts`(text: String, parts: [RowTemplate.Part]) {
        #expect(RowTemplate(text)?.parts == parts)
    }

    @Test(arguments: ["", "{", "a{b", "{}", "{row%0}", "{row%-1}", "{row%x}", "{row%}"])
    func `this is no template`(text: String) {
        #expect(RowTemplate(text) == nil)
    }
}

@Suite struct QuantityMappingTests {
    @Test(
        arguments: [
            ("commits=1", "commits", .constant(1)),
            ("bytes=-5", "bytes", .constant(-5)),
            ("lines=lines_added", "lines", .column("lines_added")),
            ("a=b=c", "a", .column("b=c")),
        ] as [(String, String, QuantityMapping.Amount)])
    func `an argument names a meter and a column or a number`(
        argument: String, meter: String, amount: QuantityMapping.Amount
    ) throws {
        let mapping = try #require(QuantityMapping(argument))
        #expect(mapping.meter.text == meter)
        #expect(mapping.amount == amount)
    }

    @Test(arguments: ["", "commits", "=1", "commits=", "two words=1"])
    func `this is no mapping`(argument: String) {
        #expect(QuantityMapping(argument) == nil)
    }
}

@Suite struct RowClockTests {
    /// Clocks in New York go from 02:00 to 03:00 on 10 March 2024, and from 02:00 to 01:00 on
    /// 3 November.
    private static let newYork = ZoneRules(
        name: "America/New_York", initialOffsetSeconds: -18_000,
        transitions: [
            ZoneRules.Transition(at: at("2024-03-10T07:00:00Z"), offsetSeconds: -14_400),
            ZoneRules.Transition(at: at("2024-11-03T06:00:00Z"), offsetSeconds: -18_000),
        ])

    private static func at(_ text: String) -> Instant {
        Instant(rfc3339: text) ?? .earliest
    }

    @Test(
        arguments: [
            ("2005-04-07T15:13:13-07:00", nil, "2005-04-07T22:13:13.000Z"),
            ("2005-04-07T15:13:13Z", newYork, "2005-04-07T15:13:13.000Z"),
            ("2023-11-16 18:15:46.6805900", .utc, "2023-11-16T18:15:46.680Z"),
            ("2023-11-16T18:15:46", .utc, "2023-11-16T18:15:46.000Z"),
            ("2023-11-16", .utc, "2023-11-16T00:00:00.000Z"),
            ("2024-01-15 12:00:00", newYork, "2024-01-15T17:00:00.000Z"),
            ("2024-07-15 12:00:00", newYork, "2024-07-15T16:00:00.000Z"),
            ("2024-03-10 02:30:00", newYork, "2024-03-10T07:00:00.000Z"),
            ("2024-11-03 01:30:00", newYork, "2024-11-03T05:30:00.000Z"),
        ] as [(String, ZoneRules?, String)])
    func `a time is this instant`(text: String, zone: ZoneRules?, expected: String) {
        #expect(RowClock(zone: zone).instant(text)?.rfc3339 == expected)
    }

    @Test(
        arguments: [
            ("2024-03-10 01:59:59", .once), ("2024-03-10 02:00:00", .never),
            ("2024-03-10 02:59:59", .never), ("2024-03-10 03:00:00", .once),
            ("2024-11-03 00:59:59", .once), ("2024-11-03 01:00:00", .twice),
            ("2024-11-03 01:59:59", .twice), ("2024-11-03 02:00:00", .once),
            ("2024-11-03T01:30:00-04:00", .once),
        ] as [(String, LocalTime)])
    func `a local time is shown once, twice or never`(text: String, expected: LocalTime) {
        #expect(RowClock(zone: Self.newYork).reading(text)?.localTime == expected)
    }

    @Test(
        arguments: [
            ("2023-11-16 18:15:46", nil), ("", .utc), ("yesterday", .utc), ("1700000000", .utc),
            ("2023-02-29", .utc), ("2023-11-16 25:00:00", .utc), ("16.11.2023", .utc),
        ] as [(String, ZoneRules?)])
    func `this is no time`(text: String, zone: ZoneRules?) {
        #expect(RowClock(zone: zone).instant(text) == nil)
    }
}

@Suite struct RowMapperTests {
    private func rows(_ mapping: ColumnMapping, _ text: String) throws -> [EventRow] {
        try rows(mapping, Array(text.utf8))
    }

    private func rows(_ mapping: ColumnMapping, _ bytes: [UInt8]) throws -> [EventRow] {
        var reader = CSVEventReader(mapping)
        reader.push(bytes)
        reader.finish()
        var rows: [EventRow] = []
        while let row = try reader.next() { rows.append(row) }
        return rows
    }

    private let mapping = ColumnMapping(
        subject: RowTemplate(column: "who"), time: "when", id: "id",
        quantities: ["commits=1", "lines=lines"].compactMap { QuantityMapping($0) })

    @Test func `a row becomes an event`() throws {
        let text = "id,who,when,lines\nx,ann,2005-04-07T15:13:13-07:00,1244\n"
        let event = try #require(try rows(mapping, text).first).content.get()
        let expected = UsageEvent(
            id: EventID("x"), subject: SubjectID(unchecked: "ann"),
            occurredAt: Instant(rfc3339: "2005-04-07T22:13:13Z"),
            quantities: Quantities([
                NamedQuantity(name: MeterKey(unchecked: "commits"), quantity: 1),
                NamedQuantity(name: MeterKey(unchecked: "lines"), quantity: 1_244),
            ]))
        #expect(event == expected)
    }

    @Test(
        arguments: [
            ("x,ann,2005-04-07T15:13:13Z", "has 3 fields, and the header has 4"),
            ("x,ann,2005-04-07T15:13:13Z,1,2", "has 5 fields, and the header has 4"),
            (",ann,2005-04-07T15:13:13Z,1", "event id '': expected 1 to 255 bytes"),
            ("x,,2005-04-07T15:13:13Z,1", "subject '': expected 1 to 255 bytes"),
            ("x,ann,07.04.2005,1", "time '07.04.2005': expected an RFC 3339"),
            ("x,ann,2005-04-07T15:13:13Z,", "quantity '': expected a whole number"),
            ("x,ann,2005-04-07T15:13:13Z,1.5", "quantity '1.5': expected a whole number"),
            ("x,ann,2005-04-07T15:13:13Z,9223372036854775808", "quantity '9223372036854775808'"),
            ("x,a\"nn,2005-04-07T15:13:13Z,1", "a quote inside a field without quotes"),
        ])
    func `a row that cannot be used is told with its line`(row: String, reason: String) throws {
        let good = "y,ann,2005-04-07T15:13:13Z,1"
        let read = try rows(mapping, "id,who,when,lines\n\(good)\n\(row)\n\(good)\n")
        #expect(read.map(\.line) == [2, 3, 4])
        #expect(throws: Never.self) { _ = try read[0].content.get() }
        #expect(throws: Never.self) { _ = try read[2].content.get() }
        guard case .failure(let problem) = read[1].content else {
            Issue.record("'\(row)' was read")
            return
        }
        #expect(problem.line == 3)
        #expect(problem.reason.hasPrefix(reason))
    }

    @Test func `bytes that are no UTF-8 make a problem, not a name`() throws {
        let text = Array("id,who,when,lines\nx,a".utf8) + [0xFF] + Array("b,,1\n".utf8)
        guard case .failure(let problem)? = try rows(mapping, text).first?.content else {
            Issue.record("the row was read")
            return
        }
        #expect(problem.description == "line 2: subject: the bytes are not UTF-8")
    }

    @Test(
        arguments: [
            ("12.0", 12), ("12.000", 12), ("-3.0", -3), ("12.5", nil), ("12.", nil), (".0", nil),
            ("1e3", nil), ("1.0.0", nil), (" 12", nil), ("9223372036854775808.0", nil),
        ] as [(String, Int64?)])
    func `12.0 is 12, and a fraction is an error`(text: String, units: Int64?) throws {
        let row = try #require(
            try rows(mapping, "id,who,when,lines\nx,ann,2005-04-07T15:13:13Z,\(text)\n").first)
        guard let units else {
            #expect(throws: RowProblem.self) { _ = try row.content.get() }
            return
        }
        #expect(try row.content.get().quantities[MeterKey(unchecked: "lines")]?.units == units)
    }

    @Test func `an empty id, subject or type is an error, quoted or not`() throws {
        let mapping = ColumnMapping(
            subject: RowTemplate(column: "who"), id: "id", type: "{kind}")
        let text = "id,who,kind\na,ann,call\n,ann,call\n\"\",ann,call\nb,,call\nc,ann,\n"
        let problems = try rows(mapping, text).map { row in
            if case .failure(let problem) = row.content { problem.description } else { "" }
        }
        let expected = "expected 1 to 255 bytes of UTF-8 without control characters"
        #expect(
            problems == [
                "", "line 3: event id '': \(expected)", "line 4: event id '': \(expected)",
                "line 5: subject '': \(expected)", "line 6: type '': \(expected)",
            ])
    }

    @Test func `the type of each row comes from its columns`() throws {
        let mapping = ColumnMapping(
            subject: RowTemplate(column: "who"), type: "{kind}.{row%2}", source: "logs")
        let read = try rows(mapping, "who,kind\nann,call\nann,chat\n")
        #expect(try read.map { try $0.content.get().details?.type } == ["call.0", "chat.1"])
        let unknown = ColumnMapping(subject: RowTemplate(column: "who"), type: "{sort}")
        let error = #expect(throws: ImportError.self) { _ = try rows(unknown, "who,kind\na,b\n") }
        #expect(error?.message.hasPrefix("--type: no column is called 'sort'") == true)
    }

    @Test func `an empty field is no dimension, and quotes around nothing are an empty one`() throws
    {
        let mapping = ColumnMapping(
            subject: RowTemplate(column: "who"),
            dimensions: [DimensionMapping(name: "model", column: "model")], type: "call")
        let read = try rows(mapping, "who,model\nann,\nann,\"\"\nann,\"gpt\"\n")
        let values = try read.map { try $0.content.get().details?.dimensions.map(\.value) }
        #expect(values == [[], [""], ["gpt"]])
    }

    @Test func `control characters of a file are made visible`() throws {
        let row = try rows(mapping, "id,who,when,lines\nx,\u{1B}[31mann\u{9B}\r,1,1\n").first
        guard case .failure(let problem)? = row?.content else {
            Issue.record("the row was read")
            return
        }
        #expect(problem.description.contains(#"subject '\u{1B}[31mann\u{9B}\u{D}'"#))
    }

    @Test func `a file without a header is an error`() {
        for text in ["", "\n", "\u{FEFF}"] {
            let error = #expect(throws: ImportError.self) { _ = try rows(mapping, text) }
            #expect(error?.code == .badData)
        }
    }

    @Test func `rows are numbered from 0, problems included`() throws {
        let mapping = ColumnMapping(
            subject: try #require(RowTemplate("user-{row%3}")), type: "call", source: "logs")
        let read = try rows(mapping, "a,b\n1,1\n\"x\"y\n2,2\n3,3\n4,4\n")
        let subjects = read.compactMap { try? $0.content.get().subject.text }
        #expect(subjects == ["user-0", "user-2", "user-0", "user-1"])
        let details = try #require(try read[0].content.get().details)
        #expect(details == EventDetails(source: "logs", type: "call"))
    }

    @Test(
        arguments: [
            (
                ColumnMapping(subject: RowTemplate(column: "who")),
                "--subject: no column is called 'who'"
            ),
            (
                ColumnMapping(subject: RowTemplate(column: "b")),
                "--subject: 2 columns are called 'b'"
            ),
            (
                ColumnMapping(subject: RowTemplate(column: "a"), time: "t"),
                "--time: no column is called 't'; there are a, b, b"
            ),
            (ColumnMapping(subject: RowTemplate(column: "a"), id: "i"), "--id: no column"),
            (
                ColumnMapping(
                    subject: RowTemplate(column: "a"),
                    quantities: ["m=1", "m=a"].compactMap { QuantityMapping($0) }),
                "--quantity: 'm' is given twice"
            ),
            (
                ColumnMapping(
                    subject: RowTemplate(column: "a"),
                    dimensions: ["d=a", "d=a"].compactMap { DimensionMapping($0) }),
                "--dimension: 'd' is given twice"
            ),
        ] as [(ColumnMapping, String)])
    func `a column that is not there, or twice, is an error`(
        mapping: ColumnMapping, message: String
    ) {
        let error = #expect(throws: ImportError.self) { _ = try rows(mapping, "a,b,b\n1,2,3\n") }
        #expect(error?.code == .usage)
        #expect(error?.message.hasPrefix(message) == true)
    }

    @Test func `ids made from content are the same each time and differ from row to row`() throws {
        let mapping = ColumnMapping(subject: RowTemplate(column: "who"))
        let text = "who,what\nann,1\nann,1\nann,2\n,1\nan,n1\n"
        let ids = try rows(mapping, text).compactMap { try? $0.content.get().id }
        #expect(Set(ids).count == 4)
        let again = try rows(mapping, text + "ann,1\n").compactMap { try? $0.content.get().id }
        #expect(Array(again.prefix(4)) == ids)
        #expect(Set(again).count == 5)
    }
}
