import CoreMetrics
import MeterstoneCore
import MeterstoneStore

/// What is told about an engine, and in a line each, for whoever reads it.
package enum EngineMetric: String, CaseIterable, Sendable {
    case decisions = "meterstone_decisions_total"
    case limits = "meterstone_limit_decisions_total"
    case events = "meterstone_events_total"
    case commitCommands = "meterstone_commit_commands"
    case commitSeconds = "meterstone_commit_seconds"
    case waitingCommands = "meterstone_waiting_commands"
    case journalFacts = "meterstone_journal_facts"
    case owedFacts = "meterstone_projection_owed_facts"
    case projectionLag = "meterstone_projection_lag_seconds"
    case cachedSubjects = "meterstone_cached_subjects"
    case storeErrors = "meterstone_store_errors_total"

    package var help: String {
        switch self {
        case .decisions: "Decisions by operation and outcome."
        case .limits:
            "Consumes and reservations by limit: what it refused, or in shadow would have."
        case .events: "Events that were reported, by outcome."
        case .commitCommands: "Commands in one commit."
        case .commitSeconds: "How long a commit takes."
        case .waitingCommands: "Commands that wait for the next commit."
        case .journalFacts: "Durable facts that are not yet in the tables."
        case .owedFacts: "Work of projection that is owed, in facts."
        case .projectionLag: "How long the oldest fact has waited to be projected."
        case .cachedSubjects: "Subjects in memory."
        case .storeErrors: "Failures of the store, by error code."
        }
    }
}

/// Tells swift-metrics what the committer does: some additions for each commit, nothing for each command.
struct EngineMetrics: Sendable {
    private enum Operation: String, CaseIterable {
        case consume, check, reserve
    }

    private enum Result: String, CaseIterable {
        case allowed, duplicate, conflict, rejected
        case limitExceeded = "limit_exceeded"
        case insufficientCredits = "insufficient_credits"
        case subjectBlocked = "subject_blocked"

        init(_ decision: Decision) {
            switch decision.denial?.reason {
            case .limitExceeded: self = .limitExceeded
            case .insufficientCredits: self = .insufficientCredits
            case .subjectBlocked: self = .subjectBlocked
            // The engine decides of no feature.
            case nil, .featureOff: self = decision.isDuplicate ? .duplicate : .allowed
            }
        }

        init(_ outcome: ConsumeOutcome) {
            switch outcome {
            case .decided(let decision): self.init(decision)
            case .conflict: self = .conflict
            case .rejected: self = .rejected
            }
        }

        init(_ outcome: ReserveOutcome) {
            switch outcome {
            case .decided(let decision, _): self.init(decision)
            case .conflict: self = .conflict
            case .rejected: self = .rejected
            }
        }
    }

    private enum Report: String, CaseIterable {
        case counted, duplicate, conflict, rejected

        init(_ outcome: RecordOutcome) {
            switch outcome {
            case .counted: self = .counted
            case .duplicate: self = .duplicate
            case .conflict: self = .conflict
            case .rejected: self = .rejected
            }
        }
    }

    private let decisions: [Operation: [Result: CoreMetrics.Counter]]
    private let limits: LimitMetrics
    private let events: [Report: CoreMetrics.Counter]
    private let commitCommands: CoreMetrics.Recorder
    private let commitTime: CoreMetrics.Timer
    private let waiting: CoreMetrics.Meter
    private let journal: CoreMetrics.Meter
    private let owed: CoreMetrics.Meter
    private let lag: CoreMetrics.Meter
    private let cached: CoreMetrics.Meter
    private let errors: [StoreError.Code.Kind: CoreMetrics.Counter]

    init(_ factory: any MetricsFactory) {
        func counter(_ metric: EngineMetric, _ labels: [(String, String)]) -> CoreMetrics.Counter {
            CoreMetrics.Counter(label: metric.rawValue, dimensions: labels, factory: factory)
        }
        func meter(_ metric: EngineMetric) -> CoreMetrics.Meter {
            CoreMetrics.Meter(label: metric.rawValue, factory: factory)
        }
        var decisions: [Operation: [Result: CoreMetrics.Counter]] = [:]
        for operation in Operation.allCases {
            for result in Result.allCases {
                let labels = [("operation", operation.rawValue), ("outcome", result.rawValue)]
                decisions[operation, default: [:]][result] = counter(.decisions, labels)
            }
        }
        self.decisions = decisions
        limits = LimitMetrics(factory)
        var events: [Report: CoreMetrics.Counter] = [:]
        for report in Report.allCases {
            events[report] = counter(.events, [("outcome", report.rawValue)])
        }
        self.events = events
        var errors: [StoreError.Code.Kind: CoreMetrics.Counter] = [:]
        for kind in StoreError.Code.Kind.allCases {
            errors[kind] = counter(.storeErrors, [("code", kind.rawValue)])
        }
        self.errors = errors
        commitCommands = CoreMetrics.Recorder(
            label: EngineMetric.commitCommands.rawValue, factory: factory)
        commitTime = CoreMetrics.Timer(label: EngineMetric.commitSeconds.rawValue, factory: factory)
        waiting = meter(.waitingCommands)
        journal = meter(.journalFacts)
        owed = meter(.owedFacts)
        lag = meter(.projectionLag)
        cached = meter(.cachedSubjects)
    }

    /// Notes a commit.
    func note(_ commands: [Command], _ outcomes: [Outcome], nanoseconds: UInt64) {
        commitCommands.record(Int64(commands.count))
        commitTime.recordNanoseconds(Int64(clamping: nanoseconds))
        var checks: [Result: Int64] = [:]
        var consumes: [Result: Int64] = [:]
        var reserves: [Result: Int64] = [:]
        var reports: [Report: Int64] = [:]
        var decided = LimitMetrics.Tally()
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .consumed(let outcome):
                if case .check = commands[index] {
                    checks[Result(outcome), default: 0] += 1
                } else {
                    consumes[Result(outcome), default: 0] += 1
                    if case .decided(let decision) = outcome { decided.add(decision) }
                }
            case .reserved(let outcome):
                if case .decided(let decision, _) = outcome { decided.add(decision) }
                reserves[Result(outcome), default: 0] += 1
            case .recorded(let outcome): reports[Report(outcome), default: 0] += 1
            default: break
            }
        }
        for (operation, results) in [
            (Operation.consume, consumes), (.check, checks), (.reserve, reserves),
        ] {
            for (result, count) in results { decisions[operation]?[result]?.increment(by: count) }
        }
        for (report, count) in reports { events[report]?.increment(by: count) }
        limits.note(decided)
    }

    func note(_ error: StoreError) {
        errors[error.code.kind]?.increment(by: Int64(1))
    }

    /// Notes how things stand after a commit or a step of projection.
    func note(journal facts: Int, owed work: Int, cached subjects: Int) {
        journal.set(Int64(facts))
        owed.set(Int64(work))
        cached.set(Int64(subjects))
    }

    /// Notes what changes with time alone.
    func note(waiting commands: Int, lagNanoseconds: UInt64) {
        waiting.set(Int64(commands))
        lag.set(Double(lagNanoseconds) / 1_000_000_000)
    }
}

extension MeterstoneEngine {
    /// Brings what changes with time alone up to date: the queue's length and the lag of projection. For
    /// whoever reads the metrics, before they do.
    public func refreshMetrics() {
        committer.refreshMetrics()
    }
}
