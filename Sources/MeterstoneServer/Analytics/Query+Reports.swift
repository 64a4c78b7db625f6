import MeterstoneAPI
import MeterstoneCore

extension Query {
    /// What stands before the name of a dimension.
    static let dimensionPrefix = "dimension."

    /// The question, as all reports are asked.
    func reportQuestion(
        _ name: ReportName, countDefault: Int
    ) throws(Rejection) -> ReportQuestion {
        let (from, until) = try span()
        let days = try number("days", in: ReportBounds.days)
        guard from == nil || days == nil else { throw .invalid("days", "from or days, not both") }
        var question = ReportQuestion(
            from: from, until: until, days: days ?? ReportQuestion.daysDefault,
            timeZone: text("timeZone"), filter: try reportFilter(),
            count: try number("count", in: ReportBounds.count) ?? countDefault)
        if let cursor = try cursor(.reports) { try question.resume(at: cursor, of: name) }
        return question
    }

    private func reportFilter() throws(Rejection) -> ReportFilter {
        let dimensions = texts(under: Self.dimensionPrefix)
        for name in dimensions.keys.sorted() where !SubjectID.isValid(name) {
            throw .invalid(Self.dimensionPrefix, "the name of a dimension behind the point")
        }
        return ReportFilter(
            type: try name("type"), subtype: try name("subtype"),
            status: try optional("status", "success, failed or cancelled") {
                EventStatus(rawValue: $0)
            }, source: try name("source"), plan: try identifier("plan"), dimensions: dimensions)
    }

    /// The parameter `format`, or else what the header field `Accept` likes best.
    func reportFormat(accept: String?) throws(Rejection) -> ReportFormat {
        try optional("format", ReportFormat.expectation) { ReportFormat(rawValue: $0) }
            ?? accept.map { ReportFormat(accept: $0) } ?? .json
    }

    /// The same for what is answered as a file for Excel, too.
    func analyticsFormat(accept: String?) throws(Rejection) -> AnalyticsFormat {
        try optional("format", AnalyticsFormat.expectation) { AnalyticsFormat($0) }
            ?? accept.map { AnalyticsFormat(accept: $0) } ?? .text(.json)
    }
}

// MARK: - Parameters of single reports

extension Query {
    func identifier<Identifier: TextIdentifier>(_ name: String) throws(Rejection) -> Identifier? {
        try optional(name, Identifier.expectation) { Identifier($0) }
    }

    func meter() throws(Rejection) -> MeterKey {
        try required("meter", MeterKey.expectation) { MeterKey($0) }
    }

    /// `a,b`; all meters when there is nothing.
    func meters() throws(Rejection) -> [MeterKey] {
        try optional("meters", "keys of meters with commas between them") { text in
            let keys = text.split(separator: ",", omittingEmptySubsequences: false)
                .map { MeterKey(String($0)) }
            return keys.contains(nil) ? nil : keys.compactMap { $0 }
        } ?? []
    }

    func types() throws(Rejection) -> [String] {
        let expectation = "\(ReportBounds.stepsExpectation) with commas between them"
        return try required("types", expectation) { text in
            let types = text.split(separator: ",", omittingEmptySubsequences: false)
                .map(String.init)
            return ReportBounds.steps.contains(types.count)
                && types.allSatisfy(SubjectID.isValid) ? types : nil
        }
    }

    /// The steps of a funnel of meters; `nil`: it is one of types.
    func stepMeters() throws(Rejection) -> [MeterKey]? {
        guard text("meters") != nil else { return nil }
        guard text("types") == nil else { throw .invalid("meters", "types or meters, not both") }
        let keys = try meters()
        guard ReportBounds.steps.contains(keys.count) else {
            throw .invalid("meters", "\(ReportBounds.stepsExpectation) with commas between them")
        }
        return keys
    }

    /// Who is counted at a step.
    func funnelOrder() throws(Rejection) -> FunnelOrder {
        let isOrdered = try flag("ordered")
        guard try flag("independent") ?? false else { return isOrdered ?? true ? .given : .any }
        guard isOrdered == nil else {
            throw .invalid("independent", "ordered or independent, not both")
        }
        return .independent
    }

    /// The length of the windows of cohorts.
    func cohortWindow() throws(Rejection) -> Window {
        try optional("window", ReportBounds.cohortExpectation) { text in
            Window(trend: text).flatMap { [.minute, .hour].contains($0) ? nil : $0 }
        } ?? .month
    }

    func flag(_ name: String) throws(Rejection) -> Bool? {
        try optional(name, "true or false") { Bool($0) }
    }
}
