import MeterstoneCore
import MeterstoneStore

/// What a meter comes to when its contributions do not simply add up: the largest, the latest, how many
/// different ones.
///
/// One value is kept for each key, or each different one, and no events. What was taken back has to come
/// before what counts, of each UTC day: it is kept until the same comes as something that counts, and both
/// are left out.
struct ValueFold: FoldState {
    /// Of two values the later counts, and of those of one instant the larger. Where instants do not
    /// matter they are the same for all; texts have numbers instead.
    private struct Value: Hashable, Comparable {
        var at: Int64
        var units: Int64

        static func < (lhs: Value, rhs: Value) -> Bool {
            (lhs.at, lhs.units) < (rhs.at, rhs.units)
        }
    }

    private struct Contribution: Hashable {
        var key: Int64
        var value: Value
    }

    /// What one key comes to.
    private struct Kept {
        var events: Int64 = 0
        var value = Value(at: .min, units: 0)
        /// Of meters that add up, and of different texts.
        var sum: Int128 = 0
    }

    private let aggregation: Aggregation
    private var kept: [Int64: Kept] = [:]
    private var takenBack: [Contribution: Int64] = [:]
    /// Of meters that count different texts.
    private var distinct: Set<Contribution> = []
    private var texts: [String: Int64] = [:]
    private var tab: MemoryTab

    init(_ aggregation: Aggregation, _ memory: MemoryShare) {
        self.aggregation = aggregation
        tab = MemoryTab(memory)
    }

    /// Adds what each event moves its subject by.
    mutating func add(_ run: ColumnRun, _ movement: ShapeMovement) {
        let (subjects, weights) = (run.subjects, run.weights)
        let units = RunUnits(run, movement)
        let times = aggregation == .latest ? run.times : []
        let text = number(of: movement)
        for index in subjects.indices {
            let time = times.isEmpty ? 0 : times[index]
            add(
                value(units[index], text, at: time), units[index], weights?[index] ?? 1,
                to: subjects[index])
        }
        noteBytes()
    }

    /// Adds what events move all subjects together by. Where each has a latest value of its own, they are
    /// kept apart.
    mutating func addTogether(_ run: ColumnRun, _ movement: ShapeMovement) {
        let weights = run.weights
        let units = RunUnits(run, movement)
        let text = number(of: movement)
        switch units {
        case _ where aggregation == .latest: add(run, movement)
        case .constant(let units):
            add(value(units, text, at: 0), units, run.events(weights), to: 0)
        case .values(let values) where weights == nil && takenBack.isEmpty:
            let largest = values.max() ?? 0
            add(value(largest, text, at: 0), largest, Int64(values.count), to: 0)
        case .values(let values):
            for index in values.indices {
                add(
                    value(values[index], text, at: 0), values[index], weights?[index] ?? 1, to: 0)
            }
        }
        noteBytes()
    }

    /// Adds one event to what a subject, or a day, comes to.
    mutating func add(
        _ units: Int64, _ movement: ShapeMovement, at time: Int64, weight: Int64, to key: Int64
    ) {
        let at = aggregation == .latest ? time : 0
        add(value(units, number(of: movement), at: at), units, weight, to: key)
        noteBytes()
    }

    var bytes: Int {
        (56 + MemoryTab.bytesPerEntry) * kept.count
            + (24 + MemoryTab.bytesPerEntry) * (takenBack.count + distinct.count)
            + 64 * texts.count
    }

    mutating func tell(_ memory: MemoryShare?) {
        tab = MemoryTab(memory)
        noteBytes()
    }

    private mutating func noteBytes() { tab.note(bytes) }

    private func value(_ units: Int64, _ text: Int64?, at time: Int64) -> Value {
        text.map { Value(at: $0, units: 0) } ?? Value(at: time, units: units)
    }

    private mutating func number(of movement: ShapeMovement) -> Int64? {
        guard case .distinct(let text) = movement else { return nil }
        let number = texts[text] ?? Int64(texts.count)
        texts[text] = number
        return number
    }

    private mutating func add(_ value: Value, _ units: Int64, _ weight: Int64, to key: Int64) {
        guard !aggregation.isAdditive else {
            kept[key, default: Kept()].events += weight
            kept[key]?.sum += Int128(units) * Int128(weight)
            return
        }
        let contribution = Contribution(key: key, value: value)
        guard weight > 0 else {
            takenBack[contribution, default: 0] -= weight
            kept[key, default: Kept()].events += weight
            return
        }
        let isLeft = takenBack.isEmpty || leaves(contribution, of: weight)
        let isNew = isLeft && aggregation == .uniqueCount && distinct.insert(contribution).inserted
        update(&kept[key, default: Kept()]) { kept in
            kept.events += weight
            if isNew { kept.sum += 1 }
            if isLeft { kept.value = max(kept.value, value) }
        }
    }

    @inline(__always)
    private func update(_ kept: inout Kept, _ change: (inout Kept) -> Void) { change(&kept) }

    /// Whether something remains of so many that count when what was taken back is left out.
    private mutating func leaves(_ contribution: Contribution, of weight: Int64) -> Bool {
        guard let taken = takenBack[contribution] else { return true }
        takenBack[contribution] = taken > weight ? taken - weight : nil
        return weight > taken
    }

    mutating func removeAll() {
        kept.removeAll()
        takenBack.removeAll()
        distinct.removeAll()
        texts.removeAll()
    }

    /// What each subject comes to, and of how many events.
    func forEach(_ visit: (_ subject: Int64, _ quantity: Int64, _ events: Int64) -> Void) {
        for (subject, kept) in kept where kept.events > 0 {
            visit(subject, quantity(of: kept), kept.events)
        }
    }

    private func quantity(of kept: Kept) -> Int64 {
        switch aggregation {
        case .max: max(0, kept.value.units)
        case .latest: kept.value.units
        // Gauges have totals of their own.
        case .sum, .count, .uniqueCount, .gauge, .integral: Int64(clamping: kept.sum)
        }
    }

    /// What all subjects come to: the largest, different ones among all, the latest of each together.
    var total: Int64 {
        switch aggregation {
        case .uniqueCount: return Int64(Set(distinct.map(\.value)).count)
        case .max: return kept.values.reduce(0) { max($0, quantity(of: $1)) }
        case .latest, .sum, .count, .gauge, .integral:
            var sum: Int64 = 0
            forEach { _, quantity, _ in sum = sum.addingSaturated(quantity) }
            return sum
        }
    }
}
