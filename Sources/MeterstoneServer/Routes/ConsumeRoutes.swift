import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import NIOCore

/// Checks and consumes: may this subject use so much, and if so, count it.
struct ConsumeRoutes: Sendable {
    static let consumePath = "/v1/consume"
    private static let rule = AccessRule(scope: .consume, own: .named)

    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant
    private let hold: RefillHold

    init(_ engine: MeterstoneEngine, _ options: ServerOptions) {
        self.engine = engine
        clock = options.clock
        hold = RefillHold(engine: engine, pause: options.pause)
    }

    func add(to routes: inout Routes) {
        routes.on(.post, Self.consumePath) { request, _ in try await consume(request) }
        routes.on(.post, "/v1/check") { request, _ in
            Response(try await check(try await request.json(), request.headers))
        }
    }

    /// Answers a consume that did not come through the router.
    func answer(
        _ head: HTTPRequest, _ body: ByteBuffer, from address: SocketAddress?,
        _ guardian: Guardian, _ observer: Observer, _ route: ObservedRoute
    ) async -> JSONAnswer {
        do {
            return try await observer.answer(head, route) { () async throws -> JSONAnswer in
                let caller = try await guardian.admit(head, Self.rule, from: address)
                try head.headerFields.requireJSON()
                let json = Array(buffer: body).withoutByteOrderMark
                guard caller != .administrator else {
                    return try await consume(json, head.headerFields)
                }
                return try await Caller.$current.withValue(caller) {
                    try await consume(json, head.headerFields)
                }
            }
        } catch {
            return Problem.unexplained.answer()
        }
    }

    private func consume(_ request: Request) async throws -> Response {
        let isDryRun = try request.isDryRun()
        if request.headers.sayLines { return try await consumeLines(request, isDryRun) }
        let json = try await request.json(upTo: RequestLimits.eventsBodyBytesMax)
        return Response(try await consume(json, request.headers, isDryRun: isDryRun))
    }

    /// One event, or several in one text.
    private func consume(
        _ json: [UInt8], _ headers: HTTPFields, isDryRun: Bool = false
    ) async throws -> JSONAnswer {
        var document = try EventDocument(json, max: RequestLimits.answeredEventsMax)
        guard document.isSingle else {
            var batch = try batch(headers, isDryRun)
            try await batch.add(allOf: document)
            return JSONAnswer(json: try await batch.finish())
        }
        var event = try document.single()
        if event.id == nil { event.id = try headers.idempotencyEventID() }
        try await engine.requireOwn(event)
        var outcome = try await outcome(of: event, isDryRun)
        if case .decided(let decision) = outcome,
            try await hold.waited(after: decision, for: event.subject)
        {
            outcome = try await engine.consume(event)
        }
        switch outcome {
        case .decided(let decision): return answer(decision)
        case .conflict(let id): throw try await engine.conflict(id, event)
        case .rejected(let rejection): throw rejection.naming(json)
        }
    }

    /// Every event has an answer, so that nothing is decided before it is known that they are not too
    /// many.
    private func consumeLines(_ request: Request, _ isDryRun: Bool) async throws -> Response {
        let lines = try EventLineReader(request, upTo: RequestLimits.eventsBodyBytesMax)
        let events = try await lines.all(upTo: RequestLimits.answeredEventsMax)
        var batch = try batch(request.headers, isDryRun)
        for event in events { try await batch.add(event) }
        return Response(json: try await batch.finish())
    }

    private func batch(_ headers: HTTPFields, _ isDryRun: Bool) throws -> EventBatch {
        EventBatch(
            .consume, isDryRun: isDryRun, engine: engine, key: try headers.idempotencyKey(),
            listsCounted: true, clock: clock)
    }

    private func outcome(
        of event: UsageEvent, _ isDryRun: Bool
    ) async throws -> ConsumeOutcome {
        guard isDryRun else { return try await engine.consume(event) }
        guard let outcome = try await engine.dryRun(consuming: [event]).first else {
            throw Problem.unexplained
        }
        return outcome
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
        return JSONAnswer(headers: headers) { $0.object(decision, Shapes.consumed) }
    }

    /// A check is not remembered, but what was counted under its id is: it says what the consume would.
    private func check(_ json: [UInt8], _ headers: HTTPFields) async throws -> JSONAnswer {
        let body = try CheckBody(json)
        if let feature = body.feature {
            let subject = try body.subject
            try await engine.requireOwn(subject)
            switch try await engine.check(feature: feature, of: subject) {
            case .decided(let decision) where !decision.isAllowed || body.asksFeatureAlone:
                return JSONAnswer { $0.object(CheckAnswer(decision, at: clock()), Shapes.checked) }
            case .rejected(let rejection): throw rejection
            case .decided, .conflict: break
            }
        }
        var event = try body.event(under: try await limit(body.limit))
        if event.id == nil { event.id = try headers.idempotencyEventID() }
        try await engine.requireOwn(event)
        switch try await engine.check(event, as: body.use) {
        case .decided(let decision):
            return JSONAnswer { $0.object(CheckAnswer(decision, at: clock()), Shapes.checked) }
        case .conflict(let id): throw try await engine.conflict(id, event)
        case .rejected(let rejection): throw rejection.naming(json)
        }
    }
}

extension ConsumeRoutes {
    /// The limit that a check asks about by its key.
    private func limit(_ key: LimitKey?) async throws -> Limit? {
        guard let key else { return nil }
        guard let limit = try await engine.blueprint().limits.first(where: { $0.key == key }) else {
            throw Rejection(
                code: .unknownLimit, field: "limit",
                message: "expected the key of a limit, and there is none called '\(key)'")
        }
        return limit
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
