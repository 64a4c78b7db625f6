import MeterstoneCore
import MeterstoneStore

/// A subject by what it used in one period of its calendar.
struct RankedUsage: ReportRow {
    /// Number of the period.
    let period: Int64
    /// Among the subjects of the period.
    let place: Int
    let subject: SubjectID
    let quantity: Quantity
    /// Of later pages: what it came to on each local day, as of the first page.
    var days: [Int64: Quantity]?
    /// The subject's local day when the list was begun.
    let today: CivilDate

    static let fields: [ReportField<RankedUsage>] = [
        ReportField("subject", \.subject), ReportField("quantity", \.quantity.units),
    ]
}

/// Where a list of everybody's documents goes on.
struct RankedPosition {
    /// `nil`: at the newest period.
    var period: Int64?
    var offset = 0
}

extension ReportContext {
    /// Subjects by what they used in each of some periods, the newest period first, and in a period
    /// the highest usage first.
    func ranked<Period: CalendarPeriod>(
        _ meter: Meter, within periods: ClosedRange<Period>?, under plan: PlanKey?,
        from start: RankedPosition
    ) throws(StoreError) -> (rows: [RankedUsage], hasMore: Bool) {
        let zones = try SubjectZones(scan)
        var rows: [RankedUsage] = []
        for number in try numbers(of: periods)
        where start.period.map({ number <= $0 }) ?? true {
            let period = Period(number: number)
            let sums = try sums(of: meter, in: period, zones, under: plan)
            let offset = number == start.period ? start.offset : 0
            // One more than asked for tells whether there is a next page.
            let wanted = question.count + 1 - rows.count
            let page = try Ranking(sums).rows(self, from: offset, count: wanted)
            var own: [(number: Int64, row: RankedUsage)] = []
            for (index, row) in page.enumerated() where row.quantity > 0 {
                let ranked = RankedUsage(
                    period: number, place: offset + index, subject: row.id,
                    quantity: Quantity(row.quantity), today: zones[row.number].day(containing: now))
                own.append((row.number, ranked))
            }
            if scan.cut != nil, !own.isEmpty {
                let days = try days(of: meter, in: period, zones, own.map(\.number))
                for place in own.indices { own[place].row.days = days[own[place].number] ?? [:] }
            }
            rows += own.map(\.row)
            if rows.count > question.count { break }
        }
        return (Array(rows.prefix(question.count)), rows.count > question.count)
    }

    /// Numbers of the periods in which there may be usage, the newest first.
    private func numbers<Period: CalendarPeriod>(
        of periods: ClosedRange<Period>?
    ) throws(StoreError) -> [Int64] {
        if let periods, periods.lowerBound == periods.upperBound {
            return [periods.lowerBound.number]
        }
        var numbers: Set<Int64> = []
        for day in try scan.days(within: span) {
            // Local days are cut up to a day and some hours before and after those of UTC.
            for local in [day - 2, day - 1, day, day + 1, day + 2] {
                numbers.insert(Period(containing: CivilDate(daysSince1970: local)).number)
            }
        }
        return numbers.filter { number in
            periods.map { ($0.lowerBound.number...$0.upperBound.number).contains(number) } ?? true
        }.sorted(by: >)
    }

    /// What some subjects used of a meter on each day of a period of their calendars.
    private func days(
        of meter: Meter, in period: some CalendarPeriod, _ zones: SubjectZones,
        _ subjects: [Int64]
    ) throws(StoreError) -> [Int64: [Int64: Quantity]] {
        if meter.aggregation.isOfReadings {
            return try gaugeDays(of: meter, in: period, zones, Set(subjects))
        }
        let wanted = WantedSubjects(subjects)
        var folds: [Int64: ValueFold] = [:]
        try forEachRun(of: meter, in: period, zones, withTimes: true) { (run, movement) in
            let numbers = run.subjects
            var places: [Int] = []
            wanted.forEachPlace(in: numbers) { places.append($0) }
            guard !places.isEmpty else { return }
            let (times, weights, units) = (run.times, run.weights, RunUnits(run, movement))
            for place in places {
                let instant = Instant(millisecondsSince1970: times[place])
                let day = zones[numbers[place]].dayNumber(containing: instant)
                folds[numbers[place], default: ValueFold(meter.aggregation, memory)].add(
                    units[place], movement, at: times[place], weight: weights?[place] ?? 1, to: day)
            }
        }
        return folds.mapValues { fold in
            var days: [Int64: Quantity] = [:]
            fold.forEach { day, quantity, _ in days[day] = Quantity(quantity) }
            return days
        }
    }
}

extension ReportContext {
    /// What some subjects' gauge came to on each day of a period of their calendars, as far as it has begun.
    private func gaugeDays(
        of meter: Meter, in period: some CalendarPeriod, _ zones: SubjectZones,
        _ subjects: Set<Int64>
    ) throws(StoreError) -> [Int64: [Int64: Quantity]] {
        let days = (period.first.daysSince1970..<period.end.daysSince1970).map {
            CivilDate(daysSince1970: $0)
        }
        return try gaugeTotals(of: meter, in: days, zones, where: subjects.contains).mapValues {
            numbers in
            Dictionary(
                uniqueKeysWithValues: zip(days, numbers).map {
                    ($0.daysSince1970, Quantity($1))
                })
        }
    }
}

extension MeterstoneEngine {
    func ranked<Period: CalendarPeriod>(
        _ meter: Meter, within periods: ClosedRange<Period>?, under plan: PlanKey?,
        from start: RankedPosition, cut: ReportCut?, count: Int
    ) async throws(StoreError) -> ReportOutcome<RankedUsage> {
        // No zone is so far from UTC.
        let margin: Int64 = 2 * 86_400_000
        func instant(_ date: CivilDate) -> Instant { .startOf(day: date.daysSince1970) }
        let from = periods.map { instant($0.lowerBound.first) }?.advanced(byMilliseconds: -margin)
        let until = periods.map { instant($0.upperBound.end) }?.advanced(byMilliseconds: margin)
        var question = ReportQuestion(
            from: from ?? .earliest, until: until ?? .latest, count: count)
        question.cut = cut
        return try await report(question) { (context) throws(StoreError) in
            let (rows, hasMore) = try context.ranked(
                meter, within: periods, under: plan, from: start)
            return (rows, hasMore ? rows.count : nil)
        }
    }
}
