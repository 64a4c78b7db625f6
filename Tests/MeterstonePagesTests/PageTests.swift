import MeterstoneCore
import Testing

@testable import MeterstonePages

/// Pages over answers that are written down here.
@Suite struct PageTests {
    /// An interface that knows a few answers, by their paths without the query.
    private struct Source: PageSource {
        var answers: [String: PageValue] = [:]
        var mayChange = true
        let now = Instant(millisecondsSince1970: 1_773_144_000_000)

        func text(_ path: String) async throws(PageProblem) -> String { "" }

        func get(_ path: String) async throws(PageProblem) -> PageValue {
            let name = String(path.prefix { $0 != "?" })
            guard let answer = answers[path] ?? answers[name] else {
                throw PageProblem(status: 404, code: "not_found", detail: "No \(name).")
            }
            return answer
        }
    }

    private func page(
        _ path: String, _ query: [(name: String, value: String)] = [], _ source: Source
    ) async -> PageAnswer {
        await Pages.shared.answer(PageRequest(path: path, query: query), source)
    }

    private static func limits(_ keys: [String]) -> PageValue {
        .object([
            "limits": .list(
                keys.enumerated().map { index, key in
                    .object([
                        "key": .text(key), "meter": .text("m"), "window": .text("day"),
                        "defaultAllowance": .integer(Int64(index * 10)), "mode": .text("enforce"),
                    ])
                })
        ])
    }

    private func limitsSource(_ keys: [String]) -> Source {
        Source(answers: [
            "/v1/limits": Self.limits(keys),
            "/v1/plans": .object([
                "plans": .list([
                    .object(["key": .text("free")])
                ])
            ]),
        ])
    }

    @Test func `what comes from outside is text, wherever it stands`() async {
        let source = limitsSource([#"<script>alert("1")</script>"#])
        let answer = await page("/admin/limits", [], source)
        #expect(answer.status == 200)
        #expect(!answer.body.contains("<script>alert"))
        #expect(answer.body.contains("&lt;script&gt;alert"))
    }

    @Test func `no page has a style or a script within`() async {
        for path in ["/admin/limits", "/admin/design", "/admin/sign-in"] {
            let body = await page(path, [], limitsSource(["a"])).body
            #expect(!body.contains("style=") && !body.contains("<style"), "\(path)")
            #expect(!body.contains(" onclick") && !body.contains("javascript:"), "\(path)")
            #expect(body.utf8.count < 150_000, "\(path)")
        }
    }

    @Test func `alerts tell what is watched, who is told and what was given up`() async {
        var source = Source(answers: [
            "/v1/alerts": .object([
                "alerts": .list([
                    .object([
                        "key": .text("full"), "usedPercent": .list([.integer(80), .integer(100)]),
                        "credits": .list([.integer(5)]), "active": .flag(true),
                    ])
                ])
            ]),
            "/v1/webhooks": .object([
                "webhooks": .list([
                    .object([
                        "key": .text("ops"), "url": .text("https://example.com/hook"),
                        "active": .flag(true),
                    ])
                ])
            ]),
            "/v1/webhooks/ops/deliveries": .object([
                "webhook": .text("ops"), "delivered": .integer(1_204), "waiting": .list([]),
                "failed": .list([
                    .object([
                        "sequence": .integer(7), "attempts": .integer(11),
                        "error": .text("answered 500"),
                    ])
                ]),
            ]),
            "/v1/changes": .object([
                "changes": .list([
                    .object([
                        "sequence": .integer(7), "recordedAt": .text("2026-03-10T12:00:00.000Z"),
                        "after": .object([
                            "subject": .text("ann"), "alert": .text("full"),
                            "measure": .text("usedPercent"), "threshold": .integer(80),
                            "limit": .text("prompts_daily"), "used": .integer(8),
                        ]),
                    ])
                ])
            ]),
        ])
        let body = await page("/admin/alerts", [], source).body
        for text in [
            "80 % used, 100 % used, 5 credits left", "1,204", "answered 500", "Given up",
            "80 % of prompts_daily", #"href="/admin/subjects/ann""#, "/v1/webhooks/{key}/replay",
        ] {
            #expect(body.contains(text), "\(text)")
        }
        // Who may only read sees what is watched, and is offered nothing.
        source.mayChange = false
        source.answers["/v1/webhooks"] = nil
        source.answers["/v1/changes"] = nil
        let less = await page("/admin/alerts", [], source)
        #expect(less.status == 200 && !less.body.contains("data-call"))
    }

    @Test func `requests, imports and administrators are tables`() async {
        let source = Source(answers: [
            "/v1/meters": .object([
                "meters": .list([.object(["key": .text("words"), "aggregation": .text("sum")])])
            ]),
            "/v1/plans": .object(["plans": .list([])]),
            "/v1/requests": .object([
                "requests": .list([
                    .object([
                        "requestId": .text("r"), "userId": .text("ann"), "model": .text("gpt-4"),
                        "status": .text("failed"), "tokensUsed": .integer(1_500),
                        "startedAt": .text("2026-03-10T12:00:00.000Z"),
                    ])
                ]), "nextCursor": .text("next"),
            ]),
            "/v1/imports": .object([
                "imports": .list([
                    .object([
                        "name": .text("usage.csv"), "counted": .integer(3), "bytes": .integer(99),
                    ])
                ])
            ]),
            "/v1/administrators": .object([
                "administrators": .list([
                    .object([
                        "email": .text("ann@example.com"), "role": .text("owner"),
                        "active": .flag(false),
                    ])
                ])
            ]),
        ])
        let requests = await page("/admin/requests", [("model", "gpt-4")], source).body
        #expect(requests.contains("1,500") && requests.contains("requests-cursor=next"))
        #expect(requests.contains(#"<span class="mark bad">Failed</span>"#))
        #expect(await page("/admin/imports", [], source).body.contains("usage.csv"))
        let administrators = await page("/admin/administrators", [], source).body
        #expect(administrators.contains("Kept out") && administrators.contains("Invite"))
        let tour = await page("/admin/tour", [], source).body
        #expect(tour.split(separator: "curl ").count == 8 && tour.contains("words"))
    }

    @Test func `a limit's page says for whom it is in force, and what callers do without a server`()
        async
    {
        var source = limitsSource(["a"])
        source.answers["/v1/limits/a"] = .object([
            "key": .text("a"), "failMode": .text("open"),
            "rollout": .object([
                "percent": .integer(25), "plans": .list([.text("free"), .text("pro")]),
            ]),
        ])
        source.answers["/v1/analytics/limit-subjects"] = .object(["rows": .list([])])
        let body = await page("/admin/limits/a", [], source).body
        #expect(body.contains(#"name="rollout/percent" type="number" value="25""#))
        #expect(
            body.contains(#"name="rollout/plans" type="text" value="free, pro" data-kind="list""#))
        #expect(body.contains(#"name="rollout/subjects" type="text" value="" data-kind="list""#))
        #expect(body.contains(#"<option value="open" selected>"#))
        #expect(!body.contains("no such plan"))
        source.answers["/v1/limits/a"] = .object([
            "key": .text("a"),
            "rollout": .object(["plans": .list([.text("fre")])]),
            "unknownPlans": .list([.text("fre")]),
        ])
        #expect(
            await page("/admin/limits/a", [], source).body
                .contains("Nobody is on fre: there is no such plan yet."))
        source.mayChange = false
        #expect(await !page("/admin/limits/a", [], source).body.contains("rollout/percent"))
    }

    @Test func `the system's page has the switches, with or without backups`() async {
        var source = Source(answers: ["/readyz": .object(["status": .text("ready")])])
        let plain = await page("/admin/system", [], source).body
        #expect(plain.contains(#"data-call="PUT" data-path="/v1/switches""#))
        #expect(plain.contains("Nobody makes backups") && !plain.contains("selected>Off"))
        source.answers["/v1/switches"] = .object([
            "limits": .object([
                "state": .text("shadow"), "rollout": .object(["percent": .integer(10)]),
            ]), "analytics": .object(["state": .text("off")]),
        ])
        source.answers["/v1/backups"] = .object(["backups": .list([])])
        let switched = await page("/admin/system", [], source).body
        #expect(switched.contains(#"<option value="shadow" selected>"#))
        #expect(switched.contains(#"<option value="off" selected>"#))
        #expect(switched.contains(#"name="limits/rollout/percent" type="number" value="10""#))
        // Reports are about everybody.
        #expect(!switched.contains("analytics/rollout"))
        #expect(switched.contains(#"data-path="/v1/backups""#))
        source.mayChange = false
        #expect(await !page("/admin/system", [], source).body.contains("/v1/switches"))
    }

    @Test func `a table is a workbook, too`() async throws {
        let source = limitsSource(["a<b", "c"])
        let answer = await page("/admin/limits", [("xlsx", "limits")], source)
        let bytes = try #require(answer.bytes)
        #expect(answer.fileName == "limits.xlsx" && answer.type.hasSuffix("spreadsheetml.sheet"))
        #expect(bytes.starts(with: [0x50, 0x4b, 3, 4]))
        #expect(Array(bytes.suffix(22).prefix(4)) == [0x50, 0x4b, 5, 6])
        // Six files, in the directory and at its end.
        #expect(bytes[bytes.count - 12] == 6)
        for format in ["csv", "xlsx"] {
            let unknown = await page("/admin/limits", [(format, "nope")], source)
            #expect(unknown.status == 400 && unknown.fileName == nil)
            #expect(unknown.body.contains("\(format): expected a table of this page: limits"))
        }
    }

    @Test func `a table sorts by its address, and numbers as numbers`() async throws {
        let source = limitsSource(["b", "c", "a"])
        func order(_ sort: String) async -> [String] {
            let body = await page("/admin/limits", [("limits-sort", sort)], source).body
            return body.split(separator: "href=\"/admin/limits/").dropFirst()
                .map { String($0.prefix(1)) }
        }
        #expect(await order("limit") == ["a", "b", "c"])
        #expect(await order("-limit") == ["c", "b", "a"])
        #expect(await order("-free") == ["a", "c", "b"])
        #expect(await order("nothing") == ["b", "c", "a"])
    }

    @Test func `a table pages by its address, and its export has all rows`() async {
        let keys = (0..<120).map { "limit-\(1_000 + $0)" }
        let source = limitsSource(keys)
        let second = await page("/admin/limits", [("limits-page", "2")], source).body
        #expect(second.contains("limit-1050") && !second.contains("limit-1049"))
        #expect(second.contains("Page 2 of 3, 120 rows"))
        let beyond = await page("/admin/limits", [("limits-page", "99")], source).body
        #expect(beyond.contains("limit-1119"))
        let export = await page(
            "/admin/limits", [("csv", "limits"), ("limits-sort", "-free")], source)
        #expect(export.fileName == "limits.csv" && export.type.hasPrefix("text/csv"))
        let lines = export.body.split(separator: "\r\n")
        #expect(lines.count == 121)
        #expect(lines[0] == "limit,meter,window,free,mode")
        #expect(lines[1] == "limit-1119,m,day,1190,Enforce")
    }

    @Test func `an export has nothing that a spreadsheet takes for a formula`() async {
        let source = limitsSource(["=1+1", "a,\"b\""])
        let export = await page("/admin/limits", [("csv", "limits")], source).body
        #expect(export.contains("\r\n'=1+1,m") && export.contains("\r\n\"a,\"\"b\"\"\",m"))
    }

    @Test func `a page offers nothing that its reader may not do`() async {
        var source = Source(answers: [
            "/v1/limits/a": .object(["key": .text("a"), "meter": .text("m")]),
            "/v1/plans": .object(["plans": .list([])]),
            "/v1/analytics/limit-subjects": .object(["rows": .list([])]),
        ])
        let changing = await page("/admin/limits/a", [], source).body
        #expect(changing.contains("data-call=\"PATCH\""))
        source.mayChange = false
        let reading = await page("/admin/limits/a", [], source).body
        #expect(!reading.contains("data-call"))
    }

    @Test func `who is not known goes to the sign-in, and comes back`() async {
        struct Closed: PageSource {
            let mayChange = false
            let now = Instant(millisecondsSince1970: 0)
            func text(_ path: String) async throws(PageProblem) -> String {
                throw PageProblem(status: 401, code: "unauthorized", detail: "No key.")
            }
            func get(_ path: String) async throws(PageProblem) -> PageValue {
                throw PageProblem(status: 401, code: "unauthorized", detail: "No key.")
            }
        }
        let request = PageRequest(path: "/admin/top", query: [("days", "7")])
        let answer = await Pages.shared.answer(request, Closed())
        #expect(answer.status == 303)
        #expect(answer.location == "/admin/sign-in?next=%2Fadmin%2Ftop%3Fdays%3D7")
        let own = await Pages.shared.answer(PageRequest(path: "/me", query: []), Closed())
        #expect(own.status == 401 && own.body.contains("needs a token"))
    }

    @Test func `a new server is led to its first refusal`() async {
        let nothing = PageValue.object([
            "rows": .list([]), "meters": .list([]), "limits": .list([]),
        ])
        let source = Source(answers: [
            "/v1/meters": nothing, "/v1/limits": nothing, "/v1/analytics/trends": nothing,
        ])
        let body = await page("/admin", [], source).body
        #expect(body.contains("From nothing to the first refusal"))
        #expect(body.contains("/v1/meters/prompts"))
    }

    @Test func `a quiet week of a store in use is not its first one`() async {
        let event = PageValue.object(["id": .text("e")])
        let source = Source(answers: [
            "/v1/meters": .object(["meters": .list([.object(["key": .text("prompts")])])]),
            "/v1/limits": .object(["limits": .list([.object(["key": .text("daily")])])]),
            "/v1/events?count=25": .object(["events": .list(Array(repeating: event, count: 25))]),
            "/v1/analytics/trends": .object(["rows": .list([])]),
            "/v1/analytics/limits": .object(["rows": .list([])]),
            "/v1/analytics/errors": .object(["rows": .list([])]),
            "/v1/analytics/plans": .object(["rows": .list([])]),
        ])
        let body = await page("/admin", [("days", "7")], source).body
        #expect(!body.contains("From nothing to the first refusal"))
        #expect(body.contains("Events by day") && body.contains("name=\"days\""))
    }

    @Test func `a plan shows what else it gives, and its price as an amount`() async {
        let plan: [String: PageValue] = [
            "key": .text("pro"), "price": .integer(29_990_000), "overdraft": .integer(50),
            "recurringGrants": .list([
                .object(["amount": .integer(1_000), "window": .text("billingMonth")])
            ]),
            "features": .object(["projects": .integer(20), "sso": .flag(true)]),
        ]
        var source = Source(answers: [
            "/v1/plans/pro": .object(plan), "/v1/limits": .object(["limits": .list([])]),
        ])
        source.mayChange = true
        let body = await page("/admin/plans/pro", [], source).body
        for text in ["1,000 for each billingMonth", "50 credits", "Projects", "Yes"] {
            #expect(body.contains(text), "\(text)")
        }
        #expect(body.contains("value=\"29.99\" data-kind=\"money\""))
    }

    @Test func `where only the end of a span is told, it is so many days`() async {
        let source = Source(answers: [
            "/v1/analytics/errors?from=2026-11-04T00%3A00%3A00Z&until=2026-11-11T00%3A00%3A00Z&minimumEvents=0&count=10000":
                .object(["rows": .list([.object(["type": .text("render")])])])
        ])
        let query = [("days", "7"), ("until", "2026-11-10")]
        #expect(await page("/admin/errors", query, source).body.contains("render"))
    }
}
