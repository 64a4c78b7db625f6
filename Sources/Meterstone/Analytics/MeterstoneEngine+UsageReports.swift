public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Windows that a trend may have.
    static let trendWindowsMax = 10_000

    /// Who used most of a meter, ties by subject.
    public func topSubjects(
        of key: MeterKey, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<TopSubject> {
        try await report(question, rejecting: { $0.reject(meters: [key]) }) {
            (context) throws(StoreError) in
            guard let meter = context.blueprint.meter(key) else { return ([], nil) }
            let sums = try context.sums(of: meter)
            let page = try Ranking(sums).page(context)
            let last = try context.lastUses(
                of: meter, by: page.rows.map(\.number), on: sums.days,
                // What a gauge shows may have been told before the span.
                in: WindowSpan(
                    from: meter.aggregation.isOfReadings ? .earliest : context.span.from,
                    until: context.span.until))
            return (
                page.rows.map { row in
                    TopSubject(
                        subject: row.id, quantity: row.quantity, events: row.events,
                        lastUsedAt: last[row.number] ?? context.span.from)
                }, page.next
            )
        }
    }

    /// Usage of meters window by window, with how many subjects used them; every window of the span,
    /// those without usage included.
    ///
    /// - Parameters:
    ///   - keys: empty: all meters.
    ///   - window: minute, hour, day, week, month, quarter or year.
    public func trends(
        of keys: [MeterKey], per window: Window, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<TrendPoint> {
        guard window.isRepeating, !window.isBilling else { return .rejected(.windowOfTrend) }
        @Sendable func windows(_ span: WindowSpan, _ zone: ZoneRules) -> [WindowSpan]? {
            window.spans(
                from: span.from, until: span.until, in: zone, anchor: nil,
                atMost: Self.trendWindowsMax)
        }
        return try await report(
            question,
            rejecting: { blueprint, span, zone in
                blueprint.reject(meters: keys)
                    ?? (windows(span, zone) == nil ? .windowsOfTrend : nil)
            }
        ) { (context) throws(StoreError) in
            let meters = context.blueprint.meters(keys)
            let spans = windows(context.span, context.zone) ?? []
            // Rows are windows by meters; only the windows of the page are looked at.
            let total = spans.count * meters.count
            let (start, end) = (min(question.offset, total), min(question.end, total))
            guard start < end else { return ([], nil) }
            let places = (start / meters.count)...((end - 1) / meters.count)
            let parts = spans[places].map { span in
                WindowSpan(
                    from: max(span.from, context.span.from),
                    until: min(span.until, context.span.until))
            }
            let gauges = try context.gauges(among: meters, over: parts)
            let sums = try context.sums(of: meters, in: parts)
            let rows = zip(parts, sums).flatMap { part, sums in
                zip(meters, sums).map { meter, sum in
                    TrendPoint(
                        from: part.from, until: part.until, meter: meter.key,
                        quantity: gauges[meter.key]?[part.from] ?? sum.quantity,
                        events: sum.events, subjects: sum.subjects)
                }
            }
            let page = rows.dropFirst(start % meters.count).prefix(end - start)
            return (Array(page), end < total ? end : nil)
        }
    }

    /// What was used of a meter under each value of something, the largest first.
    public func usage(
        of key: MeterKey, by facet: ReportFacet, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<UsageShare> {
        try await report(question, rejecting: { $0.reject(meters: [key]) }) {
            (context) throws(StoreError) in
            guard let meter = context.blueprint.meter(key) else { return ([], nil) }
            var values: [String?: MeterTotal] = [:]
            try context.forEachRun(of: meter) { (run, movement) in
                values[facet.value(of: run.shape), default: MeterTotal(meter, context.memory)]
                    .add(run, movement)
            }
            try context.show(gauge: meter, by: { facet.value(of: $0) }, in: &values)
            let total = values.values.reduce(Int64(0)) { $0.addingSaturated($1.quantity) }
            let rows = values.filter { $0.value.events > 0 || $0.value.quantity != 0 }.map {
                value, sum in
                UsageShare(
                    value: value, quantity: sum.quantity, events: sum.events,
                    subjects: sum.subjects.count,
                    // One that used two models is one user of both together.
                    share: meter.aggregation.isAdditive ? Ratio(sum.quantity, of: total) : nil)
            }.sorted { ($1.quantity, $0.value ?? "") < ($0.quantity, $1.value ?? "") }
            return context.page(of: rows)
        }
    }
}

/// What all subjects together came to in a window.
private struct TrendSum {
    let quantity: Int64
    let events: Int64
    let subjects: Int64

    init(_ total: MeterTotal) {
        quantity = total.quantity
        events = total.events
        subjects = total.subjects.count
    }
}

extension ReportContext {
    /// What meters come to in windows that follow each other; of gauges only how many events.
    fileprivate func sums(
        of meters: [Meter], in windows: [WindowSpan]
    ) throws(StoreError) -> [[TrendSum]] {
        let movements = MeterMovements(meters)
        // Their room is used again.
        var totals = meters.map { MeterTotal($0, memory) }
        return try recall(.trend(meters), of: windows, bytes: { 64 + 24 * $0.count }) {
            (windows) throws(StoreError) in
            guard windows.allSatisfy(\.isOfUTCDays) else {
                var sums: [[TrendSum]] = []
                for window in windows { sums += try self.sums(movements, [window], &totals) }
                return sums
            }
            return try self.sums(movements, windows, &totals)
        }
    }

    /// - Parameter windows: one, or several that begin and end with UTC days.
    private func sums(
        _ movements: MeterMovements, _ windows: ArraySlice<WindowSpan>, _ totals: inout [MeterTotal]
    ) throws(StoreError) -> [[TrendSum]] {
        var sums: [[TrendSum]] = []
        func take(_ totals: inout [MeterTotal]) {
            sums.append(totals.map(TrendSum.init))
            for place in totals.indices { totals[place].removeAll() }
        }
        var rest = windows
        let whole = WindowSpan(
            from: windows.first?.from ?? span.from, until: windows.last?.until ?? span.from)
        try forEachRun(
            in: whole, withTimes: movements.needTimes, takenBackFirst: movements.needTakenBackFirst
        ) { (run) in
            while rest.count > 1, let window = rest.first, window.until <= .startOf(day: run.day) {
                take(&totals)
                rest.removeFirst()
            }
            totals.add(run, movements)
        }
        for _ in rest { take(&totals) }
        return sums
    }

    /// What gauges come to in each of some windows that follow each other, by where they begin.
    fileprivate typealias GaugesByStart = [MeterKey: [Instant: Int64]]

    fileprivate func gauges(
        among meters: [Meter], over spans: [WindowSpan]
    ) throws(StoreError) -> GaugesByStart {
        var result: GaugesByStart = [:]
        for meter in meters where meter.aggregation.isOfReadings {
            let found = try gaugeTotals(
                of: meter, until: spans.last?.until ?? span.until, by: { _, _ in 0 },
                over: { _ in spans })
            result[meter.key] = Dictionary(
                zip(spans.map(\.from), found.totals[0] ?? []), uniquingKeysWith: { $1 })
        }
        return result
    }

    /// When each of these subjects moved a meter last: from the newest of the days with usage back, until
    /// all are found.
    func lastUses(
        of meter: Meter, by subjects: [Int64], on days: Set<Int64>, in span: WindowSpan
    ) throws(StoreError) -> [Int64: Instant] {
        var missing = Set(subjects)
        var result: [Int64: Instant] = [:]
        for day in days.sorted(by: >) {
            if missing.isEmpty { break }
            let part = WindowSpan(
                from: max(span.from, .startOf(day: day)),
                until: min(span.until, .startOf(day: day + 1)))
            var times = ValueFold(.latest, memory)
            let wanted = WantedSubjects(missing)
            try forEachRun(of: meter, in: part, withTimes: true, takenBackFirst: true) { (run, _) in
                let numbers = run.subjects
                var (whens, weights): ([Int64], [Int64]?) = ([], nil)
                wanted.forEachPlace(in: numbers) { index in
                    if whens.isEmpty { (whens, weights) = (run.times, run.weights) }
                    let time = whens[index]
                    times.add(
                        time, .constant(time), at: time, weight: weights?[index] ?? 1,
                        to: numbers[index])
                }
            }
            times.forEach { subject, last, _ in
                result[subject] = Instant(millisecondsSince1970: last)
                missing.remove(subject)
            }
        }
        return result
    }
}

extension [MeterTotal] {
    /// Adds what a run moves each of the meters by.
    fileprivate mutating func add(_ run: ColumnRun, _ movements: MeterMovements) {
        let (subjects, weights) = (run.subjects, run.weights)
        for (place, movement) in movements[run].enumerated() {
            if let movement { self[place].add(run, movement, subjects, weights) }
        }
    }
}

extension WindowSpan {
    /// Whether it begins and ends with UTC days.
    fileprivate var isOfUTCDays: Bool {
        from == .startOf(day: from.utcDay) && until == .startOf(day: until.utcDay)
    }
}

extension ReportFacet {
    func value(of shape: ColumnShape) -> String? {
        switch self {
        case .type: shape.type
        case .subtype: shape.subtype
        case .status: shape.status.rawValue
        case .source: shape.source
        case .plan: shape.plan?.text
        case .dimension(let name): shape.dimensions.first { $0.name == name }?.value
        }
    }
}

extension Blueprint {
    /// These meters, or all, by key.
    func meters(_ keys: [MeterKey]) -> [Meter] {
        keys.isEmpty ? meters.sorted { $0.key < $1.key } : keys.compactMap { meter($0) }
    }
}

extension Window {
    fileprivate var isBilling: Bool { self == .billingMonth }
}

extension Rejection {
    fileprivate static let windowOfTrend = Rejection(
        code: .invalidField, field: "window",
        message: "expected minute, hour, day, week, month, quarter or year")

    fileprivate static let windowsOfTrend = Rejection(
        code: .invalidField, field: "window",
        message: "expected at most \(MeterstoneEngine.trendWindowsMax) windows in the span")
}
