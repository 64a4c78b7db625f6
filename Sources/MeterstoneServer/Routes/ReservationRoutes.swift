import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Units set aside before the real quantity is known: reserve, extend, settle, release.
struct ReservationRoutes: Sendable {
    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant
    private let hold: RefillHold

    init(_ engine: MeterstoneEngine, _ options: ServerOptions) {
        self.engine = engine
        clock = options.clock
        hold = RefillHold(engine: engine, pause: options.pause)
    }

    private static let path = "/v1/reservations/:reservation"

    func add(to routes: inout Routes) {
        routes.on(.post, "/v1/reservations") { request, _ in try await reserve(request) }
        routes.on(.get, Self.path) { request, context in
            let name = try await name(request, context)
            guard let reservation = try await engine.reservation(name.id, source: name.source)
            else { throw Problem.missing(.unknownReservation, "reservation \(name.id)") }
            return Response(reservation, Shapes.reservation)
        }
        routes.on(.post, Self.path + "/extend") { request, context in
            try await extend(request, context)
        }
        routes.on(.post, Self.path + "/settle") { request, context in
            try await settle(request, context)
        }
        routes.on(.post, Self.path + "/release") { request, context in
            let name = try await name(request, context)
            let body = try ClosingBody(try await request.json(), counts: false)
            return try answer(
                try await engine.release(name.id, source: name.source, details: body.details),
                asked: .release)
        }
        routes.on(.get, "/v1/subjects/:subject/reservations") { _, context in
            let subject: SubjectID = try context.parameter("subject")
            let reservations = try await engine.openReservations(of: subject)
            return Response(reservations, Shapes.reservations)
        }
    }

    // MARK: Requests

    private func reserve(_ request: Request) async throws -> Response {
        let json = try await request.json()
        var body = try ReserveBody(json)
        if body.event.id == nil { body.event.id = try request.headers.idempotencyEventID() }
        try await engine.requireOwn(body.event)
        var outcome = try await engine.reserve(body.event, body.terms)
        if case .decided(let decision, _) = outcome,
            try await hold.waited(after: decision, for: body.event.subject)
        {
            outcome = try await engine.reserve(body.event, body.terms)
        }
        switch outcome {
        case .decided(let decision, let reservation): return try answer(decision, reservation)
        case .conflict(let id): throw try await engine.conflict(id, body.event, body.terms)
        case .rejected(let rejection): throw rejection.naming(json)
        }
    }

    private func extend(_ request: Request, _ context: ServerContext) async throws -> Response {
        let name = try await name(request, context)
        let body = try ExtendBody(try await request.json())
        return try answer(
            try await engine.extend(
                ReservationExtension(
                    id: name.id, source: name.source, milliseconds: body.milliseconds,
                    quantities: body.quantities, reported: body.reported)))
    }

    private func settle(_ request: Request, _ context: ServerContext) async throws -> Response {
        let name = try await name(request, context)
        let json = try await request.json()
        let body = try ClosingBody(json, counts: true)
        let outcome = try await engine.settle(
            name.id, source: name.source, body.quantities, details: body.details)
        if case .rejected(let rejection) = outcome {
            return try answer(.rejected(rejection.naming(json)))
        }
        return try answer(outcome, asked: .settle(body.quantities))
    }

    /// Ids are unique per source, which the query names where the reservation has one.
    private func name(
        _ request: Request, _ context: ServerContext
    ) async throws -> (id: EventID, source: String?) {
        let id = try context.eventID("reservation")
        let source = try Query(request).text("source")
        if let source, !SubjectID.isValid(source) {
            throw Rejection.invalid("source", SubjectID.expectation)
        }
        try await requireOwn(id, source)
        return (id, source)
    }

    /// Another's reservation is not there.
    private func requireOwn(_ id: EventID, _ source: String?) async throws {
        guard Caller.current.subject != nil,
            let reservation = try await engine.reservation(id, source: source)
        else { return }
        guard try await engine.isOwn(reservation.subject) else {
            throw Problem.missing(.unknownReservation, "reservation \(id)")
        }
    }

    // MARK: Answers

    private func answer(_ decision: Decision, _ reservation: Reservation?) throws -> Response {
        let now = clock()
        if let denial = decision.denial {
            throw Problem.denied(
                denial, limits: decision.limits, credits: decision.credits, at: now)
        }
        guard let reservation else { throw Problem.unexplained }
        var headers = decision.isDuplicate ? HTTPFields.replayed : HTTPFields()
        headers.addRateLimits(decision.limits, at: now)
        return Response(
            ReservationAnswer(decision, reservation), Shapes.reserved, headers: headers)
    }

    /// - Parameter asked: how it was to be closed, if it was.
    private func answer(
        _ outcome: ReservationOutcome, asked: ReservationClosing.End? = nil
    ) throws -> Response {
        let now = clock()
        switch outcome {
        case .done(let answer):
            var headers = answer.isDuplicate ? HTTPFields.replayed : HTTPFields()
            headers.addRateLimits(answer.limits, at: now)
            return Response(answer, Shapes.reservationAnswer, headers: headers)
        case .denied(let denial, let limits, let credits):
            throw Problem.denied(denial, limits: limits, credits: credits, at: now)
        case .conflict(let reservation):
            throw Problem.reservationConflict(
                reservation, differs: asked?.differences(from: reservation) ?? [])
        case .rejected(let rejection): throw Problem(rejection, missing: [.unknownReservation])
        }
    }
}

extension ReservationClosing.End {
    /// What a closed reservation says otherwise than this would have it.
    fileprivate func differences(from reservation: Reservation) -> [String] {
        switch self {
        case .settle(let quantities) where reservation.status == .settled:
            let names = quantities.pairs.filter { reservation.quantities[$0.name] != $0.quantity }
                .map { "quantities.\($0.name)" }
            return names.isEmpty ? ["quantities"] : names
        case .release where reservation.status == .released: return []
        default: return ["status"]
        }
    }
}
