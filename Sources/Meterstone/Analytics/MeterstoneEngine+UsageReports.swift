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
            let ranking = Ranking(try context.sums(of: meter))
            let page = try ranking.page(context)
            let last = try context.lastUses(of: meter, by: page.rows.map(\.number))
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
    ///   - window: hour, day, week, month or year.
    public func trends(
        of keys: [MeterKey], per window: Window, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<TrendPoint> {
        guard window.isRepeating, !window.isBilling else { return .rejected(.windowOfTrend) }
        return try await report(question, rejecting: { $0.reject(meters: keys) }) {
            (context) throws(StoreError) in
            let meters = context.blueprint.meters(keys)
            guard
                let spans = window.spans(
                    from: context.span.from, until: context.span.until, in: context.zone,
                    anchor: nil, atMost: Self.trendWindowsMax)
            else { return ([], nil) }
            // Rows are windows by meters; only the windows of the page are looked at.
            let total = spans.count * meters.count
            let (start, end) = (min(question.offset, total), min(question.end, total))
            guard start < end else { return ([], nil) }
            var rows: [TrendPoint] = []
            for place in (start / meters.count)...((end - 1) / meters.count) {
                let span = WindowSpan(
                    from: max(spans[place].from, context.span.from),
                    until: min(spans[place].until, context.span.until))
                rows += try context.trend(of: meters, in: span)
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
                values[facet.value(of: run.shape), default: MeterTotal(meter)].add(run, movement)
            }
            let total = values.values.reduce(0) { $0 &+ $1.quantity }
            let rows = values.filter { $0.value.events > 0 }.map { value, sum in
                UsageShare(
                    value: value, quantity: sum.quantity, events: sum.events,
                    subjects: sum.subjects.count, share: Ratio(sum.quantity, of: total))
            }.sorted { ($1.quantity, $0.value ?? "") < ($0.quantity, $1.value ?? "") }
            return context.page(of: rows)
        }
    }
}

/// What all subjects together come to.
struct MeterTotal {
    private var sum: Int64 = 0
    private(set) var events: Int64 = 0
    private(set) var subjects = ActiveSubjects()
    private var fold: ValueFold?

    init(_ meter: Meter) {
        fold = meter.aggregation.isAdditive ? nil : ValueFold(meter.aggregation)
    }

    var quantity: Int64 { fold?.total ?? sum }

    mutating func add(_ run: ColumnRun, _ movement: ShapeMovement) {
        let (numbers, weights) = (run.subjects, run.weights)
        subjects.add(numbers, weights)
        events += weights.map { $0.reduce(0, +) } ?? Int64(numbers.count)
        guard fold == nil else {
            fold?.add(run, movement)
            return
        }
        let units = run.units(movement, count: numbers.count)
        guard let weights else {
            for value in units { sum &+= value }
            return
        }
        for index in units.indices { sum &+= units[index] &* weights[index] }
    }
}

extension ReportContext {
    fileprivate func trend(
        of meters: [Meter], in span: WindowSpan
    ) throws(StoreError) -> [TrendPoint] {
        var totals = meters.map { MeterTotal($0) }
        let needsTimes = meters.contains { $0.aggregation == .latest }
        try forEachRun(in: span, withTimes: needsTimes) { (run) in
            for (place, meter) in meters.enumerated() {
                if let movement = meter.movement(of: run.shape) { totals[place].add(run, movement) }
            }
        }
        return zip(meters, totals).map { meter, total in
            TrendPoint(
                from: span.from, until: span.until, meter: meter.key, quantity: total.quantity,
                events: total.events, subjects: total.subjects.count)
        }
    }

    /// When each of these subjects moved a meter last: from the newest day back, until all are found.
    func lastUses(
        of meter: Meter, by subjects: [Int64]
    ) throws(StoreError) -> [Int64: Instant] {
        var missing = Set(subjects)
        var result: [Int64: Instant] = [:]
        var day = span.utcDays.upperBound
        while !missing.isEmpty, day >= span.utcDays.lowerBound {
            let part = WindowSpan(
                from: max(span.from, .startOf(day: day)),
                until: min(span.until, .startOf(day: day + 1)))
            var times: [Int64: [Int64: Int64]] = [:]
            try forEachRun(of: meter, in: part, withTimes: true) { (run, _) in
                let numbers = run.subjects
                var (whens, weights): ([Int64], [Int64]?) = ([], nil)
                for index in numbers.indices where missing.contains(numbers[index]) {
                    if whens.isEmpty { (whens, weights) = (run.times, run.weights) }
                    times[numbers[index], default: [:]][whens[index], default: 0] +=
                        weights?[index] ?? 1
                }
            }
            for (subject, times) in times {
                guard let last = times.filter({ $0.value > 0 }).keys.max() else { continue }
                result[subject] = Instant(millisecondsSince1970: last)
                missing.remove(subject)
            }
            day -= 1
        }
        return result
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
        code: .invalidField, field: "window", message: "expected hour, day, week, month or year")
}
