public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Events that no meter counts, by type and status, the most frequent first, each with what may help.
    public func unmeteredEvents(
        _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<UnmeteredEvents> {
        try await report(question) { (context) throws(StoreError) in
            let meters = context.blueprint.meters
            var kinds: [UnmeteredKind: UnmeteredSum] = [:]
            try context.forEachRun(
                withTimes: true,
                where: { shape in meters.allSatisfy { $0.movement(of: shape) == nil } }
            ) { (run) in
                let kind = UnmeteredKind(type: run.shape.type, status: run.shape.status)
                kinds[kind, default: UnmeteredSum()].add(run)
            }
            let rows = kinds.filter { $0.value.events > 0 }
                .map { kind, sum in
                    UnmeteredEvents(
                        type: kind.type, status: kind.status, events: sum.events,
                        firstAt: Instant(millisecondsSince1970: sum.first),
                        lastAt: Instant(millisecondsSince1970: sum.last),
                        suggestion: kind.suggestion(meters))
                }.sorted {
                    ($1.events, $0.type ?? "", $0.status.rawValue)
                        < ($0.events, $1.type ?? "", $1.status.rawValue)
                }
            return context.page(of: rows)
        }
    }
}

/// The kinds of events that are told apart.
private struct UnmeteredKind: Hashable {
    var type: String?
    var status: EventStatus

    /// What may help, in a sentence.
    func suggestion(_ meters: [Meter]) -> String {
        guard let type else {
            return "no meter counts its quantities with this status and these dimensions"
        }
        let counting = meters.filter { $0.eventTypes.contains(type) }
        if let meter = counting.first {
            guard counting.contains(where: { $0.counts(status) }) else {
                return
                    "the meter '\(meter.key)' counts this type, and not the status \(status.rawValue)"
            }
            return "the meter '\(meter.key)' counts this type with other dimensions"
        }
        let types = Set(meters.flatMap(\.eventTypes))
        guard let nearest = Spelling.nearest(to: type, among: types),
            let meter = meters.first(where: { $0.eventTypes.contains(nearest) })
        else { return "add a meter with the event type '\(type)'" }
        return "did you mean '\(nearest)', which moves the meter '\(meter.key)'?"
    }
}

private struct UnmeteredSum {
    private(set) var events: Int64 = 0
    /// Milliseconds since 1970; those of events that were taken back since are among them.
    private(set) var first = Int64.max
    private(set) var last = Int64.min

    mutating func add(_ run: ColumnRun) {
        events += run.events(run.weights)
        for time in run.times {
            first = min(first, time)
            last = max(last, time)
        }
    }
}
