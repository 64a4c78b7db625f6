package import MeterstoneCore

/// What the numbers of a question about reports may be.
package enum ReportBounds {
    package static let count = 1...ReportQuestion.countMax
    package static let countDefault = 100
    /// Days of a span, or of silence: at most ten years.
    package static let days = 1...ReportQuestion.daysMax
    package static let idleDaysDefault = 30
    package static let minimumEvents = 0...1_000_000_000
    package static let minimumEventsDefault = 10
    package static let percent = 1...100
    package static let percentDefault = 1
    /// How many types a funnel has.
    package static let steps = 2...20
    package static let cohortExpectation = "day, week, week:WEEKDAY, month, quarter or year"
    package static let stepsExpectation = "from \(steps.lowerBound) to \(steps.upperBound) steps"
}

extension Window {
    package static let trendExpectation =
        "minute, hour, day, week, week:WEEKDAY, month, quarter or year"

    /// A window that starts at the same time for everybody, and then anew.
    package init?(trend text: String) {
        self.init(text)
        guard isRepeating, self != .billingMonth else { return nil }
    }
}
