import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneTesting
import Testing

@Suite struct CorrectionRouteTests {
    @Test func `a void takes an event back, once`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/events", #"{"id":"e","subject":"u","type":"prompt"}"#)
            let first = try await server.post(
                "/v1/events/e/void", #"{"author":"ann","reason":"twice"}"#)
            #expect(first.text == #"{"eventId":"e","corrected":true,"duplicate":false}"#)
            let again = try await server.post("/v1/events/e/void", #"{"reason":"twice"}"#)
            #expect(again.boolean("duplicate") == true)
            #expect(again.header("Idempotency-Replayed") == "true")
            let page = try await server.get("/v1/subjects/u/events")
            #expect(page.text.contains(#""voided":true"#) && page.text.contains(#""author":"ann""#))
            let limits = try await server.get("/v1/subjects/u/limits")
            #expect(limits.items("limits", "used") == ["0", "0"])
            let amend = try await server.post(
                "/v1/events/e/amend", #"{"reason":"r","quantities":{"prompts":1}}"#)
            #expect(amend.isProblem(409, "already_voided", field: "id"))
        }
    }

    @Test func `an amendment counts instead`() async throws {
        try await TestServer.run { server in
            _ = try await server.post(
                "/v1/consume", #"{"id":"e","subject":"u","meter":"seconds","quantity":5}"#)
            let answer = try await server.post(
                "/v1/events/e/amend",
                #"{"reason":"r","quantities":{"seconds":7},"status":"success"}"#,
                headers: [.author: "bob"])
            #expect(answer.status == 200)
            let limits = try await server.get("/v1/subjects/u/limits")
            #expect(limits.items("limits", "used") == ["0", "7"])
            let page = try await server.get("/v1/subjects/u/events")
            #expect(page.text.contains(#""kind":"amend","author":"bob""#))
        }
    }

    @Test func `an amendment changes the details that it names`() async throws {
        try await TestServer.run { server in
            _ = try await server.post(
                "/v1/events",
                #"{"id":"e","subject":"u","meter":"seconds","quantity":5,"type":"call","#
                    + #""status":"failed","session":"s","costMillionths":50}"#)
            func amend(_ details: String) async throws -> String {
                let answer = try await server.post(
                    "/v1/events/e/amend",
                    #"{"reason":"r","quantities":{"seconds":5},\#(details)}"#)
                #expect(answer.text.contains(#""duplicate":false"#), "\(details)")
                return try await server.get("/v1/subjects/u/events").text
            }
            var page = try await amend(#""status":"success""#)
            #expect(page.contains(#""status":"success""#) && page.contains(#""session":"s""#))
            let limits = try await server.get("/v1/subjects/u/limits")
            #expect(limits.items("limits", "used") == ["0", "5"])
            page = try await amend(#""dimensions":{"model":"b"},"session":null"#)
            #expect(page.contains(#""type":"call""#) && page.contains(#""costMillionths":50"#))
            #expect(page.contains(#""model":"b""#) && !page.contains(#""session":"s""#))
        }
    }

    @Test func `what cannot be corrected is a problem`() async throws {
        try await TestServer.run { server in
            let body = #"{"reason":"r"}"#
            let unknown = try await server.post("/v1/events/nope/void", body)
            #expect(unknown.isProblem(404, "unknown_event", field: "id"))
            let noReason = try await server.post("/v1/events/e/void", "{}")
            #expect(noReason.isProblem(422, "missing_field", field: "reason"))
            let nothing = try await server.post("/v1/events/e/amend", body)
            #expect(nothing.isProblem(422, "missing_field", field: "quantities"))
            let long = String(repeating: "x", count: 300)
            let id = try await server.post("/v1/events/\(long)/void", body)
            #expect(id.isProblem(422, "invalid_field", field: "event"))
        }
    }
}

@Suite struct OperatingRouteTests {
    @Test func `the key guards everything but health and the description`() async throws {
        try await TestServer.run(key: "secret") { server in
            for path in ["/healthz", "/readyz", "/openapi.json"] {
                let answer = try await server.send(.get, path, headers: [.authorization: "none"])
                #expect(answer.status == 200)
            }
            for header in [
                "none", "Bearer", "Bearer ", "Bearer wrong!", "Bearer secret2", "Basic secret",
            ] {
                let answer = try await server.send(
                    .get, "/v1/meters", headers: [.authorization: header])
                #expect(answer.isProblem(401, "unauthorized"), "\(header)")
                #expect(answer.header("WWW-Authenticate") == #"Bearer realm="meterstone""#)
            }
            for header in ["Bearer secret", "bearer secret"] {
                let answer = try await server.send(
                    .get, "/v1/meters", headers: [.authorization: header])
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `an unknown path is a 404 and a wrong method a 405`() async throws {
        try await TestServer.run { server in
            for path in [
                "/", "/nothing", "/v1", "/v1/meters/a/b", "/v1/subjects//usage", "/v1/consume/x",
            ] {
                #expect(try await server.get(path).isProblem(404, "not_found"), "\(path)")
            }
            for (method, path, allow) in [
                (HTTPRequest.Method.get, "/v1/consume", "POST"),
                (.delete, "/v1/meters", "GET, HEAD"),
                (.post, "/v1/meters/a", "DELETE, GET, HEAD, PATCH, PUT"),
                (.patch, "/v1/subjects/u/usage", "GET, HEAD, POST"),
                (.trace, "/healthz", "GET, HEAD"),
            ] {
                let answer = try await server.send(method, path)
                #expect(answer.isProblem(405, "method_not_allowed"), "\(method) \(path)")
                #expect(answer.header("Allow") == allow)
            }
            let head = try await server.send(.head, "/healthz")
            #expect(head.status == 200 && head.text.isEmpty)
            #expect(head.header("Content-Length") == "18")
        }
    }

    @Test func `a server whose engine stopped is alive and not ready`() async throws {
        try await TestServer.run { server in
            #expect(try await server.get("/readyz").text == #"{"status":"serving"}"#)
            await server.engine.shutdown()
            #expect(try await server.get("/healthz").text == #"{"status":"alive"}"#)
            #expect(try await server.get("/readyz").isProblem(503, "store_closed"))
            let answer = try await server.post("/v1/consume", #"{"subject":"u","meter":"prompts"}"#)
            #expect(answer.isProblem(503, "store_closed"))
            #expect(answer.header("Retry-After") != nil)
        }
    }
}
