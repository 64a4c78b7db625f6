import MeterstoneAPI
import MeterstoneCore
import Testing

/// Reports as JSON, NDJSON and CSV.
@Suite struct ReportWriterTests {
    /// A row with a value of each kind.
    private struct Sample: ReportRow {
        var text = "a"
        static let fields: [ReportField<Sample>] = [
            ReportField("text", \.text), ReportField("number") { _ in Int64(-5) },
            ReportField("ratio") { _ in Ratio(-13, of: 29) },
            ReportField("instant") { _ in Instant(millisecondsSince1970: 0) },
            ReportField("date") { _ in CivilDate(daysSince1970: 1) },
            ReportField("flag") { _ in true }, ReportField("list") { _ in ["x", "y"] },
            ReportField("nothing") { _ in String?.none },
        ]
    }

    private static let span = WindowSpan(
        from: Instant(millisecondsSince1970: 0), until: Instant(millisecondsSince1970: 86_400_000))

    private func document(
        _ format: ReportFormat, _ rows: [Sample], next: Int? = nil, isFirst: Bool = true
    ) -> String {
        let report = Report(span: Self.span, timeZone: "UTC", rows: rows, next: next)
        let bytes = format.document(ReportTable(report, .top), isFirst: isFirst)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let object = """
        {"text":"a","number":-5,"ratio":-0.448276,"instant":"1970-01-01T00:00:00.000Z",\
        "date":"1970-01-02","flag":true,"list":["x","y"],"nothing":null}
        """
    private static let head = """
        {"report":"top","from":"1970-01-01T00:00:00.000Z","until":"1970-01-02T00:00:00.000Z",\
        "timeZone":"UTC","rows":[
        """

    @Test func `JSON has the span and the rows, and a cursor where there is a next page`() {
        #expect(document(.json, []) == Self.head + "]}")
        #expect(document(.json, [Sample()]) == Self.head + Self.object + "]}")
        let two = document(.json, [Sample(), Sample()], next: 2)
        let rows = Self.object + "," + Self.object
        #expect(two.hasPrefix(Self.head + rows + #"],"next":""#))
        #expect(two.hasSuffix(#""}"#))
    }

    @Test func `NDJSON has an object on each line`() {
        #expect(document(.ndjson, []) == "")
        #expect(
            document(.ndjson, [Sample(), Sample()], next: 2)
                == "\(Self.object)\n\(Self.object)\n")
    }

    @Test func `CSV has the columns once, and ends lines with CR LF`() {
        let titles = "text,number,ratio,instant,date,flag,list,nothing\r\n"
        let line = "a,-5,-0.448276,1970-01-01T00:00:00.000Z,1970-01-02,true,\"x;y\",\r\n"
        #expect(document(.csv, []) == titles)
        #expect(document(.csv, [Sample(), Sample()]) == titles + line + line)
        #expect(document(.csv, [Sample()], isFirst: false) == line)
    }

    @Test(arguments: [
        ("", "\"\""), ("plain text", "plain text"), ("a,b", #""a,b""#), (#"a"b"#, #""a""b""#),
        ("a\nb", "\"a\nb\""), ("a\r\nb", "\"a\r\nb\""), ("Zoë 日本", "Zoë 日本"), ("a;b", "\"a;b\""),
        // What a spreadsheet would take for a formula.
        ("=1+2", "'=1+2"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""), (#"=x("a",1)"#, #""'=x(""a"",1)""#), ("a=1", "a=1"), ("'x", "'x"),
    ])
    func `fields are quoted, and formulas made texts`(text: String, expected: String) {
        var writer = CSVWriter()
        writer.line([.text(text), .integer(-1)])
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\(expected),-1\r\n")
    }

    @Test func `a list that looks like a formula is a text as well`() {
        var writer = CSVWriter()
        writer.line([.list(["=a", "b"]), .list([])])
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\"'=a;b\",\r\n")
    }
}

/// What `Accept` says.
@Suite struct ReportFormatTests {
    @Test(
        arguments: [
            ("", .json), ("text/csv", .csv), ("application/x-ndjson", .ndjson),
            ("application/jsonl", .ndjson), ("application/json", .json), ("*/*", .json),
            ("text/html,application/xhtml+xml,*/*;q=0.8", .json), ("text/*", .csv),
            ("TEXT/CSV; header=present", .csv), ("text/csv;q=0.5, application/json", .json),
            ("application/json;q=0.1, text/csv; q=0.2", .csv), ("text/csv, */*", .csv),
            ("text/csv;q=0", .json), ("text/csv;q=x", .json), ("image/png", .json),
        ] as [(String, ReportFormat)])
    func `the best of Accept is taken, and otherwise JSON`(header: String, format: ReportFormat) {
        #expect(ReportFormat(accept: header) == format)
    }
}

/// Cursors of reports.
@Suite struct ReportCursorTests {
    private struct NoRow: ReportRow {
        static let fields: [ReportField<NoRow>] = []
    }

    private let span = WindowSpan(
        from: Instant(millisecondsSince1970: -1), until: Instant(millisecondsSince1970: 5))

    private let cut = ReportCut(
        at: Instant(millisecondsSince1970: 9), sequence: 3, snapshot: "10/20/10,14")

    private func cursorAfter(next: Int? = 7) -> Cursor? {
        Cursor(
            after: ReportTable(
                Report<NoRow>(span: span, timeZone: "UTC", rows: [], next: next, cut: cut), .idle))
    }

    @Test func `the last page has none`() {
        #expect(cursorAfter(next: nil) == nil)
    }

    @Test func `a cursor brings the offset and the span of the page before`() throws {
        let text = try #require(cursorAfter()).text
        for given in [
            ReportQuestion(), ReportQuestion(days: 3), ReportQuestion(from: span.from),
            ReportQuestion(from: span.from, until: span.until),
        ] {
            var question = given
            try question.resume(at: Cursor(text, kind: .reports), of: .idle)
            #expect(question.offset == 7)
            #expect(question.from == span.from && question.until == span.until)
            #expect(question.cut == cut && question.after == nil)
        }
    }

    @Test func `a cursor of another report, list or span is refused`() throws {
        let cursor = try #require(cursorAfter())
        let invalid = Rejection(
            code: .invalidField, field: "cursor",
            message: "expected the cursor that the page before gave, as it was given")
        var question = ReportQuestion()
        #expect(rejection { try question.resume(at: cursor, of: .top) } == invalid)
        #expect(rejection { try Cursor(cursor.text, kind: .changes) } == invalid)
        var other = ReportQuestion(until: span.from)
        #expect(rejection { try other.resume(at: cursor, of: .idle) } == invalid)
        for position in [
            "", "idle", "idle:7", "idle:7:1", "idle:x:1:2:9;3;:", "idle:-7:1:2:9;3;:",
            "idle:0:1:2:9;3;:", "idle:7:1::9;3;:", "idle:7:1:2:9;3;", "top:7:1:2:9;3;:",
            "idle:9223372036854775808:1:2:9;3;:", "idle:7:1:2:9;3:", "idle:7:1:2:9;-1;:",
            "idle:7:1:2:9;3;:\u{7}", "idle:7:1:2:9223372036854775807;3;:",
        ] {
            let forged = Cursor(kind: .reports, position: position)
            #expect(
                rejection { try question.resume(at: forged, of: .idle) } == invalid, "\(position)")
        }
        // What an earlier version gave.
        let old = Cursor(kind: .reports, position: "idle:7:1:2")
        #expect(rejection { try question.resume(at: old, of: .idle) }?.code == .cursorExpired)
        #expect(question == ReportQuestion())
    }
}
