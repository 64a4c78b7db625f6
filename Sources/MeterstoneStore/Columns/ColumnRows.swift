/// Which rows there are of columns, by day. A row never changes, so that while the rows of a day are the same,
/// its events are, too.
public struct ColumnRows: Sendable {
    /// Another one when all rows were made anew and may have numbers that others had before.
    package let era: Int64
    private let numbers: [Int64: [Int64]]

    package static let none = ColumnRows(era: 0, [])

    /// - Parameter rows: days and the numbers of their rows.
    package init(era: Int64, _ rows: [(day: Int64, number: Int64)]) {
        self.era = era
        numbers = Dictionary(grouping: rows, by: \.day).mapValues { $0.map(\.number) }
    }

    /// What tells whether anything is different on some days that follow each other.
    package func mark(of days: ClosedRange<Int64>) -> ColumnMark {
        var rows: [Int64] = []
        for (day, numbers) in numbers.sorted(by: { $0.key < $1.key }) where days.contains(day) {
            rows.append(day)
            rows.append(Int64(numbers.count))
            rows += numbers
        }
        return ColumnMark(era: era, rows: rows)
    }
}

/// Equal to another one of the same days when nothing occurred there in between, nor was taken back.
package struct ColumnMark: Hashable, Sendable {
    fileprivate let era: Int64
    fileprivate let rows: [Int64]

    /// About what it takes in memory.
    package var bytes: Int { 64 + 8 * rows.count }
}
