public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Days before a day that tell what is usual.
    static let usualDays: Int64 = 28
    /// Days with usage among them without which nothing is usual.
    static let usualDaysMin: Int64 = 3

    /// Whose usage of a day stands out from the 28 days before, the furthest first.
    ///
    /// It does when it is more than twice the average of those days and more than three standard
    /// deviations above it, those without usage included, and more than any of them. Who used something
    /// on fewer than three of them has nothing that is usual.
    ///
    /// - Parameter date: in the question's zone; `nil`: yesterday. The question's span does not apply.
    public func unusualUsage(
        of key: MeterKey, on date: CivilDate?, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<UnusualUsage> {
        try await report(question, rejecting: { $0.reject(meters: [key]) }) {
            (context) throws(StoreError) in
            guard let meter = context.blueprint.meter(key) else { return ([], nil) }
            let today = context.zone.dayNumber(containing: context.now)
            let day = date?.daysSince1970 ?? today - 1
            return context.page(of: try context.unusual(meter, on: day))
        }
    }
}

/// What a subject used on the days before.
private struct Past {
    var sum: Int64 = 0
    /// `nil`: more than fits.
    var squares: Int128? = 0
    var days: Int64 = 0
    var most: Int64 = 0

    mutating func add(_ quantity: Int64) {
        sum = sum.addingSaturated(quantity)
        let (squares, overflow) = (squares ?? .max)
            .addingReportingOverflow(Int128(quantity) * Int128(quantity))
        self.squares = overflow ? nil : squares
        days += 1
        most = max(most, quantity)
    }

    /// Whether a day's quantity stands out; everything times the number of days, or its square, so that
    /// nothing is rounded.
    func isExceeded(by quantity: Int64, days count: Int64) -> Bool {
        guard days >= MeterstoneEngine.usualDaysMin, quantity > most else { return false }
        let (total, above) = (Int128(sum), Int128(quantity) * Int128(count) - Int128(sum))
        guard above > total else { return false }
        // Quantities so large that squares do not fit stand out by the comparison before.
        guard let squares else { return true }
        let (square, overflow) = above.multipliedReportingOverflow(by: above)
        let (product, isTooLarge) = squares.multipliedReportingOverflow(by: Int128(count))
        return overflow || isTooLarge || square / 9 > product - total * total
    }
}

extension ReportContext {
    private func span(ofDay day: Int64) -> WindowSpan {
        WindowSpan(
            from: zone.start(of: CivilDate(daysSince1970: day)),
            until: zone.start(of: CivilDate(daysSince1970: day + 1)))
    }

    private func add(
        _ meter: Meter, in span: WindowSpan, to chosen: inout ChosenSums
    ) throws(StoreError) {
        guard meter.aggregation.isAdditive else {
            let sums = try sums(of: meter, in: span)
            sums.forEach { chosen.add($1, events: $2, to: $0) }
            return
        }
        try forEachRun(of: meter, in: span) { (run, movement) in
            chosen.add(run.subjects, RunUnits(run, movement), run.weights)
        }
    }

    fileprivate func unusual(_ meter: Meter, on day: Int64) throws(StoreError) -> [UnusualUsage] {
        let today = try sums(of: meter, in: span(ofDay: day))
        var subjects: [Int64] = []
        today.forEach { subject, quantity, _ in
            if quantity > 0 { subjects.append(subject) }
        }
        guard !subjects.isEmpty else { return [] }
        let count = MeterstoneEngine.usualDays
        var pasts = Array(repeating: Past(), count: subjects.count)
        var days = ChosenSums(subjects, memory)
        for past in (day - count)..<day {
            try add(meter, in: span(ofDay: past), to: &days)
            days.takeEach { pasts[$0].add($1) }
        }
        let found = subjects.indices.filter {
            pasts[$0].isExceeded(by: today[subjects[$0]].quantity, days: count)
        }
        let ids = try ids(of: found.map { subjects[$0] })
        return found.map { place in
            let (subject, past) = (subjects[place], pasts[place])
            let quantity = today[subject].quantity
            let usual = Ratio(past.sum, of: count)
            return UnusualUsage(
                subject: ids[subject], date: CivilDate(daysSince1970: day), quantity: quantity,
                usualQuantity: usual,
                reason:
                    "\(quantity) against \(usual?.decimal ?? "0") on average and \(past.most) at "
                    + "most on the \(count) days before")
        }.sorted {
            let (one, other) = ($0.usualQuantity ?? .zero, $1.usualQuantity ?? .zero)
            let excess = (
                one.numerator == 0 ? .max : $0.quantity / max(1, one.numerator),
                other.numerator == 0 ? .max : $1.quantity / max(1, other.numerator)
            )
            return (excess.1, $1.quantity, $0.subject) < (excess.0, $0.quantity, $1.subject)
        }
    }
}
