public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// How operations ended, by type and subtype, the most frequent first. Events that only name a meter have
    /// neither, and are a row of their own.
    ///
    /// - Parameter minimumEvents: only those with more events are told.
    public func errorRates(
        minimumEvents: Int, _ question: ReportQuestion
    ) async throws(StoreError) -> ReportOutcome<ErrorRate> {
        guard minimumEvents >= 0 else { return .rejected(.minimumEvents) }
        return try await report(question) { (context) throws(StoreError) in
            let rates = try context.errorRates()
            return context.page(of: rates.filter { $0.events > Int64(minimumEvents) })
        }
    }
}

/// The kinds of operations that are told apart.
private struct OperationName: Hashable {
    var type: String?
    var subtype: String?
}

/// How operations of one kind ended.
private struct OperationSum: FoldState {
    var events: Int64 = 0
    var failed: Int64 = 0
    var cancelled: Int64 = 0
    var durations: Durations

    init(_ memory: MemoryShare) {
        durations = Durations(memory)
    }

    var bytes: Int { 64 + durations.bytes }

    mutating func tell(_ memory: MemoryShare?) { durations.tell(memory) }

    mutating func add(_ run: ColumnRun) {
        let weights = run.weights
        let count = run.events(weights)
        events += count
        switch run.shape.status {
        case .success: break
        case .failed: failed += count
        case .cancelled: cancelled += count
        }
        if let place = run.shape.durationPlace { durations.add(run.values(place), weights) }
    }
}

extension OperationSum {
    func rate(of name: OperationName) -> ErrorRate {
        ErrorRate(
            type: name.type, subtype: name.subtype, events: events, failed: failed,
            cancelled: cancelled, errorRate: Ratio(failed, of: events),
            averageDurationMs: durations.average, p50DurationMs: durations.percentile(50),
            p95DurationMs: durations.percentile(95))
    }
}

extension ErrorRate {
    fileprivate static func isMoreFrequent(_ one: ErrorRate, _ other: ErrorRate) -> Bool {
        (other.events, one.type ?? "", one.subtype ?? "")
            < (one.events, other.type ?? "", other.subtype ?? "")
    }
}

extension ReportContext {
    /// Of every kind of operation, the most frequent first.
    fileprivate func errorRates() throws(StoreError) -> [ErrorRate] {
        let start: [OperationName: OperationSum] = [:]
        return try result(
            of: RememberedFold(part: .errors, start: start), where: { _ in true },
            bytes: { 256 * $0.count },
            as: { $0.map { $1.rate(of: $0) }.sorted(by: ErrorRate.isMoreFrequent) }
        ) { (operations, run) in
            let name = OperationName(type: run.shape.type, subtype: run.shape.subtype)
            operations[name, default: OperationSum(memory)].add(run)
        }
    }
}

extension Rejection {
    fileprivate static let minimumEvents = Rejection(
        code: .invalidField, field: "minimumEvents", message: "expected a whole number from 0")
}
