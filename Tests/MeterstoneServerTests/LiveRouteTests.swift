import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneCore
import MeterstoneServer
import MeterstoneTesting
import Testing

/// Streams of how things stand.
@Suite struct LiveRouteTests {
    /// The events of a stream, as a browser takes them apart.
    private struct Told {
        var name = ""
        var id = ""
        var data = ""

        static func all(_ answer: Answer) -> [Told] {
            answer.text.components(separatedBy: "\n\n").compactMap { block in
                var told = Told()
                for line in block.split(separator: "\n") {
                    let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                    guard parts.count == 2 else { continue }
                    let value = String(parts[1].drop { $0 == " " })
                    switch parts[0] {
                    case "event": told.name = value
                    case "id": told.id = value
                    case "data": told.data = value
                    default: break
                    }
                }
                return told.name.isEmpty ? nil : told
            }
        }
    }

    private func consume(_ server: TestServer, _ id: String) async throws {
        let answer = try await server.post(
            "/v1/consume", #"{"id":"\#(id)","subject":"ann","type":"prompt"}"#)
        #expect(answer.status == 200)
    }

    @Test func `a stream says what stands, as the limits are answered`() async throws {
        try await TestServer.run { server in
            try await consume(server, "e1")
            let limits = try await server.get("/v1/subjects/ann/limits").text
            let answer = try await server.get("/v1/subjects/ann/live")
            #expect(answer.header("Content-Type") == "text/event-stream")
            #expect(answer.header("Cache-Control") == "no-store")
            let told = Told.all(answer)
            #expect(told.map(\.name) == ["limits"] && told.map(\.data) == [limits])
        }
    }

    @Test func `whoever comes back is told what changed, and nothing twice`() async throws {
        try await TestServer.run { server in
            try await consume(server, "e1")
            let first = try #require(Told.all(try await server.get("/v1/subjects/ann/live")).first)
            let last = try #require(HTTPField.Name("Last-Event-ID"))
            let again = try await server.send(
                .get, "/v1/subjects/ann/live", headers: [last: first.id])
            #expect(Told.all(again).isEmpty)
            try await consume(server, "e2")
            let later = try await server.send(
                .get, "/v1/subjects/ann/live", headers: [last: first.id])
            let told = try #require(Told.all(later).first)
            #expect(told.id != first.id && told.data.contains(#""used":2"#))
        }
    }

    @Test func `a window that ends is told without a commit`() async throws {
        try await TestServer.run { server in
            try await consume(server, "e1")
            let first = try #require(Told.all(try await server.get("/v1/subjects/ann/live")).first)
            server.clock.set(server.clock.now.advanced(byMilliseconds: 86_400_000))
            let last = try #require(HTTPField.Name("Last-Event-ID"))
            let later = try await server.send(
                .get, "/v1/subjects/ann/live", headers: [last: first.id])
            let told = try #require(Told.all(later).first)
            #expect(told.data.contains(#""used":0"#))
            // No fact came: only what is said is another.
            #expect(told.id.prefix { $0 != "-" } == first.id.prefix { $0 != "-" })
        }
    }

    @Test func `a change comes while the stream is open`() async throws {
        try await TestServer.run(options: { $0.liveMilliseconds = 500 }) { server in
            async let answer = server.get("/v1/subjects/ann/live")
            for number in 1...3 { try await consume(server, "e\(number)") }
            var told = Told.all(try await answer)
            // Whoever comes back is told what the stream did not last long enough for.
            let name = try #require(HTTPField.Name("Last-Event-ID"))
            let id = try #require(told.last).id
            told += Told.all(
                try await server.send(.get, "/v1/subjects/ann/live", headers: [name: id]))
            #expect(told.last?.data.contains(#""used":3"#) ?? false)
            #expect(Set(told.map(\.id)).count == told.count)
        }
    }

    @Test func `the administrator is told the number of the last fact`() async throws {
        try await TestServer.run { server in
            let before = try #require(Told.all(try await server.get("/v1/live")).first)
            try await consume(server, "e1")
            let after = try #require(Told.all(try await server.get("/v1/live")).first)
            #expect(before.name == "changes" && before.data.hasPrefix(#"{"sequence":"#))
            #expect(before.data != after.data)
        }
    }

    @Test func `a stream is for whoever may read the limits`() async throws {
        try await TestServer.run(key: "owner") { server in
            let made = try await server.post("/v1/tokens", #"{"subject":"ann"}"#)
            let token = try #require(made.text("token"))
            for (path, status) in [
                ("/v1/me/live", 200), ("/v1/subjects/ann/live", 200),
                ("/v1/subjects/bob/live", 404), ("/v1/live", 403),
            ] {
                let answer = try await server.send(
                    .get, path, headers: [.authorization: "Bearer \(token)"])
                #expect(answer.status == status, "\(path)")
            }
        }
    }
}
