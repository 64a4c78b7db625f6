/// Sorts many elements in steps that each move a bounded number of them.
///
/// Pieces are sorted as they come, and then merged in pairs until one is left: sorting 65,536 rows at
/// once would take longer than a commit should wait.
package struct PieceSort<Element: Comparable> {
    /// In the end sorted as a whole.
    package private(set) var elements: [Element] = []
    /// Where the sorted pieces of ``elements`` end.
    private var ends: [Int] = []
    private var merged: [Element] = []
    private var mergedEnds: [Int] = []
    /// The first of the two pieces that are being merged, and what comes next of each.
    private var pair = 0
    private var left = 0
    private var right = 0

    package init() {}

    package mutating func reserve(_ count: Int) {
        elements.reserveCapacity(count)
    }

    /// Sorts a piece that is small, and takes it in.
    package mutating func append(_ piece: [Element]) {
        guard !piece.isEmpty else { return }
        elements += piece.sorted()
        ends.append(elements.count)
        left = 0
        right = ends[0]
    }

    /// Moves at most `count` elements; `false`: everything is sorted.
    package mutating func step(_ count: Int) -> Bool {
        guard ends.count > 1 else { return false }
        if merged.isEmpty { merged.reserveCapacity(elements.count) }
        var rest = count
        while rest > 0 {
            let leftEnd = ends[pair]
            let rightEnd = pair + 1 < ends.count ? ends[pair + 1] : leftEnd
            while rest > 0, left < leftEnd || right < rightEnd {
                rest -= 1
                if right == rightEnd || left < leftEnd && !(elements[right] < elements[left]) {
                    merged.append(elements[left])
                    left += 1
                } else {
                    merged.append(elements[right])
                    right += 1
                }
            }
            guard left == leftEnd, right == rightEnd else { return true }
            mergedEnds.append(rightEnd)
            pair += 2
            guard pair < ends.count else { break }
            left = ends[pair - 1]
            right = ends[pair]
        }
        guard pair >= ends.count else { return true }
        swap(&elements, &merged)
        merged.removeAll(keepingCapacity: true)
        ends = mergedEnds
        mergedEnds = []
        pair = 0
        left = 0
        right = ends[0]
        return ends.count > 1
    }
}
