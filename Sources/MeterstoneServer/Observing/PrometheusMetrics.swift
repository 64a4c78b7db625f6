public import CoreMetrics
import Meterstone
import Synchronization

/// Keeps metrics in memory and tells them as text for Prometheus, format 0.0.4.
///
/// Counting is an atomic addition, and never waits. Whoever asks twice for the same metric gets the same.
/// Timers are told in seconds.
public final class PrometheusMetrics: MetricsFactory {
    /// One more is kept for whoever made it, and not told: a label whose values have no end must not take
    /// all memory.
    private static let seriesMax = 10_000

    private struct Family {
        let kind: String
        var series: [String: any Instrument] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var count = 0
    }

    private let state = Mutex(State())
    private let help: [String: String]

    /// - Parameter help: what metrics are that others tell, by name.
    public init(help others: [String: String] = [:]) {
        let engine = EngineMetric.allCases.map { ($0.rawValue, $0.help) }
        let server = ServerMetric.allCases.map { ($0.rawValue, $0.help) }
        help = Dictionary(engine + server, uniquingKeysWith: { first, _ in first })
            .merging(others) { first, _ in first }
    }

    public func makeCounter(
        label: String, dimensions: [(String, String)]
    ) -> any CounterHandler {
        instrument(label, dimensions, "counter") { Total() }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        instrument(label, dimensions, "gauge") { Level() }
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return instrument(label, dimensions, "gauge") { Level() } }
        return instrument(label, dimensions, "histogram") { Distribution.numbers() }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        instrument(label, dimensions, "histogram") { Distribution.nanoseconds() }
    }

    // What was told once is told until the end, as Prometheus wants it.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func instrument<Kind: Instrument>(
        _ label: String, _ dimensions: [(String, String)], _ kind: String, _ make: () -> Kind
    ) -> Kind {
        let name = label.asMetricName
        let labels = dimensions.map { "\($0.asMetricName)=\"\($1.escaped)\"" }
            .joined(separator: ",")
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            if let known = family.series[labels] as? Kind { return known }
            let made = make()
            guard family.kind == kind, family.series[labels] == nil, state.count < Self.seriesMax
            else { return made }
            family.series[labels] = made
            state.families[name] = family
            state.count += 1
            return made
        }
    }

    /// All of them, by name.
    public var text: String {
        let families = state.withLock { $0.families }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(help[name] ?? "Told by a library.")\n"
            text += "# TYPE \(name) \(family.kind)\n"
            for (labels, instrument) in family.series.sorted(by: { $0.key < $1.key }) {
                instrument.write(name, labels, to: &text)
            }
        }
        return text
    }
}

/// Something that is counted or measured.
private protocol Instrument: AnyObject, Sendable {
    func write(_ name: String, _ labels: String, to text: inout String)
}

private func line(_ name: String, _ labels: String, _ value: String) -> String {
    labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
}

private final class Total: CounterHandler, Instrument {
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { value.store(0, ordering: .relaxed) }

    func write(_ name: String, _ labels: String, to text: inout String) {
        text += line(name, labels, String(value.load(ordering: .relaxed)))
    }
}

private final class Level: MeterHandler, RecorderHandler, Instrument {
    /// A number of floating point, by its bits.
    private let bits = Atomic<UInt64>(0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
    func decrement(by amount: Double) { increment(by: -amount) }

    func increment(by amount: Double) {
        var known = bits.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: known) + amount).bitPattern
            let (done, found) = bits.weakCompareExchange(
                expected: known, desired: next, ordering: .relaxed)
            if done { return }
            known = found
        }
    }

    func write(_ name: String, _ labels: String, to text: inout String) {
        text += line(name, labels, Double(bitPattern: bits.load(ordering: .relaxed)).asValue)
    }
}

private final class Distribution: RecorderHandler, TimerHandler, Instrument {
    private final class Cell: Sendable {
        let count = Atomic<Int64>(0)
    }

    private let bounds: [Int64]
    /// How many of what is recorded are one of what is told.
    private let unit: Double
    private let cells: [Cell]
    private let sum = Atomic<Int64>(0)

    private init(bounds: [Int64], unit: Double) {
        self.bounds = bounds
        self.unit = unit
        cells = (0...bounds.count).map { _ in Cell() }
    }

    static func numbers() -> Distribution {
        Distribution(bounds: [1, 4, 16, 64, 256, 1_024, 4_096, 16_384], unit: 1)
    }

    /// From half a millisecond to ten seconds.
    static func nanoseconds() -> Distribution {
        let bounds: [Int64] = [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000]
        let long: [Int64] = [500_000, 1_000_000, 2_500_000, 10_000_000]
        return Distribution(bounds: (bounds + long).map { $0 * 1_000 }, unit: 1_000_000_000)
    }

    func record(_ value: Int64) {
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        cells[index].count.wrappingAdd(1, ordering: .relaxed)
        sum.wrappingAdd(value, ordering: .relaxed)
    }

    func record(_ value: Double) { record(Int64(exactly: value.rounded()) ?? 0) }
    func recordNanoseconds(_ duration: Int64) { record(duration) }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var count: Int64 = 0
        for (cell, bound) in zip(cells, bounds.map { (Double($0) / unit).asValue } + ["+Inf"]) {
            count &+= cell.count.load(ordering: .relaxed)
            text += line(name + "_bucket", "\(prefix)le=\"\(bound)\"", String(count))
        }
        let total = Double(sum.load(ordering: .relaxed)) / unit
        text += line(name + "_sum", labels, total.asValue)
        text += line(name + "_count", labels, String(count))
    }
}

extension Double {
    fileprivate var asValue: String {
        Int64(exactly: self).map { String($0) } ?? String(describing: self)
    }
}

extension String {
    /// Letters, digits and `_`, and no digit in front.
    fileprivate var asMetricName: String {
        let name = String(
            unicodeScalars.map { scalar in
                switch scalar.value {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: Character(scalar)
                default: "_"
                }
            })
        return name.first?.isNumber ?? true ? "_" + name : name
    }

    fileprivate var escaped: String {
        replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
