public import MeterstoneCore
public import MeterstoneStore

/// A document, or a page of them, or why there is none.
public enum DocumentOutcome<Value: Sendable>: Sendable {
    case found(Value)
    /// Nothing was ever written of the subject.
    case unknownSubject
    case rejected(Rejection)
}

extension MeterstoneEngine {
    /// What documents are about that name no meter, if there is such a meter.
    public static let documentMeter = MeterKey(unchecked: "tokens")

    /// What a subject used of a meter on a day of its calendar; 0 on a day without usage.
    ///
    /// - Parameter key: `nil`: the meter `tokens`, or else the only one there is.
    public func dailyUsage(
        of id: SubjectID, on date: CivilDate, meter key: MeterKey? = nil
    ) async throws(StoreError) -> DocumentOutcome<DailyUsage> {
        try await document(of: id, at: date, key)
    }

    /// What a subject used of a meter in a month of its calendar, day by day.
    public func monthlyUsage(
        of id: SubjectID, in month: CivilMonth, meter key: MeterKey? = nil
    ) async throws(StoreError) -> DocumentOutcome<MonthlyUsage> {
        try await document(of: id, at: month, key)
    }

    /// Documents of days on which something of the meter was used.
    ///
    /// Lists of everybody rank what was used in the store's default zone, and under the plan at the
    /// time of use where one is asked for; each document is then that of the subject's own calendar.
    public func dailyUsage(
        _ query: DocumentQuery<CivilDate>, meter key: MeterKey? = nil,
        after position: DocumentPosition? = nil, count: Int = 100
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<DailyUsage>> {
        try await documents(query, key, after: position, count: count)
    }

    /// Documents of months in which something of the meter was used; see ``dailyUsage(_:meter:after:count:)``.
    public func monthlyUsage(
        _ query: DocumentQuery<CivilMonth>, meter key: MeterKey? = nil,
        after position: DocumentPosition? = nil, count: Int = 100
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<MonthlyUsage>> {
        try await documents(query, key, after: position, count: count)
    }
}

extension MeterstoneEngine {
    private func document<Document: UsageDocument>(
        of id: SubjectID, at period: Document.Period, _ key: MeterKey?
    ) async throws(StoreError) -> DocumentOutcome<Document> {
        let view = try await view(of: id)
        let meter: Meter
        switch view.catalog.blueprint.documentMeter(key) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let known): meter = known
        }
        let document = try await answer(view) { (context) throws(StoreError) in
            try Document(context, period, meter)
        }
        return document.map { .found($0) } ?? .unknownSubject
    }

    private func documents<Document: UsageDocument>(
        _ query: DocumentQuery<Document.Period>, _ key: MeterKey?,
        after position: DocumentPosition?,
        count: Int
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<Document>> {
        let count = min(max(1, count), Self.eventsPerPageMax)
        switch query {
        case .newest(let id):
            return try await documents(of: id, key, after: position, count) { _ in 0 }
        case .lastUpdated(let id):
            return try await documents(of: id, key, after: position, count) {
                $0.millisecondsSince1970
            }
        case .highest(let period, let plan):
            return try await highest(in: period, plan, key, after: position, count)
        }
    }

    /// A subject's documents, the last first.
    ///
    /// - Parameter order: what comes before the period's own number, of its last update.
    private func documents<Document: UsageDocument>(
        of id: SubjectID, _ key: MeterKey?, after position: DocumentPosition?, _ count: Int,
        order: @escaping @Sendable (Instant) -> Int64
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<Document>> {
        let view = try await view(of: id)
        let meter: Meter
        switch view.catalog.blueprint.documentMeter(key) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let known): meter = known
        }
        let page = try await answer(view) { (context) throws(StoreError) in
            let places = Document.periods(in: try context.reader.activities()).map {
                DocumentPosition(updatedAt: order($0.updatedAt), place: $0.period.number)
            }.filter { place in position.map { place < $0 } ?? true }.sorted(by: >)
            var documents: [Document] = []
            var last: DocumentPosition?
            for place in places {
                let document = try Document(context, Document.Period(number: place.place), meter)
                guard document.used > .zero else { continue }
                guard documents.count < count else {
                    return DocumentPage(documents: documents, next: last)
                }
                documents.append(document)
                last = place
            }
            return DocumentPage(documents: documents, next: nil)
        }
        return .found(page ?? DocumentPage(documents: [], next: nil))
    }

    /// Everybody's documents of one period, by a ranking of what the columns add up to.
    private func highest<Document: UsageDocument>(
        in period: Document.Period, _ plan: PlanKey?, _ key: MeterKey?,
        after position: DocumentPosition?, _ count: Int
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<Document>> {
        let view = try await view(of: nil)
        let meter: Meter
        switch view.catalog.blueprint.documentMeter(key) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let known): meter = known
        }
        let span = period.span(in: view.zone)
        guard span.from < span.until else {
            return .found(DocumentPage(documents: [], next: nil))
        }
        let offset = min(max(0, position?.place ?? 0), DocumentPosition.placeMax)
        var question = ReportQuestion(
            from: span.from, until: span.until, filter: ReportFilter(plan: plan),
            offset: Int(offset), count: count)
        var documents: [Document] = []
        while true {
            let report: Report<RankedSubject>
            switch try await ranking(of: meter, question) {
            case .rejected(let rejection): return .rejected(rejection)
            case .report(let known): report = known
            }
            for (index, row) in report.rows.enumerated() {
                guard
                    case .found(let document) = try await self.document(
                        of: row.subject, at: period, meter.key) as DocumentOutcome<Document>,
                    document.used > .zero, plan == nil || document.plan == plan
                else { continue }
                documents.append(document)
                guard documents.count == count else { continue }
                let isLast = index == report.rows.count - 1 && report.next == nil
                let place = Int64(question.offset + index + 1)
                return .found(
                    DocumentPage(
                        documents: documents,
                        next: isLast ? nil : DocumentPosition(place: place)))
            }
            guard let next = report.next else {
                return .found(DocumentPage(documents: documents, next: nil))
            }
            question.offset = next
        }
    }

    private func ranking(
        of meter: Meter, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<RankedSubject> {
        try await report(question) { (context) throws(StoreError) in
            let page = try Ranking(try context.sums(of: meter)).page(context)
            return (
                page.rows.map { RankedSubject(subject: $0.id, quantity: $0.quantity) }, page.next
            )
        }
    }
}

/// A subject by what it used.
private struct RankedSubject: ReportRow {
    let subject: SubjectID
    let quantity: Int64

    static let columns = ["subject", "quantity"]
    var values: [ReportValue] { [.text(subject.text), .integer(quantity)] }
}

extension Blueprint {
    /// The meter that documents are about.
    fileprivate func documentMeter(_ key: MeterKey?) -> Result<Meter, Rejection> {
        if let key {
            return meter(key).map { .success($0) } ?? .failure(.unknown(meter: key))
        }
        let meter =
            meter(MeterstoneEngine.documentMeter) ?? (meters.count == 1 ? meters.first : nil)
        return meter.map { .success($0) }
            ?? .failure(
                Rejection(
                    code: .missingField, field: "meter",
                    message: "expected the key of a meter, since none is called "
                        + "'\(MeterstoneEngine.documentMeter)'"))
    }
}
