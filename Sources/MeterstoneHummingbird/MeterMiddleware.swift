public import Hummingbird
public import Meterstone
public import MeterstoneCore
import MeterstoneServer

/// Gates the routes behind it: what a request is going to use is set aside before it is handled, and counted with
/// what it used, how it ended and how long it took once its answer is written.
///
///     let prompts = MeterMiddleware<AppContext>(service) { request, context in
///         Use(by: context.user, .one("prompts", 1))
///     }
///     router.group("generate").add(middleware: prompts).post { request, context in … }
///
/// A request that may not use it is answered with the status, the header fields and the problem that a Meterstone
/// server answers with: 429 with `Retry-After`, 402 where credits are short, 403 where the subject is blocked.
///
/// When the process ends in between, or the client goes away while it is answered, the reservation expires, and
/// what was set aside counts, or what was reported so far.
public struct MeterMiddleware<Context: RequestContext>: RouterMiddleware {
    /// What a request uses; `nil`: nothing, and it passes.
    public typealias Describe =
        @Sendable (_ request: Request, _ context: Context) async throws -> Use?

    private let service: any MeterstoneService
    private let clock: @Sendable () -> Instant
    private let describe: Describe

    /// - Parameter service: an engine in this process, or a client of a server.
    public init(
        _ service: any MeterstoneService,
        clock: @escaping @Sendable () -> Instant = SystemClock.now,
        describe: @escaping Describe
    ) {
        self.service = service
        self.clock = clock
        self.describe = describe
    }

    @concurrent
    public func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let use = try await describe(request, context) else {
            return try await next(request, context)
        }
        let start = clock()
        let id: EventID
        switch try await service.reserve(use.event, use.terms) {
        case .decided(let decision, let reservation):
            guard let reservation else { return Response(refusing: decision, at: start) }
            id = reservation.id
        case .conflict(let id): throw UseError.conflict(id)
        case .rejected(let rejection): throw UseError.rejected(rejection)
        }
        let measured = MeasuredUse()
        let end = UseEnding(service: service, clock: clock, id: id, use: use, start: start)
        do {
            var response = try await MeasuredUse.$current.withValue(measured) {
                try await next(request, context)
            }
            let status = Int(response.status.code)
            let body = response.body
            response.body = ResponseBody(contentLength: body.contentLength) { writer in
                do {
                    try await MeasuredUse.$current.withValue(measured) {
                        try await body.write(writer)
                    }
                } catch {
                    await end.settle(measured.quantities, status: nil)
                    throw error
                }
                await end.settle(measured.quantities, status: status)
            }
            return response
        } catch {
            let status = (error as? any HTTPResponseError)?.status.code
            await end.settle(measured.quantities, status: status.map { Int($0) })
            throw error
        }
    }
}

/// What one request uses.
public struct Use: Sendable {
    var event: UsageEvent
    var terms: ReservationTerms

    /// - Parameters:
    ///   - quantities: what is set aside. What the handler reports through ``MeasuredUse`` counts instead.
    ///   - id: of the operation, where a request that is sent again is the same one; `nil`: each is its own.
    ///   - seconds: after how long the reservation expires if nobody ends it.
    public init(
        by subject: SubjectID, _ quantities: Quantities, id: EventID? = nil,
        details: EventDetails? = nil, expiresInSeconds seconds: Int64 = 600
    ) {
        event = UsageEvent(id: id, subject: subject, quantities: quantities, details: details)
        terms = ReservationTerms(milliseconds: seconds * 1_000, onExpiry: .charge)
    }
}

/// Why a use could not be judged: a mistake of the program that describes it.
public enum UseError: Error, Sendable {
    /// The id was used before, for something else.
    case conflict(EventID)
    /// The event breaks a rule: an unknown meter, a negative quantity.
    case rejected(Rejection)
}
