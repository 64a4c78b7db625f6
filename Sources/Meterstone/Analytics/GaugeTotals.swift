import MeterstoneCore
import MeterstoneStore

/// What a gauge comes to, from all of its readings in the order of time.
///
/// The readings of one day are kept until the next, and then one for each subject and item. Of two readings of
/// one instant the larger counts.
struct GaugeTotals<Group: Hashable> {
    /// Whose reading it is, and of what.
    private struct Holder: Hashable {
        var subject: Int64
        /// −1: items are not told apart.
        var item: Int64
    }

    private struct Reading: Hashable {
        var at: Int64
        var units: Int64
        var holder: Holder
        /// Place of what it counts for; −1: nothing that is asked about.
        var group: Int
    }

    private let aggregation: Aggregation
    private let now: Instant
    private let spans: (Group) -> [WindowSpan]
    private var places: [Group: Int] = [:]
    private var windows: [GaugeWindows] = []
    private var shown: [Holder: (group: Int, units: Int64)] = [:]
    private var items: [String: Int64] = [:]
    /// Readings of the day, by how often they count.
    private var waiting: [Reading: Int64] = [:]
    private var day = Int64.min
    /// UTC days of readings.
    private(set) var days: Set<Int64> = []
    private var tab: MemoryTab

    /// - Parameter spans: of each group: sorted and disjoint.
    init(
        _ meter: Meter, now: Instant, _ memory: MemoryShare,
        over spans: @escaping (Group) -> [WindowSpan]
    ) {
        aggregation = meter.aggregation
        self.now = now
        self.spans = spans
        tab = MemoryTab(memory)
    }

    /// - Parameter group: what a reading counts for, until there is another of the same subject and item.
    mutating func add(
        _ run: ColumnRun, _ movement: ShapeMovement, by group: (Int64, ColumnShape) -> Group?
    ) {
        if run.day != day { settle() }
        day = run.day
        var item: Int64 = -1
        if case .item(let name, _) = movement {
            item = items[name] ?? Int64(items.count)
            items[name] = item
        }
        let (subjects, times, weights) = (run.subjects, run.times, run.weights)
        let units = RunUnits(run, movement)
        for index in subjects.indices {
            let place = group(subjects[index], run.shape).map { self.place(of: $0) } ?? -1
            if place >= 0 { days.insert(day) }
            let reading = Reading(
                at: times[index], units: units[index],
                holder: Holder(subject: subjects[index], item: item), group: place)
            waiting[reading, default: 0] += weights?[index] ?? 1
        }
        tab.note(
            (64 + MemoryTab.bytesPerEntry) * (waiting.count + shown.count)
                + (160 + MemoryTab.bytesPerEntry) * windows.count)
    }

    private mutating func place(of group: Group) -> Int {
        if let known = places[group] { return known }
        places[group] = windows.count
        windows.append(GaugeWindows(spans(group), aggregation, now: now))
        return windows.count - 1
    }

    /// Puts the readings of a day in order.
    private mutating func settle() {
        let readings = waiting.filter { $0.value > 0 }.keys.sorted {
            ($0.at, $0.units) < ($1.at, $1.units)
        }
        waiting.removeAll(keepingCapacity: true)
        for reading in readings {
            let at = Instant(millisecondsSince1970: reading.at)
            if let before = shown[reading.holder], before.group >= 0 {
                windows[before.group].change(by: -Int128(before.units), at: at)
            }
            if reading.group >= 0 {
                windows[reading.group].change(by: Int128(reading.units), at: at)
            }
            shown[reading.holder] = (reading.group, reading.units)
        }
    }

    /// What each group comes to in each of its windows.
    mutating func finished() -> [Group: [Int64]] {
        settle()
        return places.mapValues { windows[$0].finished() }
    }
}

extension ReportContext {
    /// What a gauge comes to in windows of its own for each of some groups, and the UTC days of their readings.
    ///
    /// A reading that the question's filter does not let through ends the one before, which it may have let through.
    ///
    /// - Parameters:
    ///   - until: nothing is asked of what is after it.
    ///   - group: what a reading counts for.
    ///   - spans: of each group: sorted and disjoint.
    func gaugeTotals<Group: Hashable>(
        of meter: Meter, until: Instant, by group: (Int64, ColumnShape) -> Group?,
        over spans: @escaping (Group) -> [WindowSpan]
    ) throws(StoreError) -> (totals: [Group: [Int64]], days: Set<Int64>) {
        var totals = GaugeTotals(meter, now: now, memory, over: spans)
        let span = WindowSpan(
            from: .earliest, until: min(until, now.advanced(byMilliseconds: 1)))
        let movements = MeterMovements([meter])
        try scan.forEachRun(
            in: span, withTimes: true, takenBackFirst: movements.needTakenBackFirst,
            where: { meter.movement(of: $0) != nil }
        ) { (run) throws(StoreError) in
            guard let movement = movements[run][0] else { return }
            let isAsked = question.filter.accepts(run.shape)
            totals.add(run, movement) { isAsked ? group($0, $1) : nil }
            try memory.check()
        }
        return (totals.finished(), totals.days)
    }

    /// What each subject's gauge comes to in a span, and how often it was read in it.
    func gaugeSums(of meter: Meter, in span: WindowSpan) throws(StoreError) -> SubjectSums {
        var sums = SubjectSums(memory)
        try forEachRun(of: meter, in: span) { (run, _) in
            sums.add(run.subjects, .constant(0), run.weights)
        }
        let (totals, days) = try gaugeTotals(
            of: meter, until: span.until, by: { subject, _ in subject }, over: { _ in [span] })
        for (subject, numbers) in totals { sums.add(numbers[0], events: 0, to: subject) }
        sums.days = days
        return sums
    }

    /// The same in a period of each subject's own calendar.
    ///
    /// - Parameter periods: one or several that follow each other.
    func gaugeTotals<Period: CalendarPeriod>(
        of meter: Meter, in periods: [Period], _ zones: SubjectZones,
        where isWanted: (Int64) -> Bool = { _ in true }
    ) throws(StoreError) -> [Int64: [Int64]] {
        let spans = zones.zones.map { zone in periods.map { $0.span(in: zone) } }
        let until = spans.compactMap { $0.last?.until }.max() ?? now
        return try gaugeTotals(
            of: meter, until: until, by: { subject, _ in isWanted(subject) ? subject : nil },
            over: { subject in spans[zones.place(of: subject)] }
        ).totals
    }

    /// Has gauges show what they come to at the end of the span, or over it.
    ///
    /// - Parameter group: what a reading counts for.
    func show<Group: Hashable>(
        gauge meter: Meter, by group: (ColumnShape) -> Group, in totals: inout [Group: MeterTotal]
    ) throws(StoreError) {
        guard meter.aggregation.isOfReadings else { return }
        let span = self.span
        let found = try gaugeTotals(
            of: meter, until: span.until, by: { _, shape in group(shape) }, over: { _ in [span] })
        for (group, numbers) in found.totals {
            totals[group, default: MeterTotal(meter, memory)].stands = numbers[0]
        }
    }

    /// The same of several meters by plan, where there is anything under it.
    func show(
        gauges meters: [Meter], in totals: inout [PlanKey?: [MeterTotal]]
    ) throws(StoreError) {
        for (place, meter) in meters.enumerated() {
            var own = totals.mapValues { $0[place] }
            try show(gauge: meter, by: { $0.plan }, in: &own)
            for (plan, total) in own {
                totals[plan, default: meters.map { MeterTotal($0, memory) }][place] = total
            }
        }
    }
}
