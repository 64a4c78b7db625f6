import MeterstoneCore
import MeterstoneStore

/// One question about one subject while it is answered.
struct SubjectContext {
    let reader: UsageReader
    let subject: StoredSubject
    let now: Instant

    var view: StoreView { reader.view }
    var id: SubjectID { subject.profile.id }
    var zone: ZoneRules { view.zone }
    /// The local day that it is, counted from 1970-01-01.
    var today: Int64 { zone.dayNumber(containing: now) }
    /// The plan that applies now.
    var plan: PlanKey? { view.plan(at: now) }
    /// Every meter, by key.
    var meters: [Meter] { view.catalog.blueprint.meters([]) }

    func span(ofDay day: Int64) -> WindowSpan {
        CivilDate(daysSince1970: day).span(in: zone)
    }

    func span(_ window: Window) -> WindowSpan {
        window.span(containing: now, in: zone, anchors: view.anchors)
    }

    /// What was used of a meter over a span that starts and ends where local days do.
    func total(of meter: Meter, in span: WindowSpan) throws(StoreError) -> Quantity {
        try reader.points(of: meter, over: [span], window: .month).first?.quantity ?? .zero
    }

    func lifetime(of meter: Meter) throws(StoreError) -> Quantity {
        try reader.points(of: meter, over: [.lifetime], window: .lifetime).first?.quantity ?? .zero
    }

    /// What was used of a meter on each of these local days, which are sorted, each once.
    func quantities(
        of meter: Meter, on days: [Int64]
    ) throws(StoreError) -> [Int64: Quantity] {
        let points = try reader.points(
            of: meter, over: days.map { span(ofDay: $0) }, window: .day)
        return Dictionary(zip(days, points.map(\.quantity)), uniquingKeysWith: { $1 })
    }

    /// The local days of a month up to today.
    func days(of month: CivilMonth) -> [Int64] {
        let days = month.first.daysSince1970..<month.end.daysSince1970
        return days.filter { $0 <= today }
    }

    func activity(in month: CivilMonth) throws(StoreError) -> Activity {
        try reader.activity(inMonthFrom: month.span(in: zone).from)
    }
}

extension Activity {
    /// Days with an event that counts, in order.
    var activeDays: [Int64] { days.filter { $0.events > 0 }.map(\.day) }
}

extension [Activity] {
    /// Days with an event that counts, in order, each once: two months that were cut by different rules
    /// of a zone may both have a day.
    var activeDays: [Int64] { Set(flatMap(\.activeDays)).sorted() }
}

/// A span of the calendar that documents are about.
protocol CalendarPeriod: Hashable, Comparable, Sendable {
    /// Counts periods from the beginning of calendars, or from 1970.
    var number: Int64 { get }
    init(number: Int64)
    init(containing date: CivilDate)
    var first: CivilDate { get }
    /// The day after the last.
    var end: CivilDate { get }
}

extension CalendarPeriod {
    /// Empty for a day that the clock skips.
    func span(in zone: ZoneRules) -> WindowSpan {
        WindowSpan(from: zone.start(of: first), until: zone.start(of: end))
    }
}

extension CivilMonth: CalendarPeriod {}

extension CivilDate: CalendarPeriod {
    var number: Int64 { daysSince1970 }
    init(number: Int64) { self.init(daysSince1970: number) }
    init(containing date: CivilDate) { self = date }
    var first: CivilDate { self }
    var end: CivilDate { CivilDate(daysSince1970: daysSince1970 + 1) }
}

extension MeterstoneEngine {
    func view(of id: SubjectID?) async throws(StoreError) -> StoreView {
        try await committer.read { (store) throws(StoreError) in try store.view(of: id) }
    }

    /// Answers a question about one subject from one snapshot beside the committer; `nil`: nothing
    /// was ever written of the subject.
    func answer<Answer: Sendable>(
        _ view: StoreView,
        _ work: @escaping @Sendable (SubjectContext) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer? {
        guard let subject = view.subject else { return nil }
        let now = clock()
        return try await committer.read { (store) throws(StoreError) -> Answer in
            try store.read(view) { (source) throws(StoreError) -> Answer in
                try work(
                    SubjectContext(
                        reader: try UsageReader(view, source, now: now), subject: subject, now: now)
                )
            }
        }
    }
}
