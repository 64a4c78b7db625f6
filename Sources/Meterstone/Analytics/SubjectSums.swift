import MeterstoneCore

/// Two numbers for each subject, found by the subject's number.
///
/// Numbers that are given out one after the other index an array; those of a store that gives them out
/// in blocks go into a dictionary.
struct SubjectSums {
    /// Numbers below this index the array: at most 128 MiB of it.
    private static let denseMax: Int64 = 1 << 23
    private var dense: [SIMD2<Int64>] = []
    private var sparse: [Int64: SIMD2<Int64>] = [:]

    /// Adds a quantity and events to a subject's.
    @inline(__always)
    mutating func add(_ quantity: Int64, events: Int64, to subject: Int64) {
        guard subject < Self.denseMax else {
            sparse[subject, default: .zero] &+= SIMD2(quantity, events)
            return
        }
        if Int(subject) >= dense.count { grow(to: Int(subject)) }
        dense[Int(subject)] &+= SIMD2(quantity, events)
    }

    private mutating func grow(to number: Int) {
        let count = min(max(number + 1, dense.count * 2, 1_024), Int(Self.denseMax))
        dense += Array(repeating: .zero, count: count - dense.count)
    }

    subscript(subject: Int64) -> (quantity: Int64, events: Int64) {
        guard subject < Self.denseMax else {
            let sums = sparse[subject] ?? .zero
            return (sums[0], sums[1])
        }
        let sums = Int(subject) < dense.count ? dense[Int(subject)] : .zero
        return (sums[0], sums[1])
    }

    /// Visits every subject of which events remain.
    func forEach(_ visit: (_ subject: Int64, _ quantity: Int64, _ events: Int64) -> Void) {
        for (subject, sums) in dense.enumerated() where sums[1] > 0 {
            visit(Int64(subject), sums[0], sums[1])
        }
        for (subject, sums) in sparse where sums[1] > 0 { visit(subject, sums[0], sums[1]) }
    }
}

/// How many subjects have events that count.
struct ActiveSubjects {
    /// From so many entries on, an array by number is smaller.
    private static let sparseMax = 4_096
    private static let denseMax: Int64 = 1 << 25
    private var sparse: [Int64: Int32] = [:]
    private var dense: [Int32] = []
    private(set) var count: Int64 = 0

    @inline(__always)
    mutating func add(_ weight: Int64, of subject: Int64) {
        if !dense.isEmpty, subject < Self.denseMax {
            if Int(subject) >= dense.count {
                let count = min(max(Int(subject) + 1, dense.count * 2), Int(Self.denseMax))
                dense += Array(repeating: 0, count: count - dense.count)
            }
            let before = dense[Int(subject)]
            let after = before &+ Int32(truncatingIfNeeded: weight)
            dense[Int(subject)] = after
            count += (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
            return
        }
        let before = sparse[subject] ?? 0
        let after = before &+ Int32(truncatingIfNeeded: weight)
        sparse[subject] = after
        count += (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
        if dense.isEmpty, sparse.count > Self.sparseMax { becomeDense() }
    }

    private mutating func becomeDense() {
        let small = sparse.filter { $0.key < Self.denseMax }
        guard small.count > Self.sparseMax / 2 else { return }
        dense = Array(repeating: 0, count: Int(small.keys.max() ?? 0) + 1)
        for (subject, weight) in small {
            dense[Int(subject)] = weight
            sparse[subject] = nil
        }
    }

    mutating func add(_ subjects: [Int64], _ weights: [Int64]?) {
        for index in subjects.indices { add(weights?[index] ?? 1, of: subjects[index]) }
    }

    func contains(_ subject: Int64) -> Bool {
        if let weight = sparse[subject] { return weight > 0 }
        return subject < dense.count && dense[Int(subject)] > 0
    }

    func forEach(_ visit: (Int64) -> Void) {
        for (subject, weight) in dense.enumerated() where weight > 0 { visit(Int64(subject)) }
        for (subject, weight) in sparse where weight > 0 { visit(subject) }
    }
}
