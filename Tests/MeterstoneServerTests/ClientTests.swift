import MeterstoneClient
import MeterstoneCore
import MeterstoneStore
import Synchronization
import Testing

/// What a client does when there is no answer, or one that says to come again.
@Suite struct ClientTests {
    private static let allowed = ScriptedTransport.Step.answer(
        200, #"{"allowed":true,"duplicate":false,"eventId":"e","limits":[]}"#)
    private static let event = UsageEvent(
        subject: SubjectID(unchecked: "ann"), quantities: .one(MeterKey(unchecked: "prompts"), 1))

    private static func problem(
        _ status: Int, _ code: String, wait: String? = nil
    )
        -> ScriptedTransport.Step
    {
        .answer(status, #"{"code":"\#(code)","detail":"why","status":\#(status)}"#, wait: wait)
    }

    /// A client whose waits are as long as they may be, and take no time.
    private func client(
        _ transport: ScriptedTransport, options: MeterstoneClient.Options = .init()
    ) -> MeterstoneClient {
        MeterstoneClient(
            transport, key: "secret", options: options,
            clock: { Instant(millisecondsSince1970: 1_773_144_000_000) },
            random: { $0.upperBound }, sleep: { transport.noteWait($0) })
    }

    @Test func `what nobody answered is sent again with the same id, and waits double`()
        async throws
    {
        let transport = ScriptedTransport([.nothing, .nothing, .nothing, Self.allowed])
        guard case .decided(let decision) = try await client(transport).consume(Self.event) else {
            Issue.record("expected a decision")
            return
        }
        #expect(decision.isAllowed)
        #expect(transport.waits == [100, 200, 400])
        #expect(Set(transport.bodies).count == 1 && transport.bodies.count == 4)
        #expect(transport.bodies[0].contains(#""id":"019cd7"#), "\(transport.bodies[0])")
        #expect(transport.requests[0].headers.contains { $0 == ("Authorization", "Bearer secret") })
    }

    @Test func `after four attempts there is no answer`() async throws {
        let transport = ScriptedTransport([.nothing, .nothing, .nothing, .nothing, Self.allowed])
        let error = await #expect(throws: ClientError.self) {
            try await client(transport).consume(Self.event)
        }
        #expect(error?.code == .unreachable && transport.requests.count == 4)
    }

    @Test func `a server that says when to come again is waited for, up to a bound`() async throws {
        let transport = ScriptedTransport([
            Self.problem(503, "overloaded", wait: "3"), Self.problem(500, "outcome_unknown"),
            Self.allowed,
        ])
        _ = try await client(transport).consume(Self.event)
        #expect(transport.waits == [3_000, 200])
        let patient = ScriptedTransport([Self.problem(503, "store_halted", wait: "600")])
        let error = await #expect(throws: StoreError.self) {
            try await client(patient).consume(Self.event)
        }
        #expect(error?.code.text == "store_halted" && patient.waits.isEmpty)
    }

    @Test func `what the rules say is an outcome and is not asked again`() async throws {
        let transport = ScriptedTransport([
            Self.problem(422, "unknown_meter"), Self.problem(409, "event_conflict"),
            .answer(
                429, #"{"code":"limit_exceeded","detail":"d","limits":[],"retryAfterSeconds":60}"#),
        ])
        let client = client(transport)
        guard case .rejected(let rejection) = try await client.consume(Self.event),
            case .conflict = try await client.consume(Self.event),
            case .decided(let decision) = try await client.consume(Self.event)
        else {
            Issue.record("expected a rejection, a conflict and a refusal")
            return
        }
        #expect(rejection.code == .unknownMeter && transport.waits.isEmpty)
        #expect(decision.denial?.retryAt?.millisecondsSince1970 == 1_773_144_060_000)
    }

    @Test(
        arguments: [
            (problem(401, "unauthorized"), .unauthorized),
            (problem(413, "body_too_odd"), .refused),
            (.answer(200, "<html>"), .unexpectedAnswer),
            (.answer(200, #"{"allowed":true,"duplicate":false,"limits":7}"#), .unexpectedAnswer),
            (.answer(404, "not here"), .unexpectedAnswer),
        ] as [(ScriptedTransport.Step, ClientError.Code)])
    func `answers that are none are errors with a code`(
        step: ScriptedTransport.Step, code: ClientError.Code
    ) async {
        let error = await #expect(throws: ClientError.self) {
            try await client(ScriptedTransport([step])).consume(Self.event)
        }
        #expect(error?.code == code)
    }

    @Test(arguments: [
        "", "localhost:8080", "ftp://a", "http:/a", "http://", "http://a/b", "http://a/b/",
    ])
    func `an address that is none is refused`(url: String) {
        #expect(throws: ClientError.self) { try MeterstoneClient(url: url) }
    }

    @Test func `a change gets a key, so that it can be sent again`() async throws {
        let transport = ScriptedTransport([.nothing, .answer(201, "{}", outcome: "created")])
        let change = Change.putMeter(Meter(key: MeterKey(unchecked: "a/b")))
        let receipt = try await client(transport).change(
            ChangeRequest(change: change, author: "op"))
        #expect(receipt.outcome == .created)
        let keys = transport.requests.map { request in
            request.headers.first { $0.name == "Idempotency-Key" }?.value
        }
        #expect(keys[0] != nil && keys[0] == keys[1])
        #expect(transport.requests[0].path == "/v1/meters/a%2Fb")
    }
}

/// Answers as it was told, one request after the other.
final class ScriptedTransport: HTTPTransport {
    enum Step: Sendable {
        /// There is no connection.
        case nothing
        case answer(Int, String, wait: String? = nil, outcome: String? = nil)
    }

    private struct State {
        var steps: [Step]
        var requests: [ClientRequest] = []
        var waits: [Int64] = []
    }

    private struct NoConnection: Error {}

    private let state: Mutex<State>

    init(_ steps: [Step]) {
        state = Mutex(State(steps: steps))
    }

    var requests: [ClientRequest] { state.withLock { $0.requests } }
    var waits: [Int64] { state.withLock { $0.waits } }
    var bodies: [String] { requests.map { String(decoding: $0.body ?? [], as: UTF8.self) } }

    func noteWait(_ milliseconds: Int64) { state.withLock { $0.waits.append(milliseconds) } }

    func send(
        _ request: ClientRequest, timeoutMilliseconds: Int64
    ) async throws -> ClientResponse {
        let step = state.withLock { state in
            state.requests.append(request)
            return state.steps.isEmpty ? Step.nothing : state.steps.removeFirst()
        }
        guard case .answer(let status, let body, let wait, let outcome) = step else {
            throw NoConnection()
        }
        var headers: [(name: String, value: String)] = []
        if let wait { headers.append(("Retry-After", wait)) }
        if let outcome { headers.append(("Meterstone-Outcome", outcome)) }
        return ClientResponse(status: status, headers: headers, body: Array(body.utf8))
    }

    func shutdown() async {}
}

extension HTTPTransport {
    /// What is answered as a whole, as a stream that ends.
    func stream(_ request: ClientRequest) async throws -> ClientStream {
        let answer = try await send(request, timeoutMilliseconds: 10_000)
        let (chunks, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        continuation.yield(answer.body)
        continuation.finish()
        return ClientStream(status: answer.status, chunks: chunks)
    }
}
