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
    /// Lists of everybody hold each day of each subject's own calendar, the newest date first and in
    /// a date the highest usage. All pages show what had been recorded by the first one.
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
        let today = { Document(unseen: id, view, period, meter, now: self.clock()) }
        return (document ?? today()).map { .found($0) } ?? .unknownSubject
    }

    private func documents<Document: UsageDocument>(
        _ query: DocumentQuery<Document.Period>, _ key: MeterKey?,
        after position: DocumentPosition?,
        count: Int
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<Document>> {
        let count = min(max(1, count), Self.eventsPerPageMax)
        switch query {
        case .newest(let id, let periods, let plan):
            return try await documents(
                of: id, within: periods, under: plan, key, after: position, count
            ) { _ in 0 }
        case .lastUpdated(let id, let periods, let plan):
            return try await documents(
                of: id, within: periods, under: plan, key, after: position, count
            ) { $0.millisecondsSince1970 }
        case .everybody(let periods, let plan):
            return try await documents(
                within: periods, under: plan, key, after: position, count)
        }
    }

    /// A subject's documents, the last first.
    ///
    /// - Parameter order: what comes before the period's own number, of its last update.
    private func documents<Document: UsageDocument>(
        of id: SubjectID, within periods: ClosedRange<Document.Period>?, under plan: PlanKey?,
        _ key: MeterKey?, after position: DocumentPosition?, _ count: Int,
        order: @escaping @Sendable (Instant) -> Int64
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<Document>> {
        let view = try await view(of: id)
        let meter: Meter
        switch view.catalog.blueprint.documentMeter(key) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let known): meter = known
        }
        let page = try await answer(view) { (context) throws(StoreError) in
            // Two months that were cut by different rules of a zone may both have a day.
            var latest: [Document.Period: Instant] = [:]
            for (period, updatedAt) in Document.periods(in: try context.reader.activities())
            where periods?.contains(period) ?? true {
                latest[period] = max(latest[period] ?? updatedAt, updatedAt)
            }
            let places = latest.map {
                DocumentPosition(updatedAt: order($0.value), place: $0.key.number)
            }.filter { place in position.map { place < $0 } ?? true }.sorted(by: >)
            var documents: [Document] = []
            var last: DocumentPosition?
            for place in places {
                let document = try Document(context, Document.Period(number: place.place), meter)
                guard document.used > .zero, plan == nil || document.plan == plan else { continue }
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

    /// Everybody's documents, by rankings of what the columns add up to.
    private func documents<Document: UsageDocument>(
        within periods: ClosedRange<Document.Period>?, under plan: PlanKey?, _ key: MeterKey?,
        after position: DocumentPosition?, _ count: Int
    ) async throws(StoreError) -> DocumentOutcome<DocumentPage<Document>> {
        let view = try await view(of: nil)
        let meter: Meter
        switch view.catalog.blueprint.documentMeter(key) {
        case .failure(let rejection): return .rejected(rejection)
        case .success(let known): meter = known
        }
        if position != nil, position?.cut == nil { return .rejected(.cursorExpired) }
        var start =
            position.map {
                RankedPosition(
                    period: $0.updatedAt,
                    offset: Int(clamping: min(max(0, $0.place), DocumentPosition.placeMax)))
            } ?? RankedPosition()
        var cut = position?.cut
        var documents: [Document] = []
        while true {
            let report: Report<RankedUsage>
            switch try await ranked(
                meter, within: periods, under: plan, from: start, cut: cut, count: count)
            {
            case .rejected(let rejection): return .rejected(rejection)
            case .report(let known): report = known
            }
            cut = cut ?? report.cut
            for (index, row) in report.rows.enumerated() {
                guard
                    case .found(let known) = try await self.document(
                        of: row.subject, at: Document.Period(number: row.period), meter.key)
                        as DocumentOutcome<Document>, plan == nil || known.plan == plan
                else { continue }
                let document = row.days.map { known.asOf(row, $0, meter) } ?? known
                guard document.used > .zero else { continue }
                documents.append(document)
                guard documents.count == count else { continue }
                let isLast = index == report.rows.count - 1 && report.next == nil
                return .found(
                    DocumentPage(
                        documents: documents,
                        next: isLast
                            ? nil
                            : DocumentPosition(
                                updatedAt: row.period, place: Int64(row.place) + 1, cut: cut)))
            }
            guard report.next != nil, let last = report.rows.last else {
                return .found(DocumentPage(documents: documents, next: nil))
            }
            start = RankedPosition(period: last.period, offset: last.place + 1)
        }
    }
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
