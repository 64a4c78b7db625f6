import Meterstone
import MeterstoneCore
import MeterstonePostgres

/// Engines that share one database, each with connections of its own, as nodes have.
struct PostgresNodes: Sendable {
    private static let meter = MeterKey(unchecked: "prompt")
    private static let plan = PlanKey(unchecked: "free")

    private let engines: [MeterstoneEngine]
    private let subjects: [SubjectID]

    init(_ count: Int, url: String, subjects: Int) async throws {
        engines = try (0..<count).map { _ in
            MeterstoneEngine(store: try PostgresStore(PostgresOptions(url: url)))
        }
        self.subjects = (1...subjects).map { SubjectID(unchecked: String($0)) }
        _ = try await engines[0].apply(
            Blueprint(
                meters: [Meter(key: Self.meter)],
                plans: [Plan(key: Self.plan, isDefault: true)],
                limits: [
                    Limit(
                        key: LimitKey(unchecked: "prompts_daily"), meter: Self.meter, window: .day,
                        allowances: [Self.plan: .units(1_000_000_000)])
                ]), author: "bench")
    }

    /// Brings every subject in, with a counter of today.
    func addSubjects() async throws {
        var picker = Picker(seed: 0)
        for start in stride(from: 0, to: subjects.count, by: 8_190) {
            let part = subjects[start..<min(start + 8_190, subjects.count)]
            try check(try await engines[0].consume(part.map { event($0, &picker) }))
        }
    }

    /// Callers, spread evenly over the nodes, that each wait for their answer before they ask again.
    func measure(_ picks: Picks, callers: Int, for duration: Duration) async throws -> Pace {
        try await pace(callers: callers, for: duration) { caller, picker in
            let index = picks == .hot ? 0 : picker.next(below: subjects.count)
            let event = event(subjects[index], &picker)
            try check([try await engines[caller % engines.count].consume(event)])
            return 1
        }
    }

    func shutdown() async {
        for engine in engines { await engine.shutdown() }
    }

    private func event(_ subject: SubjectID, _ picker: inout Picker) -> UsageEvent {
        UsageEvent(id: picker.nextID(), subject: subject, quantities: .one(Self.meter, 1))
    }

    /// A refusal would be quicker than what is measured.
    private func check(_ outcomes: [ConsumeOutcome]) throws {
        for outcome in outcomes {
            guard case .decided(let decision) = outcome, decision.denial == nil else {
                throw BenchError(message: "nothing is to be refused here: \(outcome)")
            }
        }
    }
}
