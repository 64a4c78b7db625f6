import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Many events on their way into the engine, some thousand with each commit.
struct EventBatch {
    private let engine: MeterstoneEngine
    private let use: EventsAnswer.Use
    /// Nothing is recorded, and all are tried together, so that each sees the ones before.
    private let isDryRun: Bool
    private let key: String?
    private let clock: @Sendable () -> Instant
    private var answer: EventsAnswer
    private var waiting: [ReadEvent] = []
    /// Events that the engine has answered for.
    private(set) var committed = 0

    init(
        _ use: EventsAnswer.Use, isDryRun: Bool, engine: MeterstoneEngine, key: String?,
        listsCounted: Bool, clock: @escaping @Sendable () -> Instant
    ) {
        self.engine = engine
        self.use = use
        self.isDryRun = isDryRun
        self.key = key
        self.clock = clock
        answer = EventsAnswer(
            use, isDryRun: isDryRun, listsCounted: listsCounted,
            resultsMax: RequestLimits.resultsMax)
    }

    /// Adds the events of one JSON text.
    mutating func add(allOf document: EventDocument) async throws {
        var document = document
        while let event = document.next() {
            try await add(event)
            // Events that break rules never wait for anything, and others are to have their turn.
            if event.index % RequestLimits.eventsPerTurnMax == 0 { await Task.yield() }
        }
    }

    mutating func add(_ read: ReadEvent) async throws {
        var read = read.identified(by: key)
        if case .success(let event) = read.event, let foreign = try await engine.foreign(in: event)
        {
            read = read.rejected(foreign)
        }
        waiting.append(read)
        if waiting.count == RequestLimits.eventsPerCommitMax, !isDryRun { try await commit() }
    }

    private mutating func commit() async throws {
        let events = waiting.compactMap { try? $0.event.get() }
        switch use {
        case .record: try await record(events)
        case .consume: try await consume(events)
        }
        committed += events.count
        waiting.removeAll(keepingCapacity: true)
    }

    private mutating func record(_ events: [UsageEvent]) async throws {
        var outcomes: ArraySlice<RecordOutcome> = []
        if !events.isEmpty {
            outcomes =
                isDryRun
                ? try await engine.dryRun(recording: events)[...]
                : try await engine.record(events)[...]
        }
        for read in waiting {
            switch (read.event, outcomes.first) {
            case (.failure(let rejection), _):
                answer.addRejected(rejection, at: read.index, id: read.id)
            case (.success(let event), .conflict?) where answer.hasRoom:
                let fields = try await engine.differences(of: event)
                answer.add(outcomes.removeFirst(), at: read.index, id: read.id, differs: fields)
            case (.success(let event), let outcome?):
                outcomes.removeFirst()
                let suggestion =
                    answer.hasRoom ? try await engine.suggestion(event, outcome) : nil
                answer.add(outcome, at: read.index, id: read.id, suggestion: suggestion)
            case (.success, nil): throw Problem.unexplained
            }
        }
    }

    private mutating func consume(_ events: [UsageEvent]) async throws {
        var outcomes: ArraySlice<ConsumeOutcome> = []
        if !events.isEmpty {
            outcomes =
                isDryRun
                ? try await engine.dryRun(consuming: events)[...]
                : try await engine.consume(events)[...]
        }
        let now = clock()
        for read in waiting {
            switch (read.event, outcomes.first) {
            case (.failure(let rejection), _):
                answer.addRejected(rejection, at: read.index, id: read.id)
            case (.success(let event), .conflict?):
                let fields = try await engine.differences(of: event)
                answer.add(
                    outcomes.removeFirst(), at: read.index, id: read.id, now: now,
                    differs: fields)
            case (.success, _):
                answer.add(outcomes.removeFirst(), at: read.index, id: read.id, now: now)
            }
        }
    }

    /// Commits the rest and gives the answer for all.
    consuming func finish() async throws -> [UInt8] {
        try await commit()
        return answer.json()
    }
}

extension MeterstoneEngine {
    /// What was probably meant by an event that no meter counts; mostly nothing.
    func suggestion(_ event: UsageEvent, _ outcome: RecordOutcome) async throws -> String? {
        guard case .counted(_, let moved, _) = outcome, moved.isEmpty, let details = event.details,
            let type = details.type, details.status == .success
        else { return nil }
        let blueprint = try await blueprint()
        let names = blueprint.meters.flatMap { $0.eventTypes + $0.names.map(\.text) }
        guard Spelling.nearest(to: type, among: Set(names)) != nil else { return nil }
        return blueprint.suggestion(forType: type, details.status)
    }
}
