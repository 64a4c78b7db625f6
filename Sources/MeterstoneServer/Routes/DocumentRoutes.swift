import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Usage as documents of days and of months, under the names and with the queries of applications
/// that kept such documents themselves.
struct DocumentRoutes: Sendable {
    let engine: MeterstoneEngine

    static let dailyPath = "/v1/documents/daily_token_usage"
    static let monthlyPath = "/v1/documents/token_usage_history"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.dailyPath + "/:document") { request, context in
            let name: DailyDocumentName = try context.document(DailyDocumentName.expectation) {
                DailyDocumentName($0)
            }
            let meter = try Query(request).namedMeter()
            try await requireOwn(name.subject)
            let outcome = try await engine.dailyUsage(of: name.subject, on: name.date, meter: meter)
            let document = try outcome.value(of: name.subject)
            return Response(document, Shapes.day)
        }
        routes.on(.get, Self.monthlyPath + "/:document") { request, context in
            let name: MonthlyDocumentName = try context.document(MonthlyDocumentName.expectation) {
                MonthlyDocumentName($0)
            }
            let meter = try Query(request).namedMeter()
            try await requireOwn(name.subject)
            let outcome = try await engine.monthlyUsage(
                of: name.subject, in: name.month, meter: meter)
            let document = try outcome.value(of: name.subject)
            return Response(document, Shapes.month)
        }
        routes.on(.get, Self.dailyPath) { request, _ in
            let query = try Query(request)
            try await requireOwn(in: query)
            let list = try DocumentList.daily(query)
            let outcome = try await engine.dailyUsage(
                list.query, meter: try query.namedMeter(),
                after: try query.position(in: list.name),
                count: try query.documentCount())
            let page = try outcome.value(of: nil)
            return answer(page, list.name, Shapes.days)
        }
        routes.on(.get, Self.monthlyPath) { request, _ in
            let query = try Query(request)
            try await requireOwn(in: query)
            let list = try DocumentList.monthly(query)
            let outcome = try await engine.monthlyUsage(
                list.query, meter: try query.namedMeter(),
                after: try query.position(in: list.name),
                count: try query.documentCount())
            let page = try outcome.value(of: nil)
            return answer(page, list.name, Shapes.months)
        }
    }

    /// Another's document is not there.
    private func requireOwn(_ subject: SubjectID) async throws {
        guard try await engine.isOwn(subject) else {
            throw Problem.missing(.unknownSubject, "subject \(subject)")
        }
    }

    /// A list of everybody is for callers who may see everybody.
    private func requireOwn(in query: Query) async throws {
        guard Caller.current.subject != nil else { return }
        guard let user = query.text("userId") else { throw Problem.boundCaller }
        guard let subject = SubjectID(user) else {
            throw Rejection.invalid("userId", SubjectID.expectation)
        }
        try await engine.requireOwn(subject, field: "userId")
    }

    private func answer<Document>(
        _ page: DocumentPage<Document>, _ list: String, _ shape: Shape<Page<Document>>
    ) -> Response {
        Response(Page(page.documents, next: page.next.map { Cursor($0, of: list) }), shape)
    }
}

/// One of the combinations of filters and orders that lists of documents can be asked for.
struct DocumentList<Period: Hashable & Comparable & Sendable> {
    let query: DocumentQuery<Period>
    /// Stands in the list's cursors.
    let name: String

    private init(_ query: DocumentQuery<Period>, _ name: String) {
        self.query = query
        self.name = name
    }

    /// - Parameters:
    ///   - orders: what `orderBy` may be: the newest first, the last updated first, the highest first.
    ///   - periods: those that the list is of; `nil`: all.
    fileprivate init(
        _ query: Query, orders: (newest: String, lastUpdated: String, highest: String),
        _ prefix: String, periods: ClosedRange<Period>?
    ) throws(Rejection) {
        let order = query.text("orderBy")
        let plan = try query.identifier("userType", as: PlanKey.self)
        guard let subject = query.text("userId") else {
            let isOne = periods.map { $0.lowerBound == $0.upperBound } ?? false
            // Of one period the highest come first; of several the newest, and in each the highest.
            guard order == nil || order == (isOne ? orders.highest : orders.newest) else {
                throw .invalid(
                    "orderBy", "\(orders.newest), or \(orders.highest) of one \(orders.newest)")
            }
            self.init(.everybody(within: periods, plan: plan), prefix + (plan == nil ? "h" : "p"))
            return
        }
        guard let id = SubjectID(subject) else { throw .invalid("userId", SubjectID.expectation) }
        switch order {
        case nil, orders.newest: self.init(.newest(id, within: periods, plan: plan), prefix + "n")
        case orders.lastUpdated:
            self.init(.lastUpdated(id, within: periods, plan: plan), prefix + "u")
        default:
            throw .invalid("orderBy", "\(orders.newest) or \(orders.lastUpdated) beside userId")
        }
    }
}

extension DocumentList<CivilDate> {
    static func daily(_ query: Query) throws(Rejection) -> DocumentList<CivilDate> {
        func date(_ name: String) throws(Rejection) -> CivilDate? {
            try query.optional(name, CivilDate.documentExpectation) { CivilDate(document: $0) }
        }
        var periods: ClosedRange<CivilDate>?
        if let date = try date("date") {
            try query.refuseSpan(beside: "date")
            periods = date...date
        } else {
            let (from, until) = (try date("from"), try date("until"))
            periods = try query.span(
                from, until, earliest: .documentFirst, last: .documentLast
            ) { CivilDate(daysSince1970: $0.daysSince1970 - 1) }
        }
        return try DocumentList(
            query, orders: ("date", "lastUpdated", "tokensUsed"), "d", periods: periods)
    }
}

extension DocumentList<CivilMonth> {
    static func monthly(_ query: Query) throws(Rejection) -> DocumentList<CivilMonth> {
        var periods: ClosedRange<CivilMonth>?
        if query.text("year") != nil || query.text("month") != nil {
            try query.refuseSpan(beside: "year")
            let year = try query.required("year", "a year from 1970 to 9998") {
                CivilMonth(documentYear: $0, month: "1")?.year
            }
            let month = try query.optional("month", "a month from 1 to 12") {
                CivilMonth(documentYear: String(year), month: $0)
            }
            let whole = CivilMonth(year: year, month: 1).flatMap { first in
                CivilMonth(year: year, month: 12).map { first...$0 }
            }
            periods = month.map { $0...$0 } ?? whole
        } else {
            func month(_ name: String) throws(Rejection) -> CivilMonth? {
                try query.optional(name, "a month such as 2024-01") { text in
                    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
                    guard parts.count == 2 else { return nil }
                    return CivilMonth(documentYear: parts[0], month: parts[1], digits: 2)
                }
            }
            let (from, until) = (try month("from"), try month("until"))
            periods = try query.span(
                from, until, earliest: CivilMonth(containing: .documentFirst),
                last: CivilMonth(containing: .documentLast)
            ) { CivilMonth(containing: CivilDate(daysSince1970: $0.first.daysSince1970 - 1)) }
        }
        return try DocumentList(
            query, orders: ("month", "updatedAt", "totalMonthlyTokens"), "m", periods: periods)
    }
}

extension CivilDate {
    fileprivate static let documentFirst = CivilDate(daysSince1970: 0)
    /// 9998-12-31.
    fileprivate static let documentLast = CivilDate(daysSince1970: 2_932_531)
}

extension Query {
    /// Periods from one up to, and not including, another; `nil`: none is named.
    fileprivate func span<Period: Comparable>(
        _ from: Period?, _ until: Period?, earliest: Period, last: Period,
        before: (Period) -> Period
    ) throws(Rejection) -> ClosedRange<Period>? {
        guard from != nil || until != nil else { return nil }
        let first = from ?? earliest
        let end = until.map(before) ?? last
        guard first <= end else { throw .invalid("until", "later than from") }
        return first...end
    }

    fileprivate func refuseSpan(beside name: String) throws(Rejection) {
        for other in ["from", "until"] where text(other) != nil {
            throw .invalid(other, "no \(other) beside \(name)")
        }
    }
}

extension Query {
    fileprivate func namedMeter() throws(Rejection) -> MeterKey? {
        try identifier("meter", as: MeterKey.self)
    }

    fileprivate func identifier<Identifier: TextIdentifier>(
        _ name: String, as type: Identifier.Type
    ) throws(Rejection) -> Identifier? {
        guard let text = text(name) else { return nil }
        guard let identifier = Identifier(text) else {
            throw .invalid(name, Identifier.expectation)
        }
        return identifier
    }

    /// How many documents to answer with; `limit` is another word for `count`.
    fileprivate func documentCount() throws(Rejection) -> Int {
        guard let text = text("limit") else { return try count() }
        guard self.text("count") == nil else { throw .invalid("limit", "either limit or count") }
        let max = RequestLimits.pageItemsMax
        guard let count = Int(text), (1...max) ~= count, String(count) == text else {
            throw .invalid("limit", "a whole number from 1 to \(max)")
        }
        return count
    }

    fileprivate func position(in list: String) throws(Rejection) -> DocumentPosition? {
        try cursor(.documents).map { (cursor) throws(Rejection) in
            try cursor.documentPosition(of: list)
        }
    }
}

extension ServerContext {
    fileprivate func document<Name>(
        _ expectation: String, _ parse: (String) -> Name?
    ) throws(Rejection) -> Name {
        guard let name = parameters["document"].flatMap({ percentDecoded($0) }).flatMap(parse)
        else { throw .invalid("document", expectation) }
        return name
    }
}

extension DocumentOutcome {
    fileprivate func value(of subject: SubjectID?) throws -> Value {
        switch self {
        case .found(let value): return value
        case .unknownSubject:
            throw Problem.missing(.unknownSubject, "subject \(subject?.text ?? "")")
        case .rejected(let rejection): throw rejection
        }
    }
}
