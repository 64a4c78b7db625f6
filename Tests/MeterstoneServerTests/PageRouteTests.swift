import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneBlueprint
import MeterstoneCore
import MeterstonePages
import MeterstoneServer
import Testing

/// Pages over a server: who gets them, and that they show what the interface answers.
@Suite struct PageRouteTests {
    private static let pages = Pages.paths.filter { $0.hasPrefix("/admin") }
        .map {
            $0.replacing(":subject", with: "ann").replacing(":limit", with: "prompts_daily")
                .replacing(":plan", with: "free")
        }

    private func fill(_ server: TestServer) async throws {
        for id in 1...11 {
            _ = try await server.post(
                "/v1/consume", #"{"id":"e\#(id)","subject":"ann","type":"prompt"}"#)
        }
    }

    @Test(arguments: pages)
    func `each page is whole, small, and needs nothing of another place`(path: String) async throws
    {
        try await TestServer.run { server in
            try await fill(server)
            let answer = try await server.page(path)
            #expect(answer.status == 200, "\(path): \(answer.status)")
            #expect(answer.text.hasSuffix("</html>\n"))
            #expect(answer.text.utf8.count < 100_000)
            #expect(!answer.text.contains("http://") || answer.text.contains("curl"))
            let policy = try #require(answer.header("Content-Security-Policy"))
            #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe"))
            #expect(answer.header("Cache-Control") == "no-store")
            #expect(answer.header("X-Content-Type-Options") == "nosniff")
            #expect(answer.header("X-Request-Id") != nil)
        }
    }

    @Test func `a page shows what the interface answers`() async throws {
        try await TestServer.run { server in
            try await fill(server)
            let subject = try await server.page("/admin/subjects/ann")
            #expect(subject.text.contains("<b data-used>10</b> / 10"))
            #expect(subject.text.contains("aria-valuenow=\"10\" aria-valuemax=\"10\""))
            let overview = try await server.page("/admin").text
            #expect(overview.contains("<p class=\"value\">10</p>"))
            #expect(overview.contains("<h2>Which limits are met?</h2>"))
            let found = try await server.page("/admin/subjects?q=AN").text
            #expect(found.contains("href=\"/admin/subjects/ann\""))
            let none = try await server.page("/admin/subjects?q=b").text
            #expect(none.contains("Nobody matches"))
        }
    }

    @Test func `subjects come by pages, and say how many there are`() async throws {
        try await TestServer.run { server in
            try await fill(server)
            for number in 1_000..<1_119 {
                let body = #"{"name":"N\#(9_999 - number)"}"#
                #expect(try await server.put("/v1/subjects/z\(number)", body).status == 201)
            }
            func rows(_ query: String) async throws -> (ids: [String], text: String) {
                let text = try await server.page("/admin/subjects" + query).text
                let ids = text.split(separator: "href=\"/admin/subjects/z").dropFirst()
                return (ids.map { String($0.prefix(4)) }, text)
            }
            let first = try await rows("")
            #expect(first.ids.first == "1000" && first.text.contains("120 found"))
            #expect(first.ids.count == 49 && first.text.contains("Page 1 of 3, 120 rows"))
            let last = try await rows("?subjects-page=3")
            #expect(last.ids == (1_099..<1_119).map { String($0) })
            #expect(try await rows("?subjects-page=999999999").ids == last.ids)
            #expect(try await rows("?subjects-page=-1").ids == first.ids)
            // Sorted and searched, all of them are looked through.
            #expect(try await rows("?subjects-sort=name").ids.first == "1118")
            let found = try await rows("?q=z111&subjects-page=1")
            #expect(found.ids.count == 9 && found.text.contains("9 found"))
            let csv = try await server.page("/admin/subjects?csv=subjects").text
            #expect(csv.split(separator: "\r\n").count == 121)
            #expect(
                try await server.page("/admin/usage").text.contains("<p class=\"value\">120</p>"))
        }
    }

    @Test func `the cards of the usage page count every spelling of a step`() async throws {
        let blueprint = try Blueprint(yaml: NamedBlueprint.videoStudio.yaml)
        try await TestServer.run(blueprint: blueprint) { server in
            for (subject, event) in [
                ("a", #""type":"create_project""#), ("b", #""meter":"projects""#),
                ("c", #""type":"generate_scene""#), ("d", #""type":"export_video""#),
                ("e", #""type":"export""#),
            ] {
                _ = try await server.post(
                    "/v1/events", #"{"subject":"\#(subject)",\#(event)}"#)
            }
            let text = try await server.page("/admin/usage").text
            let values = text.matches(of: /<p class="value">([0-9]+)<\/p>/).map { String($0.1) }
            #expect(values == ["5", "2", "1", "2"])
        }
    }

    @Test func `with a key a page asks for a sign-in, and shows what the key may read`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            let closed = try await server.page("/admin/limits?limits-sort=limit", key: nil)
            #expect(closed.status == 303)
            #expect(
                closed.header("Location")
                    == "/admin/sign-in?next=%2Fadmin%2Flimits%3Flimits-sort%3Dlimit")
            #expect(try await server.page("/admin/sign-in", key: nil).status == 200)
            let reader = try await server.makeKey(#"{"scopes":["read"]}"#)
            let limit = try await server.page("/admin/limits/prompts_daily", key: reader)
            #expect(limit.status == 200 && !limit.text.contains("data-call"))
            #expect(try await server.page("/admin/changes", key: reader).status == 403)
            #expect(try await server.page("/admin/keys", key: reader).status == 403)
            let owner = try await server.page("/admin/limits/prompts_daily", key: "owner")
            #expect(owner.text.contains("data-call=\"PATCH\""))
        }
    }

    @Test func `a person sees their own, and nothing else`() async throws {
        try await TestServer.run(key: "owner") { server in
            try await fill(server)
            let made = try await server.post("/v1/tokens", #"{"subject":"ann"}"#)
            let token = try #require(made.text("token"))
            let own = try await server.client.execute(
                uri: "/me", method: .get, headers: [.cookie: "meterstone_token=\(token)"]
            ) { Answer($0) }
            #expect(own.status == 200 && own.text.contains("<b data-used>10</b> / 10"))
            #expect(!own.text.contains("data-call") && !own.text.contains("/admin/limits"))
            let overview = try await server.page("/admin", key: token)
            #expect(overview.status == 403)
            let another = try await server.page("/admin/subjects/bob", key: token)
            #expect(another.status == 403 || another.status == 404)
            #expect(try await server.page("/me", key: nil).status == 401)
        }
    }

    @Test func `a table comes as a file, as it is shown`() async throws {
        try await TestServer.run { server in
            let answer = try await server.page("/admin/limits?csv=limits&limits-sort=-limit")
            #expect(answer.header("Content-Type") == "text/csv; charset=utf-8")
            #expect(answer.header("Content-Disposition") == "attachment; filename=\"limits.csv\"")
            let lines = answer.text.split(separator: "\r\n").map { $0.prefix { $0 != "," } }
            #expect(lines == ["limit", "seconds_monthly", "prompts_daily"])
        }
    }

    @Test func `files are kept by browsers, and those for other pages may be loaded there`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            let style = try await server.page("/pages/meterstone.css", key: nil)
            #expect(style.header("Cache-Control")?.contains("immutable") ?? false)
            #expect(style.header("Access-Control-Allow-Origin") == nil)
            let element = try await server.page("/web/usage.js", key: nil)
            #expect(element.text.contains("customElements.define('meterstone-usage'"))
            #expect(element.header("Access-Control-Allow-Origin") == "*")
            let page = try await server.page("/admin/design").text
            #expect(page.contains("href=\"/pages/meterstone.css?"))
        }
    }

    @Test func `pages are asked for within the process, and count as one request`() async throws {
        try await TestServer.run { server in
            try await fill(server)
            _ = try await server.page("/admin/usage")
            let metrics = try await server.get("/metrics").text
            #expect(metrics.contains(#"route="/admin/usage""#))
            #expect(!metrics.contains(#"route="/v1/analytics/top",status="200"} 1"#))
        }
    }
}

extension TestServer {
    fileprivate func makeKey(_ body: String) async throws -> String {
        try #require(try await post("/v1/keys", body).text("secret"))
    }

    /// A page, which the description does not have.
    fileprivate func page(_ path: String, key: String?) async throws -> Answer {
        var headers: HTTPFields = [:]
        if let key { headers[.authorization] = "Bearer \(key)" }
        return try await client.execute(uri: path, method: .get, headers: headers) { Answer($0) }
    }

    fileprivate func page(_ path: String) async throws -> Answer { try await page(path, key: key) }
}
