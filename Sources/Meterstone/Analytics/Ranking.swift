import MeterstoneCore
import MeterstoneStore

/// Subjects by what they used, the largest first, ties by id: without sorting more than the page needs.
struct Ranking {
    private let sums: SubjectSums

    struct Row {
        let number: Int64
        let id: SubjectID
        let quantity: Int64
        let events: Int64
    }

    init(_ sums: SubjectSums) {
        self.sums = sums
    }

    /// How many subjects there are, and what they used together.
    var total: (subjects: Int, quantity: Int64) {
        var result: (subjects: Int, quantity: Int64) = (0, 0)
        sums.forEach { _, quantity, _ in
            result.subjects += 1
            result.quantity &+= quantity
        }
        return result
    }

    /// The rows of the question's page.
    ///
    /// - Parameter count: rows of the whole ranking; `nil`: everybody.
    func page(
        _ context: ReportContext, of count: Int? = nil
    ) throws(StoreError) -> (rows: [Row], next: Int?) {
        let all = total.subjects
        let count = min(count ?? all, all)
        let end = min(context.question.end, count)
        guard context.question.offset < end else { return ([], nil) }
        let least = smallest(ofLargest: end)
        var above: [(number: Int64, quantity: Int64)] = []
        var tied: [Int64] = []
        sums.forEach { number, quantity, _ in
            if quantity > least { above.append((number, quantity)) }
            if quantity == least { tied.append(number) }
        }
        var ids = try context.ids(of: above.map(\.number))
        above.sort { ($1.quantity, ids[$0.number]) < ($0.quantity, ids[$1.number]) }
        let rest = try firstByID(end - above.count, of: tied, context)
        ids.byNumber.merge(rest.map { ($0.number, $0.id) }) { first, _ in first }
        let order = above.map(\.number) + rest.map(\.number)
        let rows = order.dropFirst(context.question.offset).map { number in
            let sum = sums[number]
            return Row(number: number, id: ids[number], quantity: sum.quantity, events: sum.events)
        }
        return (rows, end < count ? end : nil)
    }

    /// The smallest of the so many largest quantities, by a heap of that many.
    private func smallest(ofLargest count: Int) -> Int64 {
        var heap: [Int64] = []
        heap.reserveCapacity(count)
        sums.forEach { _, quantity, _ in
            if heap.count < count {
                heap.append(quantity)
                heap.siftUp()
            } else if quantity > heap[0] {
                heap[0] = quantity
                heap.siftDown()
            }
        }
        return heap.first ?? 0
    }

    /// Subjects whose ids are fetched to be sorted. When more are tied, ids are gone through in order.
    private static let fetchedMax = 20_000

    private func firstByID(
        _ count: Int, of tied: [Int64], _ context: ReportContext
    ) throws(StoreError) -> [(number: Int64, id: SubjectID)] {
        if tied.count <= max(Self.fetchedMax, count) || !context.scan.view.subjects.isEmpty {
            let ids = try context.ids(of: tied)
            return ids.byNumber.map { (number: $0.key, id: $0.value) }.sorted { $0.id < $1.id }
                .prefix(count).map(\.self)
        }
        let wanted = Set(tied)
        var result: [(number: Int64, id: SubjectID)] = []
        var last: SubjectID?
        while result.count < count {
            let step = try context.scan.source.subjects(after: last, count: 2_000)
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
