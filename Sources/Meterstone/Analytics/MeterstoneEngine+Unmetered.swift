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
                        suggestion: context.blueprint.suggestion(
                            forType: kind.type, kind.status))
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
