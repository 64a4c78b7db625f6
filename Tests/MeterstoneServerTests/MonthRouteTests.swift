import Foundation
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneServer
import MeterstoneTesting
import Testing

/// `/v1/months` and statements: closing, what is told late, and the signature.
@Suite struct MonthRouteTests {
    private static let secret = "a secret of more than thirty-two characters"
    private static let late = #"""
        {"id":"late","subject":"ann","meter":"prompts","quantity":2,
         "occurredAt":"2026-02-20T10:00:00Z"}
        """#

    private static func close(_ month: String) -> String { "/v1/months/\(month)/close" }

    @Test func `a month is closed once, listed, and what is told late says so`() async throws {
        try await TestServer.run { server in
            #expect(try await server.get("/v1/months").text == #"{"months":[]}"#)
            #expect(
                try await server.post(Self.close("2026-03"), "").isProblem(
                    409, "month_not_over", field: "month"))
            let closed = try await server.post(Self.close("2026-02"), "")
            #expect(closed.status == 201, "\(closed.text)")
            #expect(closed.text.hasPrefix(#"{"month":"2026-02","timeZone":"UTC","#))
            #expect(closed.text.contains(#""until":"2026-03-01T00:00:00.000Z""#))
            #expect(try await server.post(Self.close("2026-02"), "").status == 200)
            #expect(
                try await server.get("/v1/months").text == #"{"months":[\#(closed.text)]}"#)

            let adjustment = #"""
                "adjustment":{"occurredAt":"2026-02-20T10:00:00.000Z",\#
                "countedAt":"2026-03-01T00:00:00.000Z"}
                """#
            for _ in 0..<2 {
                let consumed = try await server.post("/v1/consume", Self.late)
                #expect(consumed.status == 200)
                #expect(consumed.text.contains(adjustment), "\(consumed.text)")
            }
            let told = try await server.post(
                "/v1/events", Self.late.replacing("late", with: "told"))
            #expect(told.text.contains(adjustment), "\(told.text)")
            let events = try await server.get("/v1/subjects/ann/events").text
            #expect(events.contains(adjustment), "\(events)")
            let reserved = try await server.post(
                "/v1/reservations", Self.late.replacing("late", with: "reserved"))
            #expect(reserved.text.contains(adjustment), "\(reserved.text)")
            let own = #"{"id":"own","subject":"ann","meter":"prompts"}"#
            #expect(!(try await server.post("/v1/consume", own).text.contains("adjustment")))
        }
    }

    @Test func `an event of a closed month is corrected by another one`() async throws {
        try await TestServer.run { server in
            _ = try await server.post("/v1/events", Self.late)
            _ = try await server.post(Self.close("2026-02"), "")
            let void = try await server.post(
                "/v1/events/late/void", #"{"reason":"a mistake"}"#)
            #expect(void.isProblem(409, "month_closed", field: "id"), "\(void.text)")
        }
    }

    @Test func `a statement is signed, and the same for ever`() async throws {
        try await TestServer.run(options: { $0.statementSecret = StatementSecret(Self.secret) }) {
            server in
            _ = try await server.post("/v1/events", Self.late)
            let path = "/v1/months/2026-02/statement"
            let own = "/v1/subjects/ann/statements/2026-02"
            for path in [path, own] {
                #expect(try await server.get(path).isProblem(404, "unknown_month"))
            }
            _ = try await server.post(Self.close("2026-02"), "")
            let all = try await server.get(path)
            let ann = try await server.get(own)
            #expect(all.status == 200 && ann.status == 200, "\(all.text) \(ann.text)")
            #expect(
                ann.text.contains(#""costMillionths":0,"events":1,"meter":"prompts","quantity":2"#),
                "\(ann.text)")
            #expect(ann.text.contains(#""subject":"ann""#))
            #expect(
                try await server.get("/v1/subjects/nobody/statements/2026-02").isProblem(
                    404, "unknown_subject"))
            #expect(
                try await server.get("/v1/months/2026-2/statement").isProblem(
                    422, "invalid_field", field: "month"))
            let secret = try #require(StatementSecret(Self.secret))
            for answer in [all, ann] {
                let signature = try #require(answer.header("Meterstone-Signature"))
                #expect(secret.isValid(signature, of: Array(answer.text.utf8)))
                #expect(!secret.isValid(signature, of: Array((answer.text + " ").utf8)))
                #expect(
                    StatementSecret(Self.secret + "!")?
                        .isValid(signature, of: Array(answer.text.utf8)) == false)
            }
            _ = try await server.post("/v1/events", Self.late.replacing("late", with: "more"))
            #expect(try await server.get(path).text == all.text)
            #expect(try await server.get(own).text == ann.text)
        }
    }

    /// Made with `printf '{}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef`.
    @Test func `a signature is what openssl makes of the bytes`() throws {
        let secret = try #require(StatementSecret("0123456789abcdef0123456789abcdef"))
        let made = secret.signature(of: Array("{}".utf8))
        #expect(made == "sha256=b326604c0dc7364c8b688556189c0a510e5150cd4628736be814c7c9898f899d")
        #expect(StatementSecret("0123456789abcdef0123456789abcde") == nil)
        for other in ["", "sha256=", "sha256=0", String(made.dropFirst(7)), made + "00"] {
            #expect(!secret.isValid(other, of: Array("{}".utf8)), "\(other)")
        }
    }

    @Test func `a client closes months, and gets the exact bytes`() async throws {
        try await TestServer.run(
            key: "k", options: { $0.statementSecret = StatementSecret(Self.secret) }
        ) { server in
            let clock = server.clock
            let client = MeterstoneClient(
                RouterTransport(server.client), key: "k", clock: { clock.now })
            let month = try #require(CivilMonth("2026-02"))
            let late = UsageEvent(
                id: EventID("late"), subject: SubjectID(unchecked: "ann"),
                occurredAt: Instant(rfc3339: "2026-02-20T10:00:00Z"),
                quantities: .one(TestServer.prompts, 2))
            #expect(try await client.statement(of: month) == .notClosed)
            let change = ChangeRequest(change: .closeMonth(month), author: "ops")
            #expect(try await client.change(change).outcome == .created)
            #expect(try await client.change(change).outcome == .unchanged)
            let months = try await client.closedMonths()
            #expect(months.map(\.month) == [month])
            #expect(
                months.map(\.sequence) == (try await server.engine.closedMonths()).map(\.sequence))
            guard case .counted(_, _, let adjustment?) = try await client.record([late]).first
            else { throw MissingAnswer() }
            #expect(adjustment.countedAt == months[0].until)
            guard case .document(let document) = try await client.statement(of: month),
                case .document(let own) = try await server.engine.statement(of: month)
            else { throw MissingAnswer() }
            #expect(document.text == own.text)
            #expect(
                StatementSecret(Self.secret)?.isValid(
                    document.signature ?? "", of: Array(document.text.utf8)) == true)
            #expect(
                try await client.statement(of: month, for: SubjectID(unchecked: "nobody"))
                    == .unknownSubject)
        }
    }
}

private struct MissingAnswer: Error {}
