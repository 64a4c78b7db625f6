import MeterstoneCore
import MeterstoneStore

extension MeterstoneEngine {
    /// A filter by type, about the days alone on which events of the type are; `nil`: there are none.
    ///
    /// Which types a day has is remembered while its rows are the same, so that a list of what is seldom does not
    /// read all days anew.
    func narrowed(
        _ filter: EventFilter, _ view: StoreView, _ source: any StoreSource, now: Instant
    ) throws(StoreError) -> EventFilter? {
        guard let type = filter.type, !filter.findsLateTypes, filter.subject == nil else {
            return filter
        }
        let span = WindowSpan(
            from: max(filter.from ?? .earliest, .earliest),
            until: min(filter.until ?? .latest, .latest))
        guard span.from < span.until else { return filter }
        let scan = try ColumnScan(view, source)
        let context = ReportContext(
            scan: scan, question: ReportQuestion(), span: span, zone: view.zone, now: now,
            memory: MemoryShare(memory), remembered: remembered)
        let days = try scan.days(within: span).map { day in
            WindowSpan(from: .startOf(day: day), until: .startOf(day: day + 1))
        }
        guard days.count <= ReportContext.windowsMax else { return filter }
        let types = try context.recall(.types, of: days, bytes: { 64 * $0.count }) {
            (days) throws(StoreError) in
            try days.map { (day) throws(StoreError) in try context.types(on: day) }
        }
        let wanted = days.indices.filter { types[$0].contains(type) }
        guard let first = wanted.first, let last = wanted.last else { return nil }
        var narrowed = filter
        narrowed.from = max(span.from, days[first].from)
        narrowed.until = min(span.until, days[last].until)
        return narrowed
    }
}

extension ReportContext {
    /// Of whatever was recorded, taken back since or not.
    fileprivate func types(on day: WindowSpan) throws(StoreError) -> Set<String> {
        var types: Set<String> = []
        try forEachRun(
            in: day,
            where: { shape in
                if let type = shape.type { types.insert(type) }
                return false
            }
        ) { _ in }
        return types
    }
}
