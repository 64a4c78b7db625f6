import MeterstoneCore
import MeterstoneStore

/// Two numbers for each subject, found by the subject's number.
///
/// Few subjects stand in a dictionary. Many whose numbers are small enough index an array; numbers of a
/// store that gives them out in blocks become too large for one.
struct SubjectSums: FoldState {
    /// Numbers below this index the array: at most 128 MiB of it.
    private static let denseMax: Int64 = 1 << 23
    private let denseMax: Int64
    /// Entries from which on an array may be worth its room.
    private static let fewMax = 4_096
    private var sparseMax = Self.fewMax
    private var dense: [SIMD2<Int64>] = []
    private var sparse: [Int64: SIMD2<Int64>] = [:]
    /// UTC days of what was added.
    var days: Set<Int64> = []
    private var tab: MemoryTab

    /// - Parameter areFew: whether an array by number is not worth its room.
    init(_ memory: MemoryShare, areFew: Bool = false) {
        denseMax = areFew ? 0 : Self.denseMax
        tab = MemoryTab(memory)
    }

    /// Adds a quantity and events to a subject's.
    @inline(__always)
    mutating func add(_ quantity: Int64, events: Int64, to subject: Int64) {
        guard !dense.isEmpty, subject < denseMax else {
            sparse[subject, default: .zero] &+= SIMD2(quantity, events)
            if dense.isEmpty, sparse.count > sparseMax { becomeDenseIfWorth() }
            if sparse.count & 0xFF == 0 { noteBytes() }
            return
        }
        if Int(subject) >= dense.count { grow(to: Int(subject)) }
        dense[Int(subject)] &+= SIMD2(quantity, events)
    }

    private mutating func becomeDenseIfWorth() {
        let largest = sparse.keys.filter { $0 < denseMax }
        guard largest.count > sparseMax / 2 else {
            // To look again at each event would cost all entries each time.
            sparseMax = 2 * sparse.count
            return
        }
        becomeDense(largest.max() ?? 0)
    }

    private mutating func becomeDense(_ largest: Int64) {
        grow(to: Int(largest))
        for (subject, sums) in sparse where subject < denseMax {
            if Int(subject) >= dense.count { grow(to: Int(subject)) }
            dense[Int(subject)] &+= sums
            sparse[subject] = nil
        }
    }

    /// Adds what each event moved a meter by to its subject.
    ///
    /// - Parameter weights: `nil`: all count once.
    mutating func add(_ subjects: [Int64], _ units: RunUnits, _ weights: [Int64]?) {
        guard let largest = subjects.max() else { return }
        guard largest < denseMax, weights == nil, !dense.isEmpty || subjects.count > Self.fewMax
        else {
            for index in subjects.indices {
                let weight = weights?[index] ?? 1
                add(units[index] &* weight, events: weight, to: subjects[index])
            }
            return
        }
        if dense.isEmpty { becomeDense(largest) }
        if Int(largest) >= dense.count { grow(to: Int(largest)) }
        // Every number is below the size of the array now; none is negative.
        unsafe dense.withUnsafeMutableBufferPointer { dense in
            unsafe subjects.withUnsafeBufferPointer { subjects in
                switch units {
                case .constant(let units):
                    for index in subjects.indices {
                        unsafe dense[Int(subjects[index])] &+= SIMD2(units, 1)
                    }
                case .values(let values):
                    unsafe values.withUnsafeBufferPointer { values in
                        for index in subjects.indices {
                            unsafe dense[Int(subjects[index])] &+= SIMD2(values[index], 1)
                        }
                    }
                }
            }
        }
    }

    private mutating func grow(to number: Int) {
        let count = min(max(number + 1, dense.count * 2, 1_024), Int(denseMax))
        dense += Array(repeating: .zero, count: count - dense.count)
        noteBytes()
    }

    var bytes: Int { 16 * dense.count + (24 + MemoryTab.bytesPerEntry) * sparse.count }

    mutating func tell(_ memory: MemoryShare?) {
        tab = MemoryTab(memory)
        noteBytes()
    }

    private mutating func noteBytes() { tab.note(bytes) }

    subscript(subject: Int64) -> (quantity: Int64, events: Int64) {
        guard !dense.isEmpty, subject < denseMax else {
            let sums = sparse[subject] ?? .zero
            return (sums[0], sums[1])
        }
        let sums = Int(subject) < dense.count ? dense[Int(subject)] : .zero
        return (sums[0], sums[1])
    }

    /// Visits every subject of which events remain, or a gauge that shows something.
    @inline(__always)
    func forEach(_ visit: (_ subject: Int64, _ quantity: Int64, _ events: Int64) -> Void) {
        unsafe dense.withUnsafeBufferPointer { dense in
            for subject in dense.indices {
                let sums = unsafe dense[subject]
                if sums[1] > 0 || sums[0] != 0 { visit(Int64(subject), sums[0], sums[1]) }
            }
        }
        for (subject, sums) in sparse where sums[1] > 0 || sums[0] != 0 {
            visit(subject, sums[0], sums[1])
        }
    }
}

/// Two numbers for each of some subjects among many.
struct ChosenSums {
    private static let denseMax: Int64 = 1 << 23
    /// Where a subject's sums stand, by its number; −1: it is none of them.
    private var places: [Int32] = []
    private var sparse: [Int64: Int32] = [:]
    private var sums: [SIMD2<Int64>]

    init(_ subjects: [Int64], _ memory: MemoryShare) {
        memory.add(MemoryTab.bytesPerEntry * subjects.count)
        sums = Array(repeating: .zero, count: subjects.count)
        let largest = subjects.filter { $0 < Self.denseMax }.max() ?? -1
        memory.add(4 * Int(largest + 1))
        places = Array(repeating: -1, count: Int(largest) + 1)
        for (place, subject) in subjects.enumerated() {
            if subject < Self.denseMax {
                places[Int(subject)] = Int32(place)
            } else {
                sparse[subject] = Int32(place)
            }
        }
    }

    mutating func add(_ subjects: [Int64], _ units: RunUnits, _ weights: [Int64]?) {
        for index in subjects.indices {
            let weight = weights?[index] ?? 1
            add(units[index] &* weight, events: weight, to: subjects[index])
        }
    }

    @inline(__always)
    mutating func add(_ quantity: Int64, events: Int64, to subject: Int64) {
        let place =
            subject < places.count
            ? places[Int(subject)] : sparse.isEmpty ? -1 : sparse[subject] ?? -1
        if place >= 0 { sums[Int(place)] &+= SIMD2(quantity, events) }
    }

    /// Visits those of which events remain, by their places, and starts anew.
    mutating func takeEach(_ visit: (_ place: Int, _ quantity: Int64) -> Void) {
        for place in sums.indices {
            if sums[place][1] > 0 { visit(place, sums[place][0]) }
            sums[place] = .zero
        }
    }
}
