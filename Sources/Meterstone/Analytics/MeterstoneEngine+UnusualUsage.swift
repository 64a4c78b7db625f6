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
        let now = clock()
        return try await report(question, rejecting: { $0.reject(meters: [key]) }) {
            (context) throws(StoreError) in
            guard let meter = context.blueprint.meter(key) else { return ([], nil) }
            let today = context.zone.dayNumber(containing: now)
            let day = date?.daysSince1970 ?? today - 1
            return context.page(of: try context.unusual(meter, on: day))
        }
    }
}

/// What a subject used on the days before.
private struct Past {
    var sum: Int64 = 0
    var squares: Int128 = 0
    var days: Int64 = 0
    var most: Int64 = 0

    mutating func add(_ quantity: Int64) {
        sum &+= quantity
        squares += Int128(quantity) * Int128(quantity)
        days += 1
        most = max(most, quantity)
    }

    /// Whether a day's quantity stands out; everything times the number of days, or its square, so that
    /// nothing is rounded.
    func isExceeded(by quantity: Int64, days count: Int64) -> Bool {
        guard days >= MeterstoneEngine.usualDaysMin, quantity > most else { return false }
        let (total, above) = (Int128(sum), Int128(quantity) * Int128(count) - Int128(sum))
        guard above > total else { return false }
        let variance = Int128(count) * squares - total * total
        // Quantities so large that squares do not fit stand out by the comparison before.
        let (square, overflow) = above.multipliedReportingOverflow(by: above)
        return overflow || square / 9 > variance
    }
}

extension ReportContext {
    private func span(ofDay day: Int64) -> WindowSpan {
        WindowSpan(
            from: zone.start(of: CivilDate(daysSince1970: day)),
            until: zone.start(of: CivilDate(daysSince1970: day + 1)))
    }

    fileprivate func unusual(_ meter: Meter, on day: Int64) throws(StoreError) -> [UnusualUsage] {
        let today = try sums(of: meter, in: span(ofDay: day))
        var pasts: [Int64: Past] = [:]
        today.forEach { subject, quantity, _ in
            if quantity > 0 { pasts[subject] = Past() }
        }
        guard !pasts.isEmpty else { return [] }
        let count = MeterstoneEngine.usualDays
        for past in (day - count)..<day {
            let sums = try sums(of: meter, in: span(ofDay: past))
            sums.forEach { subject, quantity, _ in pasts[subject]?.add(quantity) }
        }
        let found = pasts.filter { $0.value.isExceeded(by: today[$0.key].quantity, days: count) }
        let ids = try ids(of: found.keys)
        return found.map { subject, past in
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
