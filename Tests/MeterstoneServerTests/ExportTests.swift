import Foundation
import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneTesting
import NIOCore
import Testing

@testable import MeterstoneServer

/// Everything about a subject as one archive.
@Suite struct ExportTests {
    @Test func `an archive has the profile, every event and every change, and nobody else's`()
        async throws
    {
        try await TestServer.run(key: "owner") { server in
            _ = try await server.put("/v1/subjects/ann", #"{"plan":"pro","name":"Ann"}"#)
            _ = try await server.send(
                .patch, "/v1/subjects/ann/account", #"{"email":"ann@example.com"}"#)
            _ = try await server.put("/v1/subjects/bob", #"{"name":"Bob Secret"}"#)
            for number in 0..<1_203 {
                let event = UsageEvent(
                    id: EventID("e\(number)"), subject: SubjectID(unchecked: "ann"),
                    quantities: Quantities([NamedQuantity(name: TestServer.prompts, quantity: 1)]))
                _ = try await server.engine.record([event])
            }
            let made = try await server.post("/v1/tokens", #"{"subject":"ann"}"#)
            let token = try #require(made.text("token"))
            for (path, key) in [("/v1/subjects/ann/export", "owner"), ("/v1/me/export", token)] {
                let lines = try await server.archive(path, key: key)
                #expect(lines.filter { $0.hasPrefix(#"{"kind":"event","#) }.count == 1_203)
                #expect(Set(lines).count == lines.count)
                #expect(lines.first?.contains("ann@example.com") == true)
                #expect(lines.filter { $0.hasPrefix(#"{"kind":"change","#) }.count == 2)
                for kind in ["aliases", "limits", "lifetime"] {
                    #expect(lines.filter { $0.hasPrefix(#"{"kind":"\#(kind)","#) }.count == 1)
                }
                #expect(!lines.contains { $0.contains("Bob Secret") })
                for line in lines {
                    #expect(throws: Never.self) {
                        try JSONSerialization.jsonObject(with: Data(line.utf8))
                    }
                }
            }
            #expect(
                try await server.get("/v1/subjects/eve/export").isProblem(404, "unknown_subject"))
            let foreign = try await server.send(
                .get, "/v1/subjects/bob/export", headers: [.authorization: "Bearer \(token)"])
            #expect(foreign.isProblem(404, "unknown_subject"))
        }
    }

    @Test(arguments: [0, 1, 70_000, 300_000])
    func `what is packed piece by piece unpacks to the same`(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
        let encoder = GzipEncoder()
        var packed: [UInt8] = []
        for start in stride(from: 0, to: count, by: 10_000) {
            packed += encoder.packed(Array(bytes[start..<min(count, start + 10_000)]))
        }
        packed += encoder.packed([], isLast: true)
        let decoder = GzipDecoder()
        decoder.feed(packed)
        var unpacked: [UInt8] = []
        while let piece = try decoder.next() { unpacked += piece }
        #expect(unpacked == bytes && decoder.isComplete)
    }
}

extension TestServer {
    /// The lines of an archive.
    fileprivate func archive(_ path: String, key: String) async throws -> [String] {
        try await client.execute(
            uri: path, method: .get, headers: [.authorization: "Bearer \(key)"], body: nil
        ) { response in
            #expect(response.status == .ok)
            #expect(response.headers[.contentType] == "application/gzip")
            let decoder = GzipDecoder()
            decoder.feed(Array(response.body.readableBytesView))
            var bytes: [UInt8] = []
            while let piece = try decoder.next() { bytes += piece }
            #expect(decoder.isComplete)
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}
