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
    /// By a reading of one item.
    indirect case item(String, ShapeMovement)
    /// By what it cost: millionths at one place, and trillionths beyond them at another.
    case cost(Int, rest: Int?)
}

extension Meter {
    /// How events of this shape move the meter; `nil`: not at all.
    ///
    /// It asks the rule itself, with numbers that tell which of them it took.
    func movement(of shape: ColumnShape) -> ShapeMovement? {
        let details = EventDetails(
            type: shape.type, subtype: shape.subtype, status: shape.status,
            cost: shape.hasCost ? .zero : nil, dimensions: shape.dimensions
        ).with(countsWhenAborted: shape.countsWhenAborted)
        let mark: Int64 = 1_000
        let event = UsageEvent(
            subject: SubjectID(unchecked: ""),
            quantities: Quantities(
                shape.quantities.enumerated().map { place, name in
                    NamedQuantity(name: name, quantity: Quantity(mark + Int64(place)))
                }),
            details: details)
        guard let (units, distinctValue) = movement(of: event) else { return nil }
        if let distinctValue {
            guard aggregation.isOfReadings else { return .distinct(distinctValue) }
            return .item(
                distinctValue,
                units >= mark ? .value(Int(units - mark)) : .constant(units))
        }
        if aggregation == .count { return .constant(1) }
        if counts == .cost, let place = shape.costPlace {
            return .cost(place, rest: shape.costRestPlace)
        }
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

    /// Whether what was taken back has to come first.
    var needTakenBackFirst: Bool { meters.contains { !$0.aggregation.isAdditive } }

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
        case .item(_, let reading): self.init(run, reading)
        case .cost(let place, let rest):
            let rests = rest.map { run.values($0) }
            self = .values(
                run.values(place).enumerated().map { index, whole in
                    Money(wholeMillionths: whole, rest: rests?[index] ?? 0).billionths
                })
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
