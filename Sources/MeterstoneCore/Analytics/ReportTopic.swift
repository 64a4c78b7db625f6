/// One of the operator's questions about all subjects, with what it asks beside span and filter.
public enum ReportTopic: Hashable, Sendable {
    /// Who used most of a meter.
    case top(MeterKey)
    /// Usage of meters over time; of all where none is named.
    case trends([MeterKey], per: Window)
    /// Usage of a meter, split.
    case usage(MeterKey, by: ReportFacet)
    /// How many get from one type of event to the next.
    case funnel([String], FunnelOrder)
    /// How many get from one meter to the next.
    case funnelOfMeters([MeterKey], FunnelOrder)
    /// How operations end, and how long they take; only what happened more often.
    case errors(minimumEvents: Int)
    /// How many of a plan's subjects use a meter; all meters where none is named.
    case adoption([MeterKey])
    /// The few who use most, and their share.
    case powerUsers(MeterKey, percent: Int)
    /// Who was active once, and not for so many days.
    case idle(days: Int)
    /// How often limits are met, and whether an upgrade follows.
    case limits
    /// Who meets a limit; every limit where none is named.
    case limitSubjects(LimitKey?)
    /// Whose day stands out from the days before; yesterday where none is named.
    case unusual(MeterKey, on: CivilDate?)
    /// Who used more than the allowance.
    case overage(LimitKey?)
    /// What the subjects on a plan paid and cost; units are counted by a meter where one is named.
    case plans(MeterKey?)
    /// Which events no meter counts, by type.
    case unmetered
    /// How many of those who began in one window came back in later ones; of those only who used a meter
    /// where one is named.
    case retention(per: Window, MeterKey?)
    /// Whether who used a meter when they began came back more often; all meters where none is named.
    case featureRetention([MeterKey], per: Window)
    /// How long sessions are, by plan.
    case sessions
    /// What those paid who used a meter, by plan; all meters where none is named.
    case featureValue([MeterKey])

    public var name: ReportName {
        switch self {
        case .top: .top
        case .trends: .trends
        case .usage: .usageBy
        case .funnel, .funnelOfMeters: .funnel
        case .errors: .errors
        case .adoption: .adoption
        case .powerUsers: .powerUsers
        case .idle: .idle
        case .limits: .limits
        case .limitSubjects: .limitSubjects
        case .unusual: .unusual
        case .overage: .overage
        case .plans: .plans
        case .unmetered: .unmetered
        case .retention: .retention
        case .featureRetention: .featureRetention
        case .sessions: .sessions
        case .featureValue: .featureValue
        }
    }
}

/// Who is counted at a step of a funnel.
public enum FunnelOrder: Hashable, Sendable {
    /// Who took all steps before it, each no earlier than the one before.
    case given
    /// Who took all steps before it, in whatever order.
    case any
    /// Who took the step, whatever else they did.
    case independent
}

/// The reports, as paths, commands and cursors name them.
public enum ReportName: String, CaseIterable, Sendable {
    case top, trends
    case usageBy = "usage-by"
    case funnel, errors, adoption
    case powerUsers = "power-users"
    case idle, limits
    case limitSubjects = "limit-subjects"
    case unusual, overage, plans, unmetered, retention, sessions
    case featureRetention = "feature-retention"
    case featureValue = "feature-value"

    /// Where it is on a server.
    package var path: [String] {
        // What is reported of events stands beside them.
        self == .unmetered ? ["v1", "events", rawValue] : ["v1", "analytics", rawValue]
    }

    /// What its rows are.
    private var row: any ReportRow.Type {
        switch self {
        case .top: TopSubject.self
        case .trends: TrendPoint.self
        case .usageBy: UsageShare.self
        case .funnel: FunnelStep.self
        case .errors: ErrorRate.self
        case .adoption: FeatureAdoption.self
        case .powerUsers: PowerUser.self
        case .idle: IdleSubject.self
        case .limits: LimitPressure.self
        case .limitSubjects: LimitMeeting.self
        case .unusual: UnusualUsage.self
        case .overage: Overage.self
        case .plans: PlanEconomics.self
        case .unmetered: UnmeteredEvents.self
        case .retention: RetentionCohort.self
        case .featureRetention: FeatureRetention.self
        case .sessions: SessionQuality.self
        case .featureValue: FeatureValue.self
        }
    }

    /// What a row tells, in its order.
    public var columns: [ReportTable.Column] { row.tableColumns }
}

/// A report of whatever rows, as columns and values.
public struct ReportTable: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public let name: String
        public let kind: ReportValue.Kind
        /// Whether a row may have none.
        public let isOptional: Bool
    }

    public let name: ReportName
    public let span: WindowSpan
    /// Name of the zone in whose calendar days, weeks and months were cut.
    public let timeZone: String
    public let columns: [Column]
    /// A value for each column.
    public let rows: [[ReportValue]]
    /// How many rows stand before the next page; `nil`: there is no next page.
    public let next: Int?
    /// What the next page is to be about, so that all pages show each row once; with ``next`` only.
    public let cut: ReportCut?
    /// Where a list by subject goes on.
    package let lastSubject: SubjectID?

    package init(
        _ name: ReportName, span: WindowSpan, timeZone: String, columns: [Column],
        rows: [[ReportValue]], next: Int? = nil, cut: ReportCut? = nil,
        lastSubject: SubjectID? = nil
    ) {
        self.name = name
        self.span = span
        self.timeZone = timeZone
        self.columns = columns
        self.rows = rows
        self.next = next
        self.cut = cut
        self.lastSubject = lastSubject
    }

    package init<Row: ReportRow>(_ report: Report<Row>, _ name: ReportName) {
        self.init(
            name, span: report.span, timeZone: report.timeZone, columns: Row.tableColumns,
            rows: report.rows.map(\.values), next: report.next, cut: report.cut,
            lastSubject: report.lastSubject)
    }
}

/// A report, or what is wrong with the question.
public enum ReportAnswer: Equatable, Sendable {
    case table(ReportTable)
    case rejected(Rejection)
}

extension ReportRow {
    fileprivate static var tableColumns: [ReportTable.Column] {
        fields.map { .init(name: $0.name, kind: $0.kind, isOptional: $0.isOptional) }
    }
}

extension ReportQuestion {
    /// The question whose answer is the page after a report; `nil`: there is none.
    public func following(_ table: ReportTable) -> ReportQuestion? {
        table.next.map { following($0, table.span, table.cut, table.lastSubject) }
    }

    func following(
        _ next: Int, _ span: WindowSpan, _ cut: ReportCut?, _ last: SubjectID?
    ) -> ReportQuestion {
        var question = self
        question.offset = next
        question.from = span.from
        question.until = span.until
        question.cut = cut
        question.after = last
        return question
    }
}
