import MeterstoneCore
import MeterstoneStore

/// How many subjects have events that count.
///
/// Few are kept as they come. Many are counted in an array by number, two bytes each; what does not fit
/// goes into a dictionary.
struct ActiveSubjects: FoldState {
    /// Entries from which on an array may be worth its memory.
    private static let pendingMax = 4_096
    /// Bytes of the array for each entry that there must be.
    private static let bytesPerEntry = 256
    private static let denseMax: Int64 = 1 << 25
    /// Stands in the array for a number in ``large``.
    private static let escape = Int16.min

    private var pending: [(subject: Int64, weight: Int64)] = []
    private var pendingMax = Self.pendingMax
    private var dense: [Int16] = []
    private var denseCount: Int64 = 0
    private var large: [Int64: Int64] = [:]
    private var tab: MemoryTab

    init(_ memory: MemoryShare) {
        tab = MemoryTab(memory)
        tab.note(Self.bytesAtLeast)
    }

    /// What one takes that holds nobody.
    private static let bytesAtLeast = 128

    var bytes: Int {
        Self.bytesAtLeast + 2 * dense.count + 16 * pending.count
            + (16 + MemoryTab.bytesPerEntry) * large.count
    }

    mutating func tell(_ memory: MemoryShare?) {
        tab = MemoryTab(memory)
        tab.note(bytes)
    }

    /// How many there are.
    var count: Int64 { denseCount + Int64(net.count) }

    mutating func add(_ subjects: [Int64], _ weights: [Int64]?) {
        addEach(subjects, weights)
        tab.note(bytes)
    }

    private mutating func addEach(_ subjects: [Int64], _ weights: [Int64]?) {
        guard let largest = subjects.max() else { return }
        if dense.isEmpty, subjects.count > Self.pendingMax,
            largest < min(Self.denseMax, Int64(subjects.count * Self.bytesPerEntry))
        {
            becomeDense(largest)
        }
        guard !dense.isEmpty, largest < Self.denseMax else {
            addPending(subjects, weights)
            return
        }
        if Int(largest) >= dense.count { grow(to: Int(largest)) }
        guard weights == nil else {
            for index in subjects.indices {
                add(weights?[index] ?? 1, toDense: Int(subjects[index]))
            }
            return
        }
        var left: [Int64] = []
        var new: Int64 = 0
        // Every number is below the size of the array now; none is negative.
        unsafe dense.withUnsafeMutableBufferPointer { dense in
            unsafe subjects.withUnsafeBufferPointer { subjects in
                for index in subjects.indices {
                    let subject = unsafe subjects[index]
                    let known = unsafe dense[Int(subject)]
                    if known == .max || known == Self.escape {
                        left.append(subject)
                    } else {
                        unsafe dense[Int(subject)] = known &+ 1
                        new &+= known == 0 ? 1 : 0
                    }
                }
            }
        }
        denseCount += new
        for subject in left { add(1, toDense: Int(subject)) }
    }

    private mutating func add(_ weight: Int64, toDense subject: Int) {
        let known = dense[subject]
        let before = known == Self.escape ? large[Int64(subject)] ?? 0 : Int64(known)
        let after = before + weight
        if let small = Int16(exactly: after), small != Self.escape {
            dense[subject] = small
            if known == Self.escape { large[Int64(subject)] = nil }
        } else {
            dense[subject] = Self.escape
            large[Int64(subject)] = after
        }
        denseCount += (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
    }

    private mutating func grow(to number: Int) {
        let count = min(max(number + 1, dense.count * 2), Int(Self.denseMax))
        dense += Array(repeating: 0, count: count - dense.count)
    }

    private mutating func addPending(_ subjects: [Int64], _ weights: [Int64]?) {
        for index in subjects.indices {
            let weight = weights?[index] ?? 1
            if !dense.isEmpty, subjects[index] < Self.denseMax {
                if Int(subjects[index]) >= dense.count { grow(to: Int(subjects[index])) }
                add(weight, toDense: Int(subjects[index]))
            } else {
                pending.append((subjects[index], weight))
            }
        }
        if pending.count > pendingMax { compact() }
    }

    /// Adds up what came of each, and makes an array of it if there are many.
    private mutating func compact() {
        pending = net(of: pending, where: { $0 != 0 })
        pendingMax = max(Self.pendingMax, 2 * pending.count)
        let small = pending.prefix { $0.subject < Self.denseMax }
        guard dense.isEmpty, small.count > Self.pendingMax / 2, let last = small.last?.subject,
            last < Int64(small.count * Self.bytesPerEntry)
        else { return }
        becomeDense(last)
    }

    /// Makes an array of what is pending.
    private mutating func becomeDense(_ largest: Int64) {
        let entries = pending
        pending.removeAll()
        grow(to: Int(largest))
        addPending(entries.map(\.subject), entries.map(\.weight))
    }

    private var net: [(subject: Int64, weight: Int64)] {
        pending.isEmpty ? [] : net(of: pending, where: { $0 > 0 })
    }

    private func net(
        of entries: [(subject: Int64, weight: Int64)], where isKept: (Int64) -> Bool
    ) -> [(subject: Int64, weight: Int64)] {
        var result: [(subject: Int64, weight: Int64)] = []
        for entry in entries.sorted(by: { $0.subject < $1.subject }) {
            if let last = result.last, last.subject == entry.subject {
                result[result.count - 1].weight += entry.weight
            } else {
                if let last = result.last, !isKept(last.weight) { result.removeLast() }
                result.append(entry)
            }
        }
        if let last = result.last, !isKept(last.weight) { result.removeLast() }
        return result
    }

    /// Puts entries in order, so that ``contains(_:)`` finds them.
    mutating func settle() {
        pending = net
    }

    /// Asked after ``settle()``.
    func contains(_ subject: Int64) -> Bool {
        if subject < dense.count { return isPositive(dense[Int(subject)], subject) }
        var (low, high) = (0, pending.count)
        while low < high {
            let middle = (low + high) / 2
            if pending[middle].subject < subject { low = middle + 1 } else { high = middle }
        }
        return low < pending.count && pending[low].subject == subject
    }

    private func isPositive(_ known: Int16, _ subject: Int64) -> Bool {
        known > 0 || (known == Self.escape && large[subject] ?? 0 > 0)
    }

    func forEach(_ visit: (Int64) -> Void) {
        for (subject, known) in dense.enumerated() where known != 0 {
            if isPositive(known, Int64(subject)) { visit(Int64(subject)) }
        }
        for entry in net { visit(entry.subject) }
    }

    /// Forgets everybody, and keeps the room.
    mutating func removeAll() {
        pending.removeAll(keepingCapacity: true)
        unsafe dense.withUnsafeMutableBufferPointer { unsafe $0.update(repeating: 0) }
        large.removeAll()
        denseCount = 0
    }
}
