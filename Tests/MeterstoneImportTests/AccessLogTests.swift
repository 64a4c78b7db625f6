import MeterstoneCore
import MeterstoneImport
import Testing

@Suite struct AccessLogTests {
    private static let mapping = ColumnMapping(
        subject: RowTemplate(column: "client"),
        time: "time",
        quantities: ["requests=1", "bytes=bytes"].compactMap { QuantityMapping($0) },
        dimensions: ["status=status", "method=method", "path=path", "agent=agent"]
            .compactMap { DimensionMapping($0) }
    )

    private func read(_ text: String) throws -> [EventRow] {
        var reader = try AccessLogEventReader(Self.mapping)
        reader.push(Array(text.utf8))
        reader.finish()
        var rows: [EventRow] = []
        while let row = try reader.next() { rows.append(row) }
        return rows
    }

    private func event(_ line: String) throws -> UsageEvent {
        try #require(try read(line).first).content.get()
    }

    @Test func `a combined line becomes an event`() throws {
        let event = try event(
            #"83.149.9.216 - frank [17/May/2015:10:05:03 +0200] "GET /a?b=c HTTP/1.1" 200 203023 "#
                + #""http://example.com/" "Mozilla/5.0 (say \"hi\")""#)
        #expect(event.subject.text == "83.149.9.216")
        #expect(event.occurredAt == Instant(rfc3339: "2015-05-17T08:05:03Z"))
        #expect(event.quantities[MeterKey(unchecked: "requests")] == 1)
        #expect(event.quantities[MeterKey(unchecked: "bytes")] == 203_023)
        let details = try #require(event.details)
        #expect(details.status == .success)
        #expect(
            details.dimensions.map { "\($0.name)=\($0.value)" } == [
                #"agent=Mozilla/5.0 (say \"hi\")"#, "method=GET", "path=/a?b=c", "status=200",
            ])
    }

    @Test(
        arguments: [
            // The common format, without referrer and agent.
            (
                #"::1 - - [01/Jan/2024:00:00:00 +0000] "GET / HTTP/1.0" 304 -"#, 0,
                EventStatus.success
            ),
            (#"a - - [29/Feb/2024:00:00:00 -0330] "-" 408 12 "-" "-""#, 12, .success),
            (#"a - - [01/Jan/2024:00:00:00 +0000] "GET /" 503 7 "-" "-""#, 7, .failed),
            (#"a  -  - [01/Jan/2024:00:00:00 +0000]  ""  500  1"#, 1, .failed),
        ] as [(String, Int64, EventStatus)])
    func `a line has these bytes and this status`(
        line: String, bytes: Int64, status: EventStatus
    ) throws {
        let event = try event(line)
        #expect(event.quantities[MeterKey(unchecked: "bytes")] == Quantity(bytes))
        #expect(event.details?.status ?? .success == status)
    }

    @Test(
        arguments: [
            ("x", "expected a client address, an identity and a user"),
            ("a - - ", "expected a time such as [17/May/2015:10:05:03 +0000]"),
            (#"a - - [17/Mai/2015:10:05:03 +0000] "-" 200 1"#, "expected a time such as"),
            (#"a - - [31/Feb/2015:10:05:03 +0000] "-" 200 1"#, "time '2015-02-31T10:05:03+00:00'"),
            (#"a - - [17/May/2015:10:05:03 +0000] GET"#, "expected a request in quotes"),
            (#"a - - [17/May/2015:10:05:03 +0000] "GET \" 200 1"#, "expected a request in quotes"),
            (#"a - - [17/May/2015:10:05:03 +0000] "-" 20 1"#, "expected a status of three digits"),
            (#"a - - [17/May/2015:10:05:03 +0000] "-" 200 x"#, "expected a number of bytes"),
        ] as [(String, String)])
    func `a broken line is told with its number and what was expected`(
        line: String, expected: String
    ) throws {
        let good = #"a - - [17/May/2015:10:05:03 +0000] "-" 200 1"#
        let rows = try read("\(good)\n\(line)\n\(good)\n")
        #expect(rows.count == 3)
        #expect(throws: Never.self) { _ = try rows[0].content.get() }
        #expect(throws: Never.self) { _ = try rows[2].content.get() }
        guard case .failure(let problem) = rows[1].content else {
            Issue.record("'\(line)' was read")
            return
        }
        #expect(problem.line == 2)
        #expect(problem.reason.hasPrefix(expected))
    }

    @Test func `a byte order mark before the first line is skipped`() throws {
        let line = #"a - - [17/May/2015:10:05:03 +0000] "-" 200 1"#
        let subjects = try read("\u{FEFF}\(line)\n\(line)\n").map {
            try $0.content.get().subject.text
        }
        #expect(subjects == ["a", "a"])
    }

    @Test func `equal lines are different events, the same ones each time`() throws {
        let line = #"a - - [17/May/2015:10:05:03 +0000] "-" 200 1"#
        let text = "\(line)\n\(line)\n\(line.replacing("200", with: "201"))\n"
        let ids = try read(text).map { try $0.content.get().id?.text }
        #expect(Set(ids).count == 3)
        #expect(try read(text).map { try $0.content.get().id?.text } == ids)
        #expect(ids.allSatisfy { $0?.count == 36 })
    }

    @Test(arguments: 0..<200)
    func `whatever comes, each line is an event or a problem`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let line = #"a - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "x \" y""#
        var bytes = Array("\(line)\n\(line)\n\(line)".utf8)
        for _ in 0..<random.next(upTo: 10) {
            bytes[random.next(upTo: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        var reader = try AccessLogEventReader(Self.mapping)
        reader.push(bytes)
        reader.finish()
        var count = 0
        while try reader.next() != nil { count += 1 }
        let lines = bytes.split(separator: UInt8(ascii: "\n")).filter { $0 != [0x0D] }
        #expect(count == lines.count)
    }
}
