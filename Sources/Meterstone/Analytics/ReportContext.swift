public import MeterstoneCore
import MeterstoneStore

/// A report, or what is wrong with the question.
public enum ReportOutcome<Row: ReportRow>: Equatable, Sendable {
    case report(Report<Row>)
    case rejected(Rejection)
}

/// One question while it is answered: what it is about, and the columns to answer it from.
struct ReportContext {
    let scan: ColumnScan
    let question: ReportQuestion
    let span: WindowSpan
    let zone: ZoneRules
    /// When the first page was asked for.
    let now: Instant
    /// What it may take together with others.
    let memory: MemoryShare
    /// What was found out before.
    let remembered: ReportMemory

    var blueprint: Blueprint { scan.view.catalog.blueprint }

    /// The rows of one page, cut from all rows in their order.
    func page<Row: ReportRow>(of rows: [Row]) -> (rows: [Row], next: Int?) {
        let end = question.end
        return (
            Array(rows.dropFirst(question.offset).prefix(question.count)),
            rows.count > end ? end : nil
        )
    }

    /// Visits everything that the question's filter lets through.
    func forEachRun(
        in span: WindowSpan? = nil, withTimes: Bool = false, takenBackFirst: Bool = false,
        where accepts: (ColumnShape) -> Bool = { _ in true },
        _ visit: (ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) {
        try scan.forEachRun(
            in: span ?? self.span, withTimes: withTimes, takenBackFirst: takenBackFirst,
            where: { question.filter.accepts($0) && accepts($0) }
        ) { (run) throws(StoreError) in
            try visit(run)
            try memory.check()
        }
    }

    /// Visits every event that moves a meter, by shape; those that are taken back first, of each day, where
    /// they do not simply add up.
    func forEachRun(
        of meter: Meter, in span: WindowSpan? = nil, withTimes: Bool = false,
        takenBackFirst: Bool = false,
        _ visit: (ColumnRun, ShapeMovement) throws(StoreError) -> Void
    ) throws(StoreError) {
        let movements = MeterMovements([meter])
        try forEachRun(
            in: span, withTimes: withTimes || movements.needTimes,
            takenBackFirst: takenBackFirst || movements.needTakenBackFirst,
            where: { meter.movement(of: $0) != nil }
        ) { (run) throws(StoreError) in
            if let movement = movements[run][0] { try visit(run, movement) }
        }
    }

    /// What each subject used of a meter.
    func sums(of meter: Meter, in span: WindowSpan? = nil) throws(StoreError) -> SubjectSums {
        if meter.aggregation.isOfReadings {
            return try gaugeSums(of: meter, in: span ?? self.span)
        }
        guard meter.aggregation.isAdditive else {
            var sums = SubjectSums(memory)
            var fold = ValueFold(meter.aggregation, memory)
            try forEachRun(of: meter, in: span) { (run, movement) in
                fold.add(run, movement)
                sums.days.insert(run.day)
            }
            fold.forEach { sums.add($1, events: $2, to: $0) }
            return sums
        }
        let movements = MeterMovements([meter])
        return try state(
            of: RememberedFold(part: .sums(meter), start: SubjectSums(memory)), in: span,
            where: { meter.movement(of: $0) != nil }
        ) { (sums, run) in
            if let movement = movements[run][0] { sums.add(run, movement) }
        }
    }

    /// The ids behind numbers.
    func ids(of numbers: some Collection<Int64>) throws(StoreError) -> SubjectIDs {
        SubjectIDs(byNumber: try profiles(of: numbers).mapValues(\.id))
    }

    /// What a profile with an id takes, without what most have none of.
    private static let bytesPerProfile = 512

    /// Who the subjects behind numbers are.
    func profiles(of numbers: some Collection<Int64>) throws(StoreError) -> [Int64: Subject] {
        memory.add(Self.bytesPerProfile * numbers.count)
        try memory.check()
        var result: [Int64: Subject] = [:]
        try scan.source.prefetch(subjects: numbers)
        for number in numbers {
            result[number] =
                try scan.source.subject(number: number)?.profile
                ?? Subject(id: SubjectIDs.unknown(number))
        }
        return result
    }
}

/// Ids by the numbers of their subjects.
struct SubjectIDs {
    var byNumber: [Int64: SubjectID]

    subscript(number: Int64) -> SubjectID { byNumber[number] ?? Self.unknown(number) }

    /// A number of which no row tells whose it is.
    static func unknown(_ number: Int64) -> SubjectID { SubjectID(unchecked: "#\(number)") }
}

extension SubjectSums {
    /// Adds what each event of one shape moves a meter by.
    mutating func add(_ run: ColumnRun, _ movement: ShapeMovement) {
        days.insert(run.day)
        add(run.subjects, RunUnits(run, movement), run.weights)
    }
}

extension Aggregation {
    /// Whether what two spans come to can be added.
    var isAdditive: Bool { self == .sum || self == .count }

    /// Whether one value for each subject is kept of what a span comes to.
    var isFolded: Bool { !isAdditive && !isOfReadings }
}

extension ReportQuestion {
    /// The place after the last row of the page.
    var end: Int {
        let (end, overflow) = offset.addingReportingOverflow(count)
        return overflow ? .max : end
    }
}

extension ReportFilter {
    func accepts(_ shape: ColumnShape) -> Bool {
        if let type, shape.type != type { return false }
        if let subtype, shape.subtype != subtype { return false }
        if let status, shape.status != status { return false }
        if let source, shape.source != source { return false }
        if let plan, shape.plan != plan { return false }
        return dimensions.allSatisfy { name, value in
            shape.dimensions.contains { $0.name == name && $0.value == value }
        }
    }
}

extension MeterstoneEngine {
    func report<Row: ReportRow>(
        _ question: ReportQuestion,
        rejecting check: @Sendable (Blueprint) -> Rejection? = { _ in nil },
        _ rows:
            @escaping @Sendable (ReportContext) throws(StoreError) -> (rows: [Row], next: Int?)
    ) async throws(StoreError) -> ReportOutcome<Row> {
        try await report(question, rejecting: { blueprint, _, _ in check(blueprint) }, rows)
    }

    /// Answers a question from one snapshot beside the committer.
    ///
    /// - Parameter check: what is wrong with what the report itself takes.
    func report<Row: ReportRow>(
        _ question: ReportQuestion,
        rejecting check: @Sendable (Blueprint, WindowSpan, ZoneRules) -> Rejection?,
        _ rows:
            @escaping @Sendable (ReportContext) throws(StoreError) -> (rows: [Row], next: Int?)
    ) async throws(StoreError) -> ReportOutcome<Row> {
        let view = try await committer.read { (store) throws(StoreError) in
            try store.reportView()
        }
        var zone = view.zone
        if let name = question.timeZone {
            guard let known = view.zones(name) else { return .rejected(.unknown(timeZone: name)) }
            zone = known
        }
        guard (1...ReportQuestion.daysMax).contains(question.days) else {
            return .rejected(.daysOfReport)
        }
        guard question.offset >= 0, (1...ReportQuestion.countMax).contains(question.count) else {
            return .rejected(.pageOfReport)
        }
        let now = question.cut?.at ?? clock()
        let span = question.span(in: zone, now: now)
        guard span.from < span.until else { return .rejected(.emptySpan) }
        if let rejection = check(view.catalog.blueprint, span, zone) {
            return .rejected(rejection)
        }
        let (name, rules, budget, remembered) = (zone.name, zone, memory, remembered)
        return try await committer.read(.long) { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                if let cut = question.cut, try !ColumnScan.holds(cut, view, source) {
                    return .rejected(.cursorExpired)
                }
                let scan = try ColumnScan(view, source, at: question.cut)
                let (rows, next) = try rows(
                    ReportContext(
                        scan: scan, question: question, span: span, zone: rules, now: now,
                        memory: MemoryShare(budget), remembered: remembered))
                let cut = try next.map { (_) throws(StoreError) in try scan.cut(at: now) }
                return .report(Report(span: span, timeZone: name, rows: rows, next: next, cut: cut))
            }
        }
    }
}

extension ReportQuestion {
    fileprivate func span(in zone: ZoneRules, now: Instant) -> WindowSpan {
        let until =
            self.until ?? Window.day.span(containing: now, in: zone, anchor: nil).until
        if let from { return WindowSpan(from: from, until: until) }
        let last = zone.dayNumber(containing: until.advanced(byMilliseconds: -1))
        let first = CivilDate(daysSince1970: last - Int64(days) + 1)
        return WindowSpan(from: zone.start(of: first), until: until)
    }
}

extension Rejection {
    static func unknown(timeZone name: String) -> Rejection {
        Rejection(
            code: .unknownTimeZone, field: "timeZone",
            message: "expected a name of the IANA time zone database, not '\(name)'")
    }

    static let emptySpan = Rejection(
        code: .invalidField, field: "from", message: "expected an instant before until")

    static let daysOfReport = Rejection(
        code: .invalidField, field: "days",
        message: "expected a whole number from 1 to \(ReportQuestion.daysMax)")

    static let pageOfReport = Rejection(
        code: .invalidField, field: "count",
        message: "expected a whole number from 1 to \(ReportQuestion.countMax)")
}

extension Blueprint {
    /// The meter of a key, or of an alias.
    func meter(_ key: MeterKey) -> Meter? {
        meters.first { $0.key == key } ?? meters.first { $0.aliases.contains(key) }
    }

    /// What is wrong with naming these meters.
    func reject(meters keys: [MeterKey]) -> Rejection? {
        keys.first { meter($0) == nil }.map { .unknown(meter: $0) }
    }
}
