import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import NIOCore

/// Checks and consumes: may this subject use so much, and if so, count it.
struct ConsumeRoutes: Sendable {
    static let consumePath = "/v1/consume"

    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant

    func add(to routes: inout Routes) {
        routes.on(.post, Self.consumePath) { request, _ in
            Response(try await consume(try await request.json(), request.headers))
        }
        routes.on(.post, "/v1/check") { request, _ in
            Response(try await check(try await request.json()))
        }
    }

    /// Answers a consume that did not come through the router.
    func answer(
        _ headers: HTTPFields, _ body: ByteBuffer, key: AdministratorKey?
    ) async -> JSONAnswer {
        do {
            if let key { try key.check(headers) }
            try headers.requireJSON()
            return try await consume(Array(buffer: body).withoutByteOrderMark, headers)
        } catch {
            return (Problem(explaining: error) ?? .unexplained).answer()
        }
    }

    private func consume(_ json: [UInt8], _ headers: HTTPFields) async throws -> JSONAnswer {
        var event = try UsageEvent(json: json)
        if event.id == nil { event.id = try headers.idempotencyEventID() }
        switch try await engine.consume(event) {
        case .decided(let decision): return answer(decision)
        case .conflict(let id): throw Problem.eventConflict(id)
        case .rejected(let rejection): throw rejection.naming(json)
        }
    }

    private func answer(_ decision: Decision) -> JSONAnswer {
        let now = clock()
        if let denial = decision.denial {
            return Problem.denied(
                denial, limits: decision.limits, credits: decision.credits, at: now
            ).answer()
        }
        var headers = decision.isDuplicate ? HTTPFields.replayed : HTTPFields()
        headers.addRateLimits(decision.limits, at: now)
        return JSONAnswer(headers: headers) { $0.consumed(decision) }
    }

    /// Ids play no part: a check is not remembered, and one that was used says nothing about now.
    private func check(_ json: [UInt8]) async throws -> JSONAnswer {
        var event = try UsageEvent(json: json)
        event.id = nil
        switch try await engine.check(event) {
        case .decided(let decision): return JSONAnswer { $0.checked(decision, at: clock()) }
        case .conflict(let id): throw Problem.eventConflict(id)
        case .rejected(let rejection): throw rejection.naming(json)
        }
    }
}

extension Rejection {
    /// The engine speaks of `quantities.prompts`; a request that said `"meter":"prompts"` finds its
    /// mistake under `meter`.
    func naming(_ json: [UInt8]) -> Rejection {
        guard field.hasPrefix("quantities."), UsageEvent.hasMeter(json) else { return self }
        return Rejection(code: code, field: "meter", message: message)
    }
}
