import HTTPTypes
import HummingbirdTesting
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneServer
import Testing

/// Gzip as it is made by hand.
private enum Gzip {
    private static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]

    /// Stored as it is, in one member.
    static func stored(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let count = UInt16(bytes.count)
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return header + [1] + little(count) + little(~count) + bytes + little(~crc)
            + little(UInt32(bytes.count))
    }

    /// The beginning of very many zeros: thirteen bits for each 258 of them.
    static func zeros(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits = 0
        var filled = 0
        func add(_ value: Int, _ width: Int) {
            bits |= value << filled
            filled += width
            while filled >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bits >>= 8
                filled -= 8
            }
        }
        // A last block with fixed codes, a zero, and then "the last byte, 258 times".
        add(0b011, 3)
        add(0b0000_1100, 8)
        for _ in 0..<count / 258 { add(0b1010_0011, 13) }
        return header + bytes
    }

    private static func little(_ number: some FixedWidthInteger) -> [UInt8] {
        (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}

/// What a body may be, and how much of it.
@Suite struct BodyTests {
    private static let gzip: HTTPFields = [.contentEncoding: "gzip"]
    private static let json = #"{"subject":"u","meter":"prompts","id":"a"}"#

    @Test(arguments: [TestingSetup.router, .live])
    func `a gzipped body is what it unpacks to`(setup: TestingSetup) async throws {
        try await TestServer.run(setup) { server in
            let bodies: [(HTTPRequest.Method, String, String, String)] = [
                (.post, "/v1/consume", Self.json, "application/json"),
                (.post, "/v1/check", #"{"subject":"u","meter":"prompts"}"#, "application/json"),
                (.put, "/v1/plans/team", #"{"rank":3}"#, "application/json"),
                (.post, "/v1/events", "[\(Self.json)]", "application/json"),
                (.post, "/v1/events", "\(Self.json)\n\(Self.json)\n", "application/x-ndjson"),
            ]
            for (method, path, body, type) in bodies {
                let answer = try await server.send(
                    method, path, bytes: Gzip.stored(body), type: type, headers: Self.gzip)
                #expect(answer.status / 100 == 2, "\(path): \(answer.text)")
            }
            let twice = try await server.send(
                .post, "/v1/check",
                bytes: Gzip.stored(#"{"subject":"u","#)
                    + Gzip.stored(
                        #""meter":"prompts"}"#), headers: Self.gzip)
            #expect(twice.status == 200)
            #expect(
                try await server.engine.limits(of: SubjectID(unchecked: "u")).first?.used
                    == Quantity(1))
        }
    }

    @Test func `what is not gzip, ends too early or unpacks to too much is refused`() async throws {
        try await TestServer.run { server in
            let whole = Gzip.stored(Self.json)
            var damaged = whole
            damaged[whole.count - 6] ^= 1
            for (bytes, status, code) in [
                (Array(Self.json.utf8), 400, "malformed"),
                (Array(whole.dropLast()), 400, "malformed"),
                (damaged, 400, "malformed"), ([], 400, "malformed"),
                (Gzip.zeros(2_000_000), 413, "too_large"),
            ] {
                for path in ["/v1/subjects/u/usage", "/v1/check"] {
                    let answer = try await server.send(
                        .post, path, bytes: bytes, headers: Self.gzip)
                    #expect(answer.isProblem(status, code), "\(path): \(answer.text)")
                }
            }
            let lines = try await server.send(
                .post, "/v1/events", bytes: Gzip.zeros(70_000_000), type: "application/x-ndjson",
                headers: Self.gzip)
            #expect(lines.isProblem(413, "too_large"))
            let other = try await server.send(
                .post, "/v1/check", bytes: whole, headers: [.contentEncoding: "br"])
            #expect(other.isProblem(415, "unsupported_media_type", field: "Content-Encoding"))
            #expect(other.header("Accept-Encoding") == "gzip")
        }
    }

    @Test func `gzip is unpacked in pieces, however much a byte comes to`() throws {
        let decoder = GzipDecoder()
        decoder.feed(Gzip.zeros(10_000_000))
        var total = 0
        while let piece = try decoder.next() {
            #expect(piece.count <= GzipDecoder.pieceBytesMax)
            total += piece.count
        }
        #expect(total > 9_900_000 && !decoder.isComplete)
        // Byte by byte comes to the same.
        let trickle = GzipDecoder()
        var text: [UInt8] = []
        for byte in Gzip.stored(Self.json) + Gzip.stored("x") {
            trickle.feed([byte])
            while let piece = try trickle.next() { text += piece }
        }
        #expect(String(decoding: text, as: UTF8.self) == Self.json + "x")
        #expect(trickle.isComplete)
    }

    @Test func `all bodies together have a bound, and give back what they took`() async throws {
        try await TestServer.run(options: { $0.bodiesBytesMax = 100 }) { server in
            for _ in 0..<5 {
                let small = try await server.put("/v1/plans/team", #"{"rank":3}"#)
                #expect(small.status / 100 == 2)
                let large = try await server.put(
                    "/v1/plans/team", #"{"description":"\#(String(repeating: "x", count: 100))"}"#)
                #expect(large.isProblem(503, "overloaded"))
                #expect(large.header("Retry-After") == "1")
            }
        }
    }

    @Test(arguments: [#"[1,2,3,4]"#, #"{"events":[1,2,3,4]}"#, #"[1,2,3,4"#])
    func `one text has so many events at most`(json: String) {
        let rejection = #expect(throws: Rejection.self) {
            _ = try EventDocument(Array(json.utf8), max: 3)
        }
        #expect(rejection?.code == .tooLarge)
        #expect((try? EventDocument(Array("[1,2,3]".utf8), max: 3))?.count == 3)
    }

    @Test func `the type of a problem leads to a page that knows its code`() async throws {
        try await TestServer.run(key: "secret") { server in
            let page = try await server.send(.get, "/docs/errors", headers: [.authorization: "x"])
            #expect(page.status == 200)
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            for code in Rejection.Code.allCases {
                #expect(page.text.contains("<tr id=\"\(code.rawValue)\">"), "\(code)")
            }
            let problem = try await server.get("/nothing")
            let parts = try #require(problem.text("type")).split(separator: "#")
            #expect(try await server.get(String(parts[0])).text.contains("id=\"\(parts[1])\""))
            #expect(page.text.contains("<pre>{\n  &quot;type&quot;"))
        }
    }
}
