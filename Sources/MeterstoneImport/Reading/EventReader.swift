package import MeterstoneCore

/// A row that was read: the event in it, or why there is none.
package struct EventRow: Sendable {
    package let line: Int
    package let content: Result<UsageEvent, RowProblem>
    /// How often clocks showed the row's time, where that was a time on the clock.
    package let localTime: LocalTime

    package init(
        line: Int, content: Result<UsageEvent, RowProblem>, localTime: LocalTime = .once
    ) {
        self.line = line
        self.content = content
        self.localTime = localTime
    }
}

/// Turns bytes that come in pieces into events, row by row.
package protocol EventReader: Sendable {
    mutating func push(_ bytes: [UInt8])

    /// No more bytes come.
    mutating func finish()

    /// The next row, or `nil` when more bytes are needed, or none are left.
    mutating func next() throws(ImportError) -> EventRow?
}
