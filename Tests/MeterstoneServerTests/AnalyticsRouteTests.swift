import Foundation
import HTTPTypes
import HummingbirdTesting
import MeterstoneTesting
import Testing

/// The reports over HTTP: what they look like, and what they refuse.
@Suite struct AnalyticsRouteTests {
    /// Every report with what it needs, and the first of its columns.
    static let reports: [(path: String, column: String)] = [
        ("top?meter=prompts", "subject"), ("trends?", "from"),
        ("trends?meters=prompts,seconds&window=week:sunday", "from"),
        ("usage-by?meter=prompts&by=model", "value"),
        ("usage-by?meter=prompts&by=dimension:a%20b", "value"),
        ("funnel?meters=prompts,seconds", "type"),
        ("funnel?meters=prompts,seconds&ordered=false", "type"),
        ("retention?", "cohort"), ("retention?window=week&meter=prompts", "cohort"),
        ("feature-retention?", "meter"), ("sessions?", "plan"), ("feature-value?", "plan"),
        ("funnel?meters=prompts,seconds&independent=true", "type"), ("errors?", "type"),
        ("errors?minimumEvents=0", "type"), ("adoption?", "plan"),
        ("adoption?meters=seconds", "plan"), ("power-users?meter=prompts", "subject"),
        ("power-users?meter=prompts&percent=100", "subject"), ("idle?", "subject"),
        ("idle?idleDays=7", "subject"), ("limits?", "limit"), ("limit-subjects?", "limit"),
        ("limit-subjects?limit=prompts_daily", "limit"), ("unusual?meter=prompts", "subject"),
        ("unusual?meter=prompts&date=2026-03-09", "subject"), ("overage?", "limit"),
        ("overage?limit=seconds_monthly", "limit"), ("plans?", "plan"),
        ("plans?meter=prompts", "plan"), ("unmetered?", "type"),
    ]

    private static let excel =
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    private static func path(_ report: String) -> String {
        "/v1/\(report.hasPrefix("unmetered") ? "events" : "analytics")/\(report)"
    }

    @Test(arguments: reports)
    func `each report comes as JSON, CSV and NDJSON`(
        path: String, column: String
    ) async throws {
        try await TestServer.run { server in
            let name = String(path.prefix { $0 != "?" })
            let path = Self.path(path)
            let json = try await server.get(path)
            #expect(json.status == 200, "\(json.text)")
            #expect(json.header("Content-Type") == "application/json")
            #expect(json.text.hasPrefix(#"{"report":"\#(name)","from":""#))
            #expect(json.text("timeZone") == "UTC" && json.has("rows"))
            let csv = try await server.get(path + "&format=csv")
            #expect(csv.status == 200)
            #expect(csv.header("Content-Type") == "text/csv; charset=utf-8; header=present")
            #expect(
                csv.header("Content-Disposition") == #"attachment; filename="\#(name).csv""#)
            #expect(csv.text.hasPrefix("\(column),") && csv.text.hasSuffix("\r\n"))
            let lines = try await server.get(path + "&format=ndjson")
            #expect(lines.status == 200)
            #expect(lines.header("Content-Type") == "application/x-ndjson")
            for line in lines.text.split(separator: "\n") {
                #expect(line.hasPrefix(#"{"\#(column)":"#) && line.hasSuffix("}"))
            }
        }
    }

    @Test(arguments: reports)
    func `each report comes as a file for Excel`(path: String, column: String) async throws {
        try await TestServer.run { server in
            let name = String(path.prefix { $0 != "?" })
            let path = Self.path(path)
            let workbook = try await server.get(path + "&format=xlsx")
            #expect(workbook.status == 200)
            #expect(
                workbook.header("Content-Type") == Self.excel)
            #expect(
                workbook.header("Content-Disposition") == #"attachment; filename="\#(name).xlsx""#)
            #expect(workbook.text.hasPrefix("PK\u{3}\u{4}"))
        }
    }

    @Test func `the log of changes comes as a file for Excel`() async throws {
        try await TestServer.run { server in
            for id in ["ann", "bob", "cem"] {
                _ = try await server.put("/v1/subjects/\(id)", #"{"name":"N"}"#)
            }
            let all = try await server.send(
                .get, "/v1/changes?kind=subject", headers: [.accept: Self.excel])
            #expect(all.status == 200 && all.header("Content-Type") == Self.excel)
            #expect(
                all.header("Content-Disposition") == #"attachment; filename="changes.xlsx""#)
            #expect(all.text.hasPrefix("PK\u{3}\u{4}") && all.header("Link") == nil)
            let some = try await server.get("/v1/changes?kind=subject&format=xlsx&count=2")
            let link = try #require(some.header("Link"))
            #expect(link.hasSuffix(#">; rel="next""#) && link.contains("format=xlsx&count=2"))
            let rest = try #require(link.split(separator: "cursor=").last?.prefix { $0 != ">" })
            let last = try await server.get("/v1/changes?kind=subject&format=csv&cursor=\(rest)")
            #expect(last.text.contains("ann") && !last.text.contains("bob"))
            let none = try await server.get("/v1/changes?format=pdf")
            #expect(none.isProblem(422, "invalid_field", field: "format"))
            #expect(none.text.contains("json, csv, ndjson or xlsx"))
        }
    }

    @Test func `Accept chooses the format unless the query does`() async throws {
        try await TestServer.run { server in
            let path = "/v1/analytics/idle"
            for (accept, query, type) in [
                ("text/csv", "", "text/csv; charset=utf-8; header=present"),
                ("application/x-ndjson", "", "application/x-ndjson"),
                ("text/html, */*;q=0.1", "", "application/json"),
                ("text/csv", "?format=json", "application/json"),
                (Self.excel, "", Self.excel), ("text/csv", "?format=xlsx", Self.excel),
                ("\(Self.excel), */*", "", "application/json"),
            ] {
                let answer = try await server.send(.get, path + query, headers: [.accept: accept])
                #expect(answer.header("Content-Type") == type, "\(accept)")
            }
        }
    }

    @Test func `the largest users come first, page after page`() async throws {
        try await TestServer.run { server in
            for (subject, quantity) in [("a", 1), ("b", 5), ("c", 5)] {
                _ = try await server.post(
                    "/v1/events",
                    #"{"subject":"\#(subject)","quantities":{"prompts":\#(quantity)}}"#)
            }
            server.clock.advance(bySeconds: 1)
            let path = "/v1/analytics/top?meter=prompts&count=2"
            let first = try await server.get(path)
            #expect(first.items("rows", "subject") == ["b", "c"])
            #expect(first.items("rows", "quantity") == ["5", "5"])
            let cursor = try #require(first.text("next"))
            #expect(
                first.header("Link")
                    == #"<http://localhost\#(path)&cursor=\#(cursor)>; rel="next""#)
            // A cursor is replaced, however it is written.
            let encoded = try await server.get(
                path.replacing("count=2", with: "count=1") + "&%63ursor=\(cursor)")
            #expect(encoded.status == 200 && encoded.header("Link") == nil)
            let second = try await server.get("\(path)&cursor=\(cursor)")
            #expect(second.items("rows", "subject") == ["a"])
            #expect(!second.has("next") && second.header("Link") == nil)
            #expect(second.text("from") == first.text("from"))
            let csv = try await server.get("\(path)&format=csv")
            #expect(csv.header("Link")?.contains(#"&format=csv&cursor="#) == true)
            let before = try await server.get(
                "/v1/analytics/top?meter=prompts&until=2026-03-01T00:00:00Z")
            #expect(before.items("rows", "subject") == [])
            for path in ["idle?", "top?meter=prompts&until=2026-03-01T00:00:00Z&"] {
                let other = try await server.get("/v1/analytics/\(path)cursor=\(cursor)")
                #expect(other.isProblem(422, "invalid_field", field: "cursor"), "\(path)")
            }
        }
    }

    @Test func `a cursor that no page gave is harmless`() async throws {
        try await TestServer.run { server in
            for position in [
                "top:9223372036854775807:0:1", "top:1:-9223372036854775808:9223372036854775807",
                "top:1:0:253402300800000", "top:1:5:5:9;0;:", "top:1:5:4:9;0;:", "top:0:0:1:9;0;:",
                "top:-1:0:1:9;0;:", "top:1:0:1:9;9223372036854775808;:",
            ] {
                let cursor = Data("1r\(position)".utf8).base64EncodedString()
                    .replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_")
                let answer = try await server.get(
                    "/v1/analytics/top?meter=prompts&cursor=\(cursor)")
                // What an earlier version gave is told apart from what nobody gave.
                #expect(answer.status == (position.hasSuffix(";:") ? 422 : 410), "\(position)")
            }
        }
    }

    /// The clock of the server stands at 2026-03-10T12:00:00Z.
    @Test(arguments: [
        ("", "2026-02-09T00:00:00.000Z", "2026-03-11T00:00:00.000Z"),
        ("days=1", "2026-03-10T00:00:00.000Z", "2026-03-11T00:00:00.000Z"),
        ("days=7&timeZone=Asia/Tokyo", "2026-03-03T15:00:00.000Z", "2026-03-10T15:00:00.000Z"),
        (
            "from=2026-03-01T01:02:03%2B01:00&until=2026-03-02T00:00:00Z",
            "2026-03-01T00:02:03.000Z", "2026-03-02T00:00:00.000Z"
        ),
    ])
    func `a report says which span it is about`(
        query: String, from: String, until: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.get("/v1/analytics/limits?\(query)")
            #expect(answer.text("from") == from && answer.text("until") == until)
        }
    }

    @Test func `all filters are taken together`() async throws {
        try await TestServer.run { server in
            let answer = try await server.get(
                "/v1/analytics/trends?type=t&subtype=s&status=failed&source=x&plan=free"
                    + "&dimension.model=gpt-4&dimension.a.b=&timeZone=Europe/Berlin&count=10000")
            #expect(answer.status == 200 && answer.text("timeZone") == "Europe/Berlin")
        }
    }

    static let mistakes: [(query: String, code: String, field: String)] = [
        ("top", "missing_field", "meter"), ("top?meter=a%20b", "invalid_field", "meter"),
        ("top?meter=nope", "unknown_meter", "meter"),
        ("trends?meters=", "invalid_field", "meters"),
        ("trends?meters=a,,b", "invalid_field", "meters"),
        ("trends?window=lifetime", "invalid_field", "window"),
        ("trends?window=billingMonth", "invalid_field", "window"),
        ("trends?meter=prompts", "unknown_field", "meter"),
        ("usage-by?meter=prompts", "missing_field", "by"),
        ("usage-by?meter=prompts&by=color", "invalid_field", "by"),
        ("funnel", "missing_field", "types"), ("funnel?types=a", "invalid_field", "types"),
        ("funnel?types=a,", "invalid_field", "types"),
        ("funnel?types=a,b&ordered=yes", "invalid_field", "ordered"),
        ("funnel?types=a,b", "unknown_type", "types"),
        ("funnel?meters=prompts", "invalid_field", "meters"),
        ("funnel?meters=prompts,nope", "unknown_meter", "meter"),
        ("funnel?meters=prompts,seconds&types=a,b", "invalid_field", "meters"),
        ("errors?minimumEvents=-1", "invalid_field", "minimumEvents"),
        ("power-users", "missing_field", "meter"),
        ("power-users?meter=prompts&percent=101", "invalid_field", "percent"),
        ("power-users?meter=prompts&percent=0", "invalid_field", "percent"),
        ("idle?idleDays=0", "invalid_field", "idleDays"),
        ("limit-subjects?limit=", "invalid_field", "limit"),
        ("limit-subjects?limit=nope", "unknown_limit", "limit"),
        ("unusual?meter=prompts&date=2026-02-30", "invalid_field", "date"),
        ("unusual?meter=prompts&date=today", "invalid_field", "date"),
        ("overage?limit=a/b", "invalid_field", "limit"),
        ("plans?meter=nope", "unknown_meter", "meter"),
        ("limits?from=today", "invalid_field", "from"),
        ("limits?until=now", "invalid_field", "until"),
        (
            "limits?from=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z", "invalid_field",
            "until"
        ),
        ("limits?from=2026-01-02T00:00:00Z&days=2", "invalid_field", "days"),
        ("limits?days=0", "invalid_field", "days"), ("limits?days=3661", "invalid_field", "days"),
        ("limits?timeZone=Nowhere", "unknown_time_zone", "timeZone"),
        ("limits?type=", "invalid_field", "type"),
        ("limits?subtype=%00", "invalid_field", "subtype"),
        ("limits?status=done", "invalid_field", "status"),
        ("limits?source=", "invalid_field", "source"), ("limits?plan=", "invalid_field", "plan"),
        ("limits?dimension.=x", "unknown_field", "dimension."),
        ("limits?dimension=x", "unknown_field", "dimension"),
        ("limits?dimension.a=x&dimension.a=y", "invalid_field", "dimension.a"),
        ("limits?dimension.%01=x", "invalid_field", "dimension."),
        ("limits?count=0", "invalid_field", "count"),
        ("limits?count=10001", "invalid_field", "count"),
        ("limits?cursor=x", "invalid_field", "cursor"),
        ("limits?format=xml", "invalid_field", "format"),
        ("limits?x=1", "unknown_field", "x"),
    ]

    @Test(arguments: mistakes)
    func `a mistake names its field`(query: String, code: String, field: String) async throws {
        try await TestServer.run { server in
            let answer = try await server.get("/v1/analytics/\(query)")
            #expect(answer.isProblem(422, code, field: field), "\(answer.text)")
        }
    }

    @Test func `nothing is told when analytics are off, or without the key`() async throws {
        let paths = Set(Self.reports.map { Self.path($0.path) })
        try await TestServer.run(isAnalyticsEnabled: false) { server in
            for path in paths {
                let answer = try await server.get(path)
                #expect(answer.isProblem(403, "analytics_disabled"))
            }
        }
        try await TestServer.run(key: "secret") { server in
            for path in paths {
                let answer = try await server.send(.get, path, headers: [.authorization: "none"])
                #expect(answer.isProblem(401, "unauthorized"))
            }
        }
    }
}
