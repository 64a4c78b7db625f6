/// What one subject used of a meter on one day of its calendar.
public struct DailyUsage: Hashable, Sendable {
    public let subject: SubjectID
    public let date: CivilDate
    public let used: Quantity
    /// Of the meter's limit per day, of several the least; unlimited where there is none.
    public let allowance: Allowance
    /// At the time of the day's last use; the current one of a day without usage.
    public let plan: PlanKey?
    /// When something was last recorded of the day, corrections included; `nil`: nothing was.
    public let updatedAt: Instant?
    /// The end of the day.
    public let resetsAt: Instant

    package init(
        subject: SubjectID, date: CivilDate, used: Quantity, allowance: Allowance, plan: PlanKey?,
        updatedAt: Instant?, resetsAt: Instant
    ) {
        self.subject = subject
        self.date = date
        self.used = used
        self.allowance = allowance
        self.plan = plan
        self.updatedAt = updatedAt
        self.resetsAt = resetsAt
    }
}

/// What one subject used of a meter in one month of its calendar, day by day.
public struct MonthlyUsage: Hashable, Sendable {
    public let subject: SubjectID
    public let usage: UsageMonth
    /// At the time of the month's last use; the current one of a month without usage.
    public let plan: PlanKey?
    /// The start of the month.
    public let createdAt: Instant
    /// When something was last recorded of the month, corrections included; `nil`: nothing was.
    public let updatedAt: Instant?

    package init(
        subject: SubjectID, usage: UsageMonth, plan: PlanKey?, createdAt: Instant,
        updatedAt: Instant?
    ) {
        self.subject = subject
        self.usage = usage
        self.plan = plan
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// Which documents a list is of, and in which order.
///
/// `within` selects periods, and `plan` documents that are of that plan.
public enum DocumentQuery<Period: Hashable & Comparable & Sendable>: Hashable, Sendable {
    /// A subject's, the newest period first.
    case newest(SubjectID, within: ClosedRange<Period>? = nil, plan: PlanKey? = nil)
    /// A subject's, that which was updated last first.
    case lastUpdated(SubjectID, within: ClosedRange<Period>? = nil, plan: PlanKey? = nil)
    /// Those of everybody, the newest period first, and those of a period by usage, the highest first.
    case everybody(within: ClosedRange<Period>? = nil, plan: PlanKey? = nil)

    /// Those of one period of everybody, the highest usage first.
    public static func highest(_ period: Period, plan: PlanKey?) -> DocumentQuery {
        .everybody(within: period...period, plan: plan)
    }
}

/// Some documents, and where the next page starts.
public struct DocumentPage<Document: Sendable>: Sendable {
    public let documents: [Document]
    /// `nil`: there are no more.
    public let next: DocumentPosition?

    package init(documents: [Document], next: DocumentPosition?) {
        self.documents = documents
        self.next = next
    }
}

/// A position in a list of documents.
public struct DocumentPosition: Hashable, Comparable, Sendable {
    /// Milliseconds of the last update where the list is ordered by it; of lists of everybody the
    /// number of the period; otherwise 0.
    public let updatedAt: Int64
    /// The number of the period since the beginning of calendars, or of the row in a ranking.
    public let place: Int64
    /// Of lists of everybody: what had been recorded when the first page was asked for.
    public let cut: ReportCut?

    /// A ranking has no more rows than this.
    public static let placeMax: Int64 = 1 << 48

    public init(updatedAt: Int64 = 0, place: Int64, cut: ReportCut? = nil) {
        self.updatedAt = updatedAt
        self.place = place
        self.cut = cut
    }

    public static func < (lhs: DocumentPosition, rhs: DocumentPosition) -> Bool {
        (lhs.updatedAt, lhs.place) < (rhs.updatedAt, rhs.place)
    }
}
