import MeterstoneCore
import MeterstoneStore

/// In whose calendar each subject's days are cut: the default zone, or what it has and had of its own.
struct SubjectZones {
    /// The default zone first.
    private(set) var zones: [ZoneRules]
    private var places: [Int64: Int] = [:]

    init(_ scan: ColumnScan) throws(StoreError) {
        zones = [scan.view.zone]
        var known: [ZonesInTime: Int] = [:]
        var own: [Int64: ZonesInTime] = [:]
        for (number, zones) in try scan.source.subjectZones() { own[number] = zones }
        for (number, zonesInTime) in own {
            if known[zonesInTime] == nil {
                // A zone that is no longer known falls back to the default.
                known[zonesInTime] = 0
                if let rules = scan.view.options.clocks(of: zonesInTime) {
                    known[zonesInTime] = zones.count
                    zones.append(rules)
                }
            }
            if let place = known[zonesInTime], place > 0 { places[number] = place }
        }
    }

    var areAllDefault: Bool { places.isEmpty }

    /// Where a subject's zone stands among ``zones``.
    func place(of subject: Int64) -> Int { places[subject] ?? 0 }

    subscript(subject: Int64) -> ZoneRules { zones[place(of: subject)] }
}

/// What subjects come to, of meters that add up and of others.
struct SubjectTally {
    private var sums: SubjectSums
    private var fold: ValueFold?
    /// Whether only events are counted: what a gauge comes to, its readings of before say, too.
    private let isOfReadings: Bool

    init(_ meter: Meter, _ memory: MemoryShare) {
        sums = SubjectSums(memory)
        isOfReadings = meter.aggregation.isOfReadings
        fold = meter.aggregation.isFolded ? ValueFold(meter.aggregation, memory) : nil
    }

    mutating func add(_ run: ColumnRun, _ movement: ShapeMovement) {
        if isOfReadings { return sums.add(run.subjects, .constant(0), run.weights) }
        if fold == nil { sums.add(run, movement) } else { fold?.add(run, movement) }
    }

    /// Each subject's quantity and events.
    var result: SubjectSums {
        guard let fold else { return sums }
        var sums = self.sums
        fold.forEach { sums.add($1, events: $2, to: $0) }
        return sums
    }
}

extension ReportContext {
    /// What each subject used of a meter in a period of its own calendar.
    ///
    /// - Parameter plan: only of subjects that used something under it.
    func sums(
        of meter: Meter, in period: some CalendarPeriod, _ zones: SubjectZones, under plan: PlanKey?
    ) throws(StoreError) -> SubjectSums {
        var (total, underPlan) = (SubjectTally(meter, memory), SubjectTally(meter, memory))
        try forEachRun(of: meter, in: period, zones) { (run, movement) in
            total.add(run, movement)
            if let plan, run.shape.plan == plan { underPlan.add(run, movement) }
        }
        var sums = total.result
        if meter.aggregation.isOfReadings {
            for (subject, numbers) in try gaugeTotals(of: meter, in: [period], zones) {
                sums.add(numbers[0], events: 0, to: subject)
            }
        }
        guard plan != nil else { return sums }
        var chosen = SubjectSums(memory)
        underPlan.result.forEach { subject, _, _ in
            let (quantity, events) = sums[subject]
            chosen.add(quantity, events: events, to: subject)
        }
        return chosen
    }

    /// Visits every event that moves a meter in a period of its subject's own calendar.
    ///
    /// - Parameter withTimes: whether the visitor asks when they occurred.
    func forEachRun(
        of meter: Meter, in period: some CalendarPeriod, _ zones: SubjectZones,
        withTimes: Bool = false, _ visit: (ColumnRun, ShapeMovement) throws(StoreError) -> Void
    ) throws(StoreError) {
        let spans = zones.zones.map { period.span(in: $0) }
        guard !zones.areAllDefault else {
            if spans[0].from < spans[0].until {
                try forEachRun(of: meter, in: spans[0], withTimes: withTimes, visit)
            }
            return
        }
        let whole = WindowSpan(
            from: spans.map(\.from).min() ?? spans[0].from,
            until: spans.map(\.until).max() ?? spans[0].until)
        // UTC days that belong to the period in every zone; those around them are looked at event by
        // event.
        let first = (spans.map(\.from).max() ?? whole.from).advanced(byMilliseconds: -1).utcDay + 1
        let end = (spans.map(\.until).min() ?? whole.until).utcDay
        var parts = [(whole, false)]
        if first < end {
            let (from, until) = (Instant.startOf(day: first), Instant.startOf(day: end))
            parts = [
                (WindowSpan(from: whole.from, until: from), false),
                (WindowSpan(from: from, until: until), true),
                (WindowSpan(from: until, until: whole.until), false),
            ]
        }
        for (part, isShared) in parts where part.from < part.until {
            try forEachRun(of: meter, in: part, withTimes: withTimes || !isShared) {
                (run, movement) throws(StoreError) in
                let own =
                    isShared
                    ? run
                    : run.filter { subject, time in
                        spans[zones.place(of: subject)]
                            .contains(Instant(millisecondsSince1970: time))
                    }
                if !own.isEmpty { try visit(own, movement) }
            }
        }
    }
}
