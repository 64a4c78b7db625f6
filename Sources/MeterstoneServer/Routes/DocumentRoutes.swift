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
    private static let listQuery: Set<String> = [
        "userId", "userType", "orderBy", "meter", "limit", "count", "cursor",
    ]

    func add(to routes: inout Routes) {
        routes.on(.get, Self.dailyPath + "/:document", query: ["meter"]) { request, context in
            let name: DailyDocumentName = try context.document(DailyDocumentName.expectation) {
                DailyDocumentName($0)
            }
            let meter = try Query(request).namedMeter()
            let outcome = try await engine.dailyUsage(of: name.subject, on: name.date, meter: meter)
            let document = try outcome.value(of: name.subject)
            return Response { $0.document(document) }
        }
        routes.on(.get, Self.monthlyPath + "/:document", query: ["meter"]) { request, context in
            let name: MonthlyDocumentName = try context.document(MonthlyDocumentName.expectation) {
                MonthlyDocumentName($0)
            }
            let meter = try Query(request).namedMeter()
            let outcome = try await engine.monthlyUsage(
                of: name.subject, in: name.month, meter: meter)
            let document = try outcome.value(of: name.subject)
            return Response { $0.document(document) }
        }
        routes.on(.get, Self.dailyPath, query: Self.listQuery.union(["date"])) { request, _ in
            let query = try Query(request)
            let list = try DocumentList.daily(query)
            let outcome = try await engine.dailyUsage(
                list.query, meter: try query.namedMeter(),
                after: try query.position(in: list.name),
                count: try query.documentCount())
            let page = try outcome.value(of: nil)
            return answer(page, list.name) { $0.document($1) }
        }
        routes.on(
            .get, Self.monthlyPath, query: Self.listQuery.union(["year", "month"])
        ) { request, _ in
            let query = try Query(request)
            let list = try DocumentList.monthly(query)
            let outcome = try await engine.monthlyUsage(
                list.query, meter: try query.namedMeter(),
                after: try query.position(in: list.name),
                count: try query.documentCount())
            let page = try outcome.value(of: nil)
            return answer(page, list.name) { $0.document($1) }
        }
    }

    private func answer<Document>(
        _ page: DocumentPage<Document>, _ list: String,
        _ write: (inout JSONWriter, Document) -> Void
    ) -> Response {
        Response { writer in
            writer.beginObject()
            writer.name("documents")
            writer.beginArray()
            for document in page.documents { write(&writer, document) }
            writer.endArray()
            writer.nextCursor(page.next.map { Cursor($0, of: list) })
            writer.endObject()
        }
    }
}

/// One of the combinations of filters and orders that lists of documents can be asked for.
struct DocumentList<Period: Hashable & Sendable> {
    let query: DocumentQuery<Period>
    /// Stands in the list's cursors.
    let name: String

    private init(_ query: DocumentQuery<Period>, _ name: String) {
        self.query = query
        self.name = name
    }

    /// - Parameters:
    ///   - orders: what `orderBy` may be: the newest first, the last updated first, the highest first.
    ///   - others: names of a period, which a list of one subject does not take.
    fileprivate init(
        _ query: Query, orders: (newest: String, lastUpdated: String, highest: String),
        others: [String], _ prefix: String, period: () throws(Rejection) -> Period
    ) throws(Rejection) {
        let order = query.text("orderBy")
        guard let subject = query.text("userId") else {
            let period = try period()
            guard order == nil || order == orders.highest else {
                throw .invalid("orderBy", "\(orders.highest), unless there is a userId")
            }
            let plan = try query.identifier("userType", as: PlanKey.self)
            // Whose page it is does not depend on the plan's name.
            self.init(.highest(period, plan: plan), prefix + (plan == nil ? "h" : "p"))
            return
        }
        for name in others + ["userType"] where query.text(name) != nil {
            throw .invalid(name, "no \(name) beside userId")
        }
        guard let id = SubjectID(subject) else { throw .invalid("userId", SubjectID.expectation) }
        switch order {
        case nil, orders.newest: self.init(.newest(id), prefix + "n")
        case orders.lastUpdated: self.init(.lastUpdated(id), prefix + "u")
        default: throw .invalid("orderBy", "\(orders.newest) or \(orders.lastUpdated)")
        }
    }
}

extension DocumentList<CivilDate> {
    static func daily(_ query: Query) throws(Rejection) -> DocumentList<CivilDate> {
        try DocumentList(
            query, orders: ("date", "lastUpdated", "tokensUsed"), others: ["date"], "d"
        ) { () throws(Rejection) in
            try query.required("date", CivilDate.documentExpectation + ", or a userId") {
                CivilDate(document: $0)
            }
        }
    }
}

extension DocumentList<CivilMonth> {
    static func monthly(_ query: Query) throws(Rejection) -> DocumentList<CivilMonth> {
        try DocumentList(
            query, orders: ("month", "updatedAt", "totalMonthlyTokens"),
            others: ["year", "month"], "m"
        ) { () throws(Rejection) in
            let expectation = "a year from 1970 to 9998, or a userId"
            let year = try query.required("year", expectation) {
                CivilMonth(documentYear: $0, month: "1")?.year
            }
            return try query.required("month", "a month from 1 to 12") {
                CivilMonth(documentYear: String(year), month: $0)
            }
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

extension BasicRequestContext {
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
