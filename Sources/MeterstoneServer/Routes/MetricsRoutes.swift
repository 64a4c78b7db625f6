import CoreMetrics
import Hummingbird
import Meterstone
import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What Prometheus asks for.
struct MetricsRoutes: Sendable {
    let engine: MeterstoneEngine
    let metrics: PrometheusMetrics
    private let memory: CoreMetrics.Meter

    init(engine: MeterstoneEngine, metrics: PrometheusMetrics) {
        self.engine = engine
        self.metrics = metrics
        memory = CoreMetrics.Meter(label: ServerMetric.memory.rawValue, factory: metrics)
    }

    func add(to routes: inout Routes) {
        routes.on(.get, "/metrics") { _, _ in
            engine.refreshMetrics()
            if let bytes = Self.residentBytes { memory.set(bytes) }
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.text)))
        }
    }

    /// `nil` where the system does not tell it in the way of Linux.
    private static var residentBytes: Int64? {
        guard let status = FileManager.default.contents(atPath: "/proc/self/status") else {
            return nil
        }
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: { $0.isWhitespace }).dropFirst().first
            .flatMap { Int64($0) }.map { $0 * 1_024 }
    }
}
