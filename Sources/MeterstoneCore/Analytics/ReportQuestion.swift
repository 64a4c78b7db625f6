/// What every report can be asked: over which span, in whose calendar, about what, which page.
public struct ReportQuestion: Hashable, Sendable {
    /// `nil`: ``days`` before ``until``, from the start of a day.
    public var from: Instant?
    /// `nil`: the end of the day that now is.
    public var until: Instant?
    /// How many days to look at where ``from`` is `nil`.
    public var days: Int
    /// Name in the IANA database; `nil`: the default zone of the store.
    public var timeZone: String?
    public var filter: ReportFilter
    /// Rows to leave out at the start: ``Report/next`` of the page before.
    public var offset: Int
    /// Rows of one page at most.
    public var count: Int
    /// ``Report/cut`` of the page before; `nil`: what is recorded now.
    public var cut: ReportCut?
    /// Where a list by subject goes on: the last subject of the page before.
    package var after: SubjectID?

    public init(
        from: Instant? = nil, until: Instant? = nil, days: Int = ReportQuestion.daysDefault,
        timeZone: String? = nil, filter: ReportFilter = ReportFilter(), offset: Int = 0,
        count: Int = 100
    ) {
        self.from = from
        self.until = until
        self.days = days
        self.timeZone = timeZone
        self.filter = filter
        self.offset = offset
        self.count = count
    }

    /// The question whose answer is the page after a report; `nil`: there is none.
    public func following<Row>(_ report: Report<Row>) -> ReportQuestion? {
        report.next.map { following($0, report.span, report.cut, report.lastSubject) }
    }

    /// Rows that one page may have.
    public static let countMax = 10_000
    public static let daysDefault = 30
    /// Days that ``days`` may be: ten years.
    public static let daysMax = 3_660
}

/// Which events a report looks at; what is empty or `nil` excludes nothing.
public struct ReportFilter: Hashable, Sendable {
    public var type: String?
    public var subtype: String?
    public var status: EventStatus?
    public var source: String?
    /// The plan at the time of use.
    public var plan: PlanKey?
    /// Dimension → the value that an event must have.
    public var dimensions: [String: String]

    public init(
        type: String? = nil, subtype: String? = nil, status: EventStatus? = nil,
        source: String? = nil, plan: PlanKey? = nil, dimensions: [String: String] = [:]
    ) {
        self.type = type
        self.subtype = subtype
        self.status = status
        self.source = source
        self.plan = plan
        self.dimensions = dimensions
    }
}

/// What usage is split by.
public enum ReportFacet: Hashable, Sendable {
    case type, subtype, status, source
    /// The plan at the time of use.
    case plan
    case dimension(String)

    public static let expectation =
        "type, subtype, status, source, plan, model, category or dimension:NAME"

    /// The text that ``init(_:)`` reads.
    package var text: String {
        switch self {
        case .type: "type"
        case .subtype: "subtype"
        case .status: "status"
        case .source: "source"
        case .plan: "plan"
        case .dimension(let name): "dimension:\(name)"
        }
    }

    /// `nil` when the text is not of the form that ``expectation`` states. `model` and `category`
    /// are the dimensions of these names.
    public init?(_ text: String) {
        let prefix = "dimension:"
        switch text {
        case "type": self = .type
        case "subtype": self = .subtype
        case "status": self = .status
        case "source": self = .source
        case "plan": self = .plan
        case "model", "category": self = .dimension(text)
        case _ where text.hasPrefix(prefix):
            let name = String(text.dropFirst(prefix.count))
            guard SubjectID.isValid(name) else { return nil }
            self = .dimension(name)
        default: return nil
        }
    }
}
