import MeterstoneCore
import MeterstoneStore

/// Subjects by what they used, the largest first, ties by group and id: without sorting more than the
/// page needs.
struct Ranking {
    private let groups: [SubjectSums]

    struct Row {
        /// Place of the sums that it is from.
        let group: Int
        let number: Int64
        let id: SubjectID
        let quantity: Int64
        let events: Int64
    }

    private struct Entry {
        let group: Int
        let number: Int64
        let quantity: Int64
    }

    init(_ sums: SubjectSums) {
        groups = [sums]
    }

    /// - Parameter groups: in the order in which ties are settled.
    init(groups: [SubjectSums]) {
        self.groups = groups
    }

    /// How many subjects there are, and what they used together.
    var total: (subjects: Int, quantity: Int64) {
        var result: (subjects: Int, quantity: Int64) = (0, 0)
        for sums in groups {
            sums.forEach { _, quantity, _ in
                result.subjects += 1
                result.quantity = result.quantity.addingSaturated(quantity)
            }
        }
        return result
    }

    /// The rows of the question's page.
    ///
    /// - Parameter count: rows of the whole ranking; `nil`: everybody.
    func page(
        _ context: ReportContext, of count: Int? = nil
    ) throws(StoreError) -> (rows: [Row], next: Int?) {
        let (least, all) = smallest(ofLargest: min(context.question.end, count ?? .max))
        let count = min(count ?? all, all)
        let end = min(context.question.end, count)
        let rows = try rows(context, from: context.question.offset, until: end, least: least)
        return (rows, end < count && !rows.isEmpty ? end : nil)
    }

    /// Some rows of the ranking.
    func rows(
        _ context: ReportContext, from offset: Int, count: Int
    ) throws(StoreError) -> [Row] {
        let (end, overflow) = offset.addingReportingOverflow(count)
        let (least, all) = smallest(ofLargest: overflow ? .max : end)
        return try rows(context, from: offset, until: min(overflow ? .max : end, all), least: least)
    }

    /// - Parameter least: the smallest quantity before `end`.
    private func rows(
        _ context: ReportContext, from offset: Int, until end: Int, least: Int64
    ) throws(StoreError) -> [Row] {
        guard offset < end else { return [] }
        var above: [Entry] = []
        var tied: [[Int64]] = Array(repeating: [], count: groups.count)
        for (group, sums) in groups.enumerated() {
            sums.forEach { number, quantity, _ in
                if quantity > least {
                    above.append(Entry(group: group, number: number, quantity: quantity))
                }
                if quantity == least { tied[group].append(number) }
            }
        }
        context.memory.add(32 * above.count + 8 * tied.reduce(0) { $0 + $1.count })
        var ids = try context.ids(of: Set(above.map(\.number)))
        above.sort {
            ($1.quantity, $0.group, ids[$0.number]) < ($0.quantity, $1.group, ids[$1.number])
        }
        for (group, numbers) in tied.enumerated() where above.count < end && !numbers.isEmpty {
            for entry in try firstByID(end - above.count, of: numbers, context) {
                ids.byNumber[entry.number] = entry.id
                above.append(Entry(group: group, number: entry.number, quantity: least))
            }
        }
        return above.dropFirst(offset).map { entry in
            let sum = groups[entry.group][entry.number]
            return Row(
                group: entry.group, number: entry.number, id: ids[entry.number],
                quantity: sum.quantity, events: sum.events)
        }
    }

    /// The smallest of the so many largest quantities, by a heap of that many, and how many there are.
    private func smallest(ofLargest count: Int) -> (quantity: Int64, subjects: Int) {
        var heap: [Int64] = []
        var subjects = 0
        for sums in groups {
            sums.forEach { _, quantity, _ in
                subjects += 1
                if count <= 0 { return }
                if heap.count < count {
                    heap.append(quantity)
                    heap.siftUp()
                } else if quantity > heap[0] {
                    heap[0] = quantity
                    heap.siftDown()
                }
            }
        }
        return (heap.first ?? 0, subjects)
    }

    /// Subjects whose ids are fetched to be sorted. When more are tied, ids are gone through in order.
    private static let fetchedMax = 20_000

    private func firstByID(
        _ count: Int, of tied: [Int64], _ context: ReportContext
    ) throws(StoreError) -> [(number: Int64, id: SubjectID)] {
        if tied.count <= max(Self.fetchedMax, count) {
            let ids = try context.ids(of: tied)
            return ids.byNumber.map { (number: $0.key, id: $0.value) }.sorted { $0.id < $1.id }
                .prefix(count).map(\.self)
        }
        let wanted = Set(tied)
        var result: [(number: Int64, id: SubjectID)] = []
        var last: SubjectID?
        while result.count < count {
            let step = try context.scan.source.ownKeys(after: last, count: 2_000)
            for subject in step where wanted.contains(subject.number) && result.count < count {
                result.append((subject.number, subject.profile.id))
            }
            guard let next = step.last?.profile.id else { break }
            last = next
        }
        return result
    }
}

extension [Int64] {
    /// Restores the order of a heap, whose smallest element is its first, after one was appended.
    fileprivate mutating func siftUp() {
        var child = count - 1
        while child > 0, self[child] < self[(child - 1) / 2] {
            swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Restores the order of a heap after its first element grew.
    fileprivate mutating func siftDown() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < count else { return }
            if child + 1 < count, self[child + 1] < self[child] { child += 1 }
            guard self[child] < self[parent] else { return }
            swapAt(child, parent)
            parent = child
        }
    }
}
