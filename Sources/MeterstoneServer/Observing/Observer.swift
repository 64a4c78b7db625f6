import Dispatch
import HTTPTypes
import Hummingbird
import Logging
import MeterstoneCore
import MeterstoneStore
import Synchronization

/// An answer on its way, whichever way its request takes through the server.
protocol ObservedAnswer {
    var status: HTTPResponse.Status { get }
    var headers: HTTPFields { get set }

    init(_ problem: Problem)
}

extension Response: ObservedAnswer {
    init(_ problem: Problem) { self = problem.response() }
}

extension JSONAnswer: ObservedAnswer {
    init(_ problem: Problem) { self = problem.answer() }
}

/// Sees every request and its answer: gives it an id, turns errors into problems, and notes what came of
/// it.
struct Observer: Sendable {
    private let ids = RequestIDs()
    private let log: RequestLog?
    private let clock: @Sendable () -> Instant
    private let failures: FailureLog
    private let metrics: PrometheusMetrics
    let origins: Origins

    init(_ options: ServerOptions, logger: Logger) {
        origins = Origins(options.allowedOrigins)
        log = options.requestLog
        clock = options.clock
        metrics = options.metrics
        failures = FailureLog(logger: logger, clock: options.clock)
    }

    /// The route as it is named to whoever watches: `/v1/subjects/{subject}` for `/v1/subjects/:subject`.
    func route(_ method: HTTPRequest.Method, _ path: String) -> ObservedRoute {
        let parts = path.split(separator: "/").map { part in
            part.hasPrefix(":") ? "{\(part.dropFirst())}" : String(part)
        }
        return ObservedRoute(
            method: method.rawValue, pattern: "/" + parts.joined(separator: "/"), metrics)
    }

    /// What belongs to no route.
    var noRoute: ObservedRoute { ObservedRoute(method: "any", pattern: nil, metrics) }

    /// Answers with what the work gives, or with the problem that it throws. Other errors are the
    /// connection's, and go on.
    func answer<Answer: ObservedAnswer>(
        _ head: HTTPRequest, _ route: ObservedRoute, _ work: () async throws -> Answer
    ) async throws -> Answer {
        let id = ids.id(asked: head.headerFields[.requestID])
        let start = DispatchTime.now().uptimeNanoseconds
        var answer: Answer
        do {
            answer = try await work()
        } catch {
            guard let problem = Problem(explaining: error) else {
                note(head, id, route, nil, since: start)
                throw error
            }
            if let error = error as? StoreError { failures.note(error, head, id, route) }
            answer = Answer(problem)
        }
        answer.headers[.requestID] = id
        SecurityFields.add(to: &answer.headers)
        origins.admit(head, to: &answer.headers)
        note(head, id, route, answer.status, since: start)
        return answer
    }

    private func note(
        _ head: HTTPRequest, _ id: String, _ route: ObservedRoute, _ status: HTTPResponse.Status?,
        since start: UInt64
    ) {
        let nanoseconds = DispatchTime.now().uptimeNanoseconds - start
        if let status { route.note(status, nanoseconds: nanoseconds) }
        guard let log else { return }
        let line = RequestLine(
            time: clock(), requestID: id,
            trace: head.headerFields[.traceParent].flatMap { TraceParent($0) },
            method: head.method.rawValue, route: route.pattern,
            status: status.map { Int($0.code) }, microseconds: nanoseconds / 1_000)
        log.write(line.bytes(log.format))
    }
}

/// Says in the log which failures of the store became answers, once a second for each kind.
private struct FailureLog: Sendable {
    private struct Noted {
        var second: Int64
        var more = 0
    }

    private final class State: Sendable {
        let noted = Mutex<[StoreError.Code: Noted]>([:])
    }

    let logger: Logger
    let clock: @Sendable () -> Instant
    private let state = State()

    init(logger: Logger, clock: @escaping @Sendable () -> Instant) {
        self.logger = logger
        self.clock = clock
    }

    func note(_ error: StoreError, _ head: HTTPRequest, _ id: String, _ route: ObservedRoute) {
        let second = clock().millisecondsSince1970 / 1_000
        let before: Int? = state.noted.withLock { noted in
            guard let last = noted[error.code] else {
                noted[error.code] = Noted(second: second)
                return 0
            }
            guard last.second != second else {
                noted[error.code]?.more += 1
                return nil
            }
            noted[error.code] = Noted(second: second)
            return last.more
        }
        guard let before else { return }
        var metadata: Logger.Metadata = [
            "code": "\(error.code)", "requestId": "\(id)",
            "route": "\(head.method.rawValue) \(route.pattern ?? "-")",
        ]
        if let trace = head.headerFields[.traceParent].flatMap({ TraceParent($0) }) {
            metadata["traceparent"] = "\(trace.text)"
        }
        if before > 0 { metadata["unsaidBefore"] = "\(before)" }
        let level: Logger.Level =
            switch error.code {
            case .overloaded, .closed, .following: .warning
            default: .error
            }
        logger.log(level: level, "the store failed a request: \(error)", metadata: metadata)
    }
}
