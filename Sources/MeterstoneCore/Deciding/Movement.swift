/// One meter that one event moves.
package struct Movement {
    package let meter: CompiledMeter
    package var units: Int64
    package var distinctValue: String?
    /// Units that the same request moved the meter by before: a reservation that grows.
    package var unitsBefore: Int64 = 0
}

/// The meters that one event moves, each once.
///
/// Most events move one, which stands here without an array.
package struct Movements: RandomAccessCollection, MutableCollection {
    private var first: Movement?
    private var others: [Movement] = []

    package init() {}

    package var startIndex: Int { 0 }
    package var endIndex: Int { first == nil ? 0 : others.count + 1 }

    package subscript(place: Int) -> Movement {
        get {
            guard place == 0, let first else { return others[place - 1] }
            return first
        }
        set {
            if place == 0 { first = newValue } else { others[place - 1] = newValue }
        }
    }

    package mutating func append(_ movement: Movement) {
        if first == nil { first = movement } else { others.append(movement) }
    }

    /// The keys of the meters, sorted.
    package var keys: [MeterKey] {
        guard others.isEmpty else { return map(\.meter.meter.key).sorted() }
        return first?.meter.keyAlone ?? []
    }

    /// What an event moves this meter by, if it does.
    package func movement(of meter: CompiledMeter) -> Movement? {
        first { $0.meter === meter }
    }
}
