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
    /// What a row tells, in the order in which it is written.
    static var fields: [ReportField<Self>] { get }
}

extension ReportRow {
    /// The names of ``values``, in camelCase.
    public static var columns: [String] { fields.map(\.name) }
    /// One for each of ``columns``.
    public var values: [ReportValue] { Self.fields.map { $0.value(self) } }
}

/// One column of a report, told once: its name, of which kind its values are, and where they come from.
public struct ReportField<Row>: Sendable {
    public let name: String
    public let kind: ReportValue.Kind
    /// Whether a row may have none.
    public let isOptional: Bool
    let value: @Sendable (Row) -> ReportValue

    public init<Value: ReportColumn>(
        _ name: String, _ value: @escaping @Sendable (Row) -> Value
    ) {
        self.name = name
        kind = Value.kind
        isOptional = Value.isOptional
        self.value = { value($0).reportValue }
    }
}

/// What can stand in a column of a report.
public protocol ReportColumn: SendableMetatype {
    static var kind: ReportValue.Kind { get }
    static var isOptional: Bool { get }
    var reportValue: ReportValue { get }
}

extension ReportColumn {
    public static var isOptional: Bool { false }
}

extension Optional: ReportColumn where Wrapped: ReportColumn {
    public static var kind: ReportValue.Kind { Wrapped.kind }
    public static var isOptional: Bool { true }
    public var reportValue: ReportValue { self?.reportValue ?? .none }
}

extension ReportColumn where Self: TextIdentifier {
    public static var kind: ReportValue.Kind { .text }
    public var reportValue: ReportValue { .text(text) }
}

extension SubjectID: ReportColumn {}
extension MeterKey: ReportColumn {}
extension LimitKey: ReportColumn {}
extension PlanKey: ReportColumn {}

extension String: ReportColumn {
    public static var kind: ReportValue.Kind { .text }
    public var reportValue: ReportValue { .text(self) }
}

extension Int64: ReportColumn {
    public static var kind: ReportValue.Kind { .integer }
    public var reportValue: ReportValue { .integer(self) }
}

extension Ratio: ReportColumn {
    public static var kind: ReportValue.Kind { .ratio }
    public var reportValue: ReportValue { .ratio(self) }
}

extension Instant: ReportColumn {
    public static var kind: ReportValue.Kind { .instant }
    public var reportValue: ReportValue { .instant(self) }
}

extension CivilDate: ReportColumn {
    public static var kind: ReportValue.Kind { .date }
    public var reportValue: ReportValue { .date(self) }
}

extension Bool: ReportColumn {
    public static var kind: ReportValue.Kind { .flag }
    public var reportValue: ReportValue { .flag(self) }
}

extension [String]: ReportColumn {
    public static var kind: ReportValue.Kind { .list }
    public var reportValue: ReportValue { .list(self) }
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
    /// Of which kind values are, whether there are any or not.
    public enum Kind: Sendable {
        case text, integer, ratio, instant, date, flag, list
    }
}
