import CoreMetrics
import HTTPTypes
import Synchronization

/// What is told about the server beside the engine.
enum ServerMetric: String, CaseIterable {
    case requests = "meterstone_http_requests_total"
    case requestSeconds = "meterstone_http_request_seconds"
    case connections = "meterstone_http_connections"
    case memory = "process_resident_memory_bytes"

    var help: String {
        switch self {
        case .requests: "Requests that were answered, by route and status."
        case .requestSeconds: "How long it takes until an answer is ready, by route."
        case .connections: "Open connections."
        case .memory: "Resident memory."
        }
    }
}

/// A route as it is named to whoever watches, with what is counted of it.
///
/// Statuses that never were are not told. Each is counted by an addition without a lock.
final class ObservedRoute: Sendable {
    /// `/v1/subjects/{subject}`; `nil`: the path belongs to no route.
    let pattern: String?

    private let metrics: PrometheusMetrics
    private let labels: [(String, String)]
    private let time = AtomicLazyReference<CoreMetrics.Timer>()
    private let counters = statuses.map { _ in LazyCounter() } + [LazyCounter()]

    private final class LazyCounter: Sendable {
        let counter = AtomicLazyReference<CoreMetrics.Counter>()
    }

    /// Those of our answers, the usual ones first; others are told as `other`.
    private static let statuses = [
        200, 429, 201, 204, 422, 404, 401, 402, 403, 409, 304, 400, 405, 410, 412, 413, 415, 500,
        503,
        507,
    ]

    init(method: String, pattern: String?, _ metrics: PrometheusMetrics) {
        self.pattern = pattern
        self.metrics = metrics
        labels = [("method", method), ("route", pattern ?? "none")]
    }

    func note(_ status: HTTPResponse.Status, nanoseconds: UInt64) {
        let code = Int(status.code)
        let index = Self.statuses.firstIndex(of: code)
        let lazy = counters[index ?? Self.statuses.count]
        let counter =
            lazy.counter.load()
            ?? lazy.counter.storeIfNil(
                CoreMetrics.Counter(
                    label: ServerMetric.requests.rawValue,
                    dimensions: labels + [("status", index == nil ? "other" : String(code))],
                    factory: metrics))
        counter.increment(by: Int64(1))
        let timer =
            time.load()
            ?? time.storeIfNil(
                CoreMetrics.Timer(
                    label: ServerMetric.requestSeconds.rawValue, dimensions: labels,
                    factory: metrics))
        timer.recordNanoseconds(Int64(clamping: nanoseconds))
    }
}
