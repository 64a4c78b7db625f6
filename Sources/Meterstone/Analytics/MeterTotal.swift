import MeterstoneCore
import MeterstoneStore

/// What all subjects together come to.
struct MeterTotal: FoldState {
    private var sum: Int128 = 0
    private(set) var events: Int64 = 0
    private(set) var subjects: ActiveSubjects
    private var fold: ValueFold?
    /// What a gauge comes to, which its readings of before say, too; `nil`: it is none.
    var stands: Int64?

    init(_ meter: Meter, _ memory: MemoryShare) {
        subjects = ActiveSubjects(memory)
        fold = meter.aggregation.isFolded ? ValueFold(meter.aggregation, memory) : nil
        stands = meter.aggregation.isOfReadings ? 0 : nil
    }

    var bytes: Int { 64 + subjects.bytes + (fold?.bytes ?? 0) }

    mutating func tell(_ memory: MemoryShare?) {
        subjects.tell(memory)
        fold?.tell(memory)
    }

    /// Stops at the greatest number there is.
    var quantity: Int64 { stands ?? fold?.total ?? Int64(clamping: sum) }

    mutating func add(_ run: ColumnRun, _ movement: ShapeMovement) {
        add(run, movement, run.subjects, run.weights)
    }

    /// The same for a run whose subjects and weights are at hand.
    mutating func add(
        _ run: ColumnRun, _ movement: ShapeMovement, _ numbers: [Int64], _ weights: [Int64]?
    ) {
        subjects.add(numbers, weights)
        events += run.events(weights)
        if stands != nil { return }
        if fold == nil {
            sum += RunUnits(run, movement).sum(count: numbers.count, weights)
        } else {
            fold?.addTogether(run, movement)
        }
    }

    /// Puts subjects in order, so that they can be asked for.
    mutating func settle() { subjects.settle() }

    /// Forgets everything, and keeps the room.
    mutating func removeAll() {
        (sum, events) = (0, 0)
        subjects.removeAll()
        fold?.removeAll()
    }
}
