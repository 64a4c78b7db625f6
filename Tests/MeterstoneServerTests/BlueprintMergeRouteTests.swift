import HTTPTypes
import Meterstone
import MeterstoneCore
import Testing

/// A blueprint that is merged over HTTP, and filters of lists.
@Suite struct BlueprintMergeRouteTests {
    private static func body(_ free: Int, _ words: String) -> String {
        """
        {"meters":[{"key":"calls"}],"plans":[],"limits":[{"key":"calls_daily","meter":"calls","window":"day",\
        "allowances":{"free":\(free)},"description":"\(words)"}]}
        """
    }

    @Test func `a merge tells what stays, and a dry run writes nothing`() async throws {
        try await TestServer.run { server in
            let path = "/v1/blueprint?name=calls&merge=true"
            let first = try await server.put(path, Self.body(10, "a"))
            #expect(first.items("steps", "outcome") == ["created", "created"])
            _ = try await server.send(
                .patch, "/v1/limits/calls_daily", #"{"allowances":{"free":7}}"#,
                headers: [.author: "ann"])
            let told = try await server.put(path + "&dryRun=true", Self.body(10, "b"))
            #expect(told.items("steps", "outcome") == ["unchanged", "replaced"])
            #expect(
                told[["steps[1].changedBy", "steps[1].changedAt"]]
                    == "ann 2026-03-10T12:00:00.000Z")
            #expect(
                told[[
                    "steps[1].members[0].path", "steps[1].members[0].applied",
                    "steps[1].members[0].now", "steps[1].members[0].file",
                    "steps[1].members[0].verdict", "steps[1].members[1].path",
                    "steps[1].members[1].verdict",
                ]] == "allowances.free 10 7 10 kept description changed")
            let limit = try await server.get("/v1/limits/calls_daily")
            #expect(limit[["allowances.free", "description"]] == "7 a")
            #expect(try await server.put(path, Self.body(10, "b")).status == 200)
            let merged = try await server.get("/v1/limits/calls_daily")
            #expect(merged[["allowances.free", "description"]] == "7 b")
            // The file says something new of what was changed by hand.
            let replaced = try await server.put(path, Self.body(12, "b"))
            #expect(replaced["steps[1].members[0].verdict"] == "replaced")
            #expect(try await server.get("/v1/limits/calls_daily")["allowances.free"] == "12")
            // Without a merge the file is written as it is.
            #expect(try await server.put("/v1/blueprint", Self.body(1, "c")).status == 200)
            #expect(try await server.get("/v1/limits/calls_daily")["allowances.free"] == "1")
            let lonely = try await server.put("/v1/blueprint?dryRun=true", Self.body(1, "c"))
            #expect(lonely.isProblem(422, "invalid_field", field: "dryRun"))
        }
    }

    @Test func `a part that is not accepted writes nothing of a merge`() async throws {
        try await TestServer.run { server in
            let bad = try await server.put(
                "/v1/blueprint?merge=true",
                """
                {"meters":[{"key":"calls"}],"plans":[],"limits":[{"key":"l","meter":"none",\
                "window":"day"}]}
                """)
            #expect(bad.isProblem(422, "unknown_meter", field: "limits[0].meter"))
            #expect(try await server.get("/v1/meters/calls").status == 404)
        }
    }

    @Test func `a subject's events are filtered`() async throws {
        try await TestServer.run { server in
            for (id, more) in [
                ("a", #""type":"prompt""#), ("b", #""type":"prompt","status":"failed""#),
                ("c", #""type":"end","session":"s""#),
            ] {
                let body = #"{"id":"\#(id)","subject":"u",\#(more)}"#
                #expect(try await server.post("/v1/events", body).status == 200)
            }
            for (filter, ids) in [
                ("type=prompt", ["b", "a"]), ("type=prompt&status=success", ["a"]),
                ("session=s", ["c"]), ("type=none", []), ("until=2026-03-10T00:00:00Z", []),
                ("count=3", ["c", "b", "a"]),
            ] {
                let list = try await server.get("/v1/subjects/u/events?\(filter)")
                #expect(Set(list.items("events", "id")) == Set(ids), "\(filter)")
            }
            let wrong = try await server.get("/v1/subjects/u/events?status=bad")
            #expect(wrong.isProblem(422, "invalid_field", field: "status"))
            let changes = try await server.get("/v1/changes?key=prompts_daily")
            #expect(changes.items("changes", "kind") == ["limit"])
        }
    }

    @Test func `names of users are told once or alike`() async throws {
        try await TestServer.run { server in
            let track = "/api/usage/track"
            let nobody = try await server.post(track, #"{"usageType":"prompt"}"#)
            #expect(nobody.isProblem(422, "missing_field", field: "userId"))
            let two = try await server.post(
                track + "?userId=a", #"{"userId":"b","usageType":"prompt"}"#)
            #expect(two.isProblem(422, "invalid_field", field: "userId"))
            let twice = try await server.post(
                track, #"{"userId":"b","user_id":"b","usageType":"prompt"}"#)
            #expect(twice.status == 422)
            let unknown = try await server.post(track, #"{"userId":"b","usage":"prompt"}"#)
            #expect(unknown.isProblem(422, "unknown_field", field: "usage"))
            let event = try await server.post("/v1/events", #"{"subject":"b","typ":"prompt"}"#)
            #expect(event.text("detail")?.hasSuffix("did you mean 'type'?") == true)
            let other = try await server.post("/v1/events", #"{"usage_kind":"b"}"#)
            #expect(other.text("detail")?.contains("expected one of costMillionths, ") == true)
            let query = try await server.get("/v1/subjects/b/usage?meters=prompts&window=day")
            #expect(query.text("detail")?.hasSuffix("did you mean 'meter'?") == true)
            let tokens = try await server.post(
                track, #"{"userId":"b","usageType":"prompt","tokensUsed":5}"#)
            #expect(tokens.isProblem(422, "unknown_meter", field: "tokensUsed"))
            let typeless = try await server.post(track, #"{"userId":"b"}"#)
            #expect(typeless.isProblem(422, "missing_field", field: "usageType"))
            let action = try await server.post("/api/usage/action", #"{"userId":"b"}"#)
            #expect(action.isProblem(422, "missing_field", field: "action"))
            let periods = try await server.get("/v1/subjects/b/periods")
            #expect(periods.isProblem(404, "unknown_subject"))
            _ = try await server.post(track, #"{"userId":"b","usageType":"prompt"}"#)
            let window = try await server.get("/v1/subjects/b/periods?window=lifetime")
            #expect(window.isProblem(422, "invalid_field", field: "window"))
            let days = try await server.get("/v1/subjects/b/periods?window=day&count=2")
            #expect(
                days[["periods[0].quantities.prompts", "periods[1].quantities.prompts"]] == "1 0")
            let fits = try await server.get("/v1/subjects/b/plans-that-fit")
            #expect(fits.texts("plansThatFit") == ["free", "pro"])
        }
    }
}
