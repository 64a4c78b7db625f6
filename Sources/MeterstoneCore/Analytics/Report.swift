/// The answer to one of the operator's questions: rows about a span of time.
public struct Report<Row: ReportRow>: Hashable, Sendable {
    public let span: WindowSpan
    /// Name of the zone in whose calendar days, weeks and months were cut.
    public let timeZone: String
    public let rows: [Row]
    /// How many rows stand before the next page; `nil`: there is no next page.
    public let next: Int?
    /// What the next page is to be about, so that all pages show each row once; with ``next`` only.
    public let cut: ReportCut?

    package init(
        span: WindowSpan, timeZone: String, rows: [Row], next: Int? = nil, cut: ReportCut? = nil
    ) {
        self.span = span
        self.timeZone = timeZone
        self.rows = rows
        self.next = next
        self.cut = cut
    }
}

extension Report {
    /// Where a list by subject goes on.
    package var lastSubject: SubjectID? { (rows.last as? IdleSubject)?.subject }
}

/// One row of a report, which can be written as JSON, CSV or a line of text alike.
public protocol ReportRow: Sendable, Hashable {
    /// The names of ``values``, in camelCase.
    static var columns: [String] { get }
    /// One for each of ``columns``.
    var values: [ReportValue] { get }
}

/// One value of a report.
public enum ReportValue: Hashable, Sendable {
    case text(String)
    case integer(Int64)
    /// Written with at most six digits after the point.
    case ratio(Ratio)
    case instant(Instant)
    case date(CivilDate)
    case flag(Bool)
    case list([String])
    /// There is no such value: no average of nothing, no limit that was met.
    case none
}

extension ReportValue {
    package static func optional(_ text: String?) -> ReportValue { text.map { .text($0) } ?? .none }
    package static func optional(_ number: Int64?) -> ReportValue {
        number.map { .integer($0) } ?? .none
    }
    package static func optional(_ ratio: Ratio?) -> ReportValue {
        ratio.map { .ratio($0) } ?? .none
    }
    package static func optional(_ instant: Instant?) -> ReportValue {
        instant.map { .instant($0) } ?? .none
    }
}
