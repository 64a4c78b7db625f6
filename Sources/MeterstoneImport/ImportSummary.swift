package import MeterstoneCore

/// What an import came to.
///
/// Without enforcement, `rows` = `counted` + `duplicate` + `rejected`. With it, `rows` = `allowed` +
/// `denied` + `rejected`, and of the allowed rows some were `counted` now and the others, `duplicate`,
/// by an earlier run.
package struct ImportSummary: Sendable, Equatable {
    package internal(set) var rows = 0
    package internal(set) var counted = 0
    package internal(set) var duplicate = 0
    package internal(set) var rejected = 0
    package internal(set) var allowed = 0
    package internal(set) var denied = 0
    /// Rows whose local time the clock showed twice; the first of the two was taken.
    package internal(set) var timesShownTwice = 0
    /// Rows whose local time the clock never showed; the instant was taken at which it was set forward.
    package internal(set) var timesNeverShown = 0
    /// How long it took; never compared and never stored, and so not in whole numbers.
    package internal(set) var seconds = 0.0
    /// How often each subject was refused.
    package internal(set) var denials: [SubjectID: Int] = [:]
    /// The first rows that were not imported.
    package internal(set) var problems: [RowProblem] = []
    /// Meters that did not exist, and were created as sums.
    package internal(set) var createdMeters: [MeterKey] = []
    /// What to tell whoever imports, beside numbers.
    package internal(set) var notice: String?

    /// Problems that are kept; the others are counted.
    package static let problemsMax = 20
    /// How many subjects ``mostDenied`` tells.
    package static let mostDeniedMax = 5

    package init() {}

    /// The subjects that were refused most often, ties by subject.
    package var mostDenied: [(subject: SubjectID, count: Int)] {
        denials.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .prefix(Self.mostDeniedMax)
            .map { ($0.key, $0.value) }
    }

    /// Rows that were counted now or before, or that were decided about.
    package var usable: Int { rows - rejected }

    mutating func note(_ localTime: LocalTime) {
        switch localTime {
        case .once: break
        case .twice: timesShownTwice += 1
        case .never: timesNeverShown += 1
        }
    }

    mutating func reject(_ problem: RowProblem) {
        rejected += 1
        if problems.count < Self.problemsMax { problems.append(problem) }
    }
}
