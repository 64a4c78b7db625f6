import MeterstoneCore
import MeterstoneStore

/// How the events of one shape move a meter.
enum ShapeMovement {
    /// By this much each.
    case constant(Int64)
    /// By the number at this place.
    case value(Int)
    /// By one distinct value, the same for all.
    case distinct(String)
}

extension Meter {
    /// How events of this shape move the meter; `nil`: not at all.
    ///
    /// It asks the rule itself, with numbers that tell which of them it took.
    func movement(of shape: ColumnShape) -> ShapeMovement? {
        let details = EventDetails(
            type: shape.type, subtype: shape.subtype, status: shape.status,
            dimensions: shape.dimensions)
        let mark: Int64 = 1_000
        let event = UsageEvent(
            subject: SubjectID(unchecked: ""),
            quantities: Quantities(
                shape.quantities.enumerated().map { place, name in
                    NamedQuantity(name: name, quantity: Quantity(mark + Int64(place)))
                }),
            details: details)
        guard let (units, distinctValue) = movement(of: event) else { return nil }
        if let distinctValue { return .distinct(distinctValue) }
        if aggregation == .count { return .constant(1) }
        return units >= mark ? .value(Int(units - mark)) : .constant(units)
    }
}

/// How events move each of some meters, found out once for each shape.
///
/// Confined to the report that made it.
final class MeterMovements {
    let meters: [Meter]
    private var known = PerShape<[ShapeMovement?]>()

    init(_ meters: [Meter]) {
        self.meters = meters
    }

    var needTimes: Bool { meters.contains { $0.aggregation == .latest } }

    subscript(run: ColumnRun) -> [ShapeMovement?] {
        known.value(run.shapeNumber, of: run.shape) { shape in
            meters.map { $0.movement(of: shape) }
        }
    }
}

/// What each event of a run moves a meter by.
enum RunUnits {
    case constant(Int64)
    case values([Int64])

    /// For sums and counts.
    init(_ run: ColumnRun, _ movement: ShapeMovement) {
        switch movement {
        case .constant(let units): self = .constant(units)
        case .value(let place):
            self = run.constant(place).map { .constant($0) } ?? .values(run.values(place))
        case .distinct: self = .constant(1)
        }
    }

    subscript(index: Int) -> Int64 {
        switch self {
        case .constant(let units): units
        case .values(let values): values[index]
        }
    }

    /// What they come to, so many of them, each times its weight.
    func sum(count: Int, _ weights: [Int64]?) -> Int128 {
        switch self {
        case .constant(let units):
            return Int128(units) * Int128(weights.map { $0.reduce(0, &+) } ?? Int64(count))
        case .values(let values):
            var sum: Int128 = 0
            guard let weights else {
                for value in values { sum &+= Int128(value) }
                return sum
            }
            for index in values.indices { sum += Int128(values[index]) * Int128(weights[index]) }
            return sum
        }
    }
}

extension ColumnRun {
    /// How many events count.
    func events(_ weights: [Int64]?) -> Int64 {
        weights.map { $0.reduce(0, +) } ?? Int64(eventCount)
    }
}

/// What a meter comes to when its contributions do not simply add up: the largest, the latest, how many
/// different ones. Each value is kept with how often it counts, so that corrections take theirs back.
struct ValueFold {
    private enum Value: Hashable {
        case largest(Int64)
        case latest(at: Int64, Int64)
        case distinct(String)
    }

    private let aggregation: Aggregation
    private var values: [Int64: [Value: Int64]] = [:]

    init(_ aggregation: Aggregation) {
        self.aggregation = aggregation
    }

    mutating func add(_ run: ColumnRun, _ movement: ShapeMovement) {
        let (subjects, weights) = (run.subjects, run.weights)
        let units = RunUnits(run, movement)
        let times = aggregation == .latest ? run.times : []
        for index in subjects.indices {
            add(
                units[index], movement, at: times.isEmpty ? 0 : times[index],
                weight: weights?[index] ?? 1, to: subjects[index])
        }
    }

    /// Adds one event to what a subject, or a day, comes to.
    mutating func add(
        _ units: Int64, _ movement: ShapeMovement, at time: Int64, weight: Int64, to key: Int64
    ) {
        let value: Value =
            switch (movement, aggregation) {
            case (.distinct(let text), _): .distinct(text)
            case (_, .latest): .latest(at: time, units)
            default: .largest(units)
            }
        values[key, default: [:]][value, default: 0] += weight
    }

    mutating func removeAll() {
        values.removeAll()
    }

    /// What each subject comes to, and of how many events.
    func forEach(_ visit: (_ subject: Int64, _ quantity: Int64, _ events: Int64) -> Void) {
        for (subject, values) in values {
            // Sums and counts are folded where days are few.
            if aggregation.isAdditive {
                let events = values.values.reduce(0, +)
                var sum: Int128 = 0
                for case (.largest(let units), let weight) in values {
                    sum += Int128(units) * Int128(weight)
                }
                if events > 0 { visit(subject, Int64(clamping: sum), events) }
                continue
            }
            let counted = values.filter { $0.value > 0 }
            guard !counted.isEmpty else { continue }
            visit(subject, result(counted.keys), counted.values.reduce(0, +))
        }
    }

    /// What all subjects come to: the largest, different ones among all, the latest of each together.
    var total: Int64 {
        if aggregation == .latest {
            var sum: Int64 = 0
            forEach { _, quantity, _ in sum = sum.addingSaturated(quantity) }
            return sum
        }
        return result(Set(values.values.joined().filter { $0.value > 0 }.map(\.key)))
    }

    private func result(_ values: some Collection<Value>) -> Int64 {
        switch aggregation {
        case .uniqueCount: return Int64(values.count)
        case .latest:
            var newest: (at: Int64, units: Int64) = (.min, 0)
            for case .latest(let at, let units) in values where (at, units) >= newest {
                newest = (at, units)
            }
            return newest.units
        default:
            var largest: Int64 = 0
            for case .largest(let units) in values { largest = max(largest, units) }
            return largest
        }
    }
}
