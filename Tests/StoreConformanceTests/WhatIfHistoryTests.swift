import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Random histories: what a question refuses is what a second engine refuses, into which the same is
/// consumed with limits that enforce.
@Suite struct WhatIfHistoryTests {
    @Test(arguments: StoreUnderTest.allCases, 1...8)
    func `a question refuses what limits that enforce refuse`(
        store: StoreUnderTest, seed: Int
    ) async throws {
        let from = Instant.at("2026-03-12T00:00:00Z")
        let until = Instant.at("2026-03-19T00:00:00Z")
        let whole = WindowSpan(from: .earliest, until: .latest)
        for span in [whole, WindowSpan(from: from, until: until)] {
            try await compare(store, seed: UInt64(seed), span)
        }
    }

    private func compare(_ store: StoreUnderTest, seed: UInt64, _ span: WindowSpan) async throws {
        let clock = ManualClock()
        try await store.with(clock: clock) { recording, _ in
            try await StoreUnderTest.memory.with(clock: clock) { enforcing, _ in
                var history = WhatIfHistory(
                    seed: seed, recording: recording, enforcing: enforcing, clock: clock,
                    span: span)
                try await history.run()
                let isWhole = span.from == .earliest
                let answer = try await recording.answer(
                    WhatIfQuestion(
                        from: isWhole ? nil : span.from, until: isWhole ? nil : span.until,
                        allowances: WhatIfHistory.limits.map { .init(limit: $0.key) },
                        refusalsMax: 10_000))
                let refused = Dictionary(
                    answer.refusals.map { ($0.eventID, $0.limits) }, uniquingKeysWith: { $1 })
                let comment: Comment = "SEED=\(seed)"
                let different = Set(refused.keys).union(history.refused.keys)
                    .filter { refused[$0] != history.refused[$0] }.sorted { $0.text < $1.text }
                #expect(different == [], comment)
                #expect(answer.events == history.decided, comment)
                #expect(answer.refused == history.refused.count, comment)
                #expect(answer.refused > answer.events / 20, comment)
                #expect(answer.refused < answer.events, comment)
                try await recording.expectClean()
            }
        }
    }
}

/// The same things happen to two engines: one records them, one decides what falls into a span.
private struct WhatIfHistory {
    static let limits: [Limit] = [
        Limit(
            key: .daily, meter: .prompts, window: .day,
            allowances: [.free: .units(6), .pro: .units(12)]),
        .limit("ever", 90, of: .exports, per: .lifetime),
        .limit("models_hourly", 2, of: .models, per: .hour),
        .limit("once", 36, of: .seconds, per: .request),
        .limit("peak", 38, of: .peak, per: .month),
        .limit("rolling", 90, of: .seconds, per: .rolling(seconds: 7_200)),
        .limit("team_week", 150, per: .week(startsOn: .monday)),
        .limit("video_daily", 3, per: .day, dimensions: ["kind": ["video"]]),
    ]
    private static let meters: [Meter] = [
        Meter(key: .prompts), Meter(key: .seconds),
        Meter(key: .exports, aggregation: .count, eventTypes: ["export"]),
        Meter(key: .peak, aggregation: .max, quantityName: .seconds),
        Meter(
            key: .models, aggregation: .uniqueCount, eventTypes: ["export"],
            uniqueDimension: "model"),
    ]
    private static let subjects: [SubjectID] = [.ada, .bob, SubjectID(unchecked: "cleo"), .team]

    private var random: SplitMix64
    private let recording: MeterstoneEngine
    private let enforcing: MeterstoneEngine
    private let clock: ManualClock
    private let span: WindowSpan
    private var profiles: [SubjectID: Subject] = [:]
    private var count = 0
    /// What the second engine refused, and by which limits.
    private(set) var refused: [EventID: [LimitKey]] = [:]
    private(set) var decided = 0

    init(
        seed: UInt64, recording: MeterstoneEngine, enforcing: MeterstoneEngine,
        clock: ManualClock, span: WindowSpan
    ) {
        random = SplitMix64(state: seed)
        self.recording = recording
        self.enforcing = enforcing
        self.clock = clock
        self.span = span
    }

    mutating func run() async throws {
        // Before everything that happens, so that it is said of all of it.
        clock.set(.at("2026-02-01T00:00:00Z"))
        let plans = [Plan(key: .free, isDefault: true), Plan(key: .pro)]
        let off = Self.limits.map { limit in
            var limit = limit
            limit.mode = .off
            return limit
        }
        try await recording.setUp(meters: Self.meters, plans: plans, limits: off)
        try await enforcing.setUp(meters: Self.meters, plans: plans, limits: Self.limits)
        for subject in Self.subjects {
            try await put(
                Subject(
                    id: subject, timeZone: subject == .bob ? "Asia/Kathmandu" : nil,
                    parent: subject == .team ? nil : .team, plan: .free))
        }
        try await change(.putOverride(.ada, .daily, .units(9)))
        clock.set(.at("2026-03-05T00:00:00Z"))
        for _ in 0..<260 {
            clock.advance(bySeconds: Int64.random(in: 0...9_000, using: &random))
            try await step()
        }
    }

    private mutating func step() async throws {
        switch Int.random(in: 0..<30, using: &random) {
        case 0:
            // Of the plan of a team that is not its members' too, no event of theirs tells.
            guard var profile = profiles[pick()], profile.id != .team else { return }
            profile.plan = Bool.random(using: &random) ? .free : .pro
            try await put(profile)
        case 1:
            guard var profile = profiles[pick()], profile.id != .team else { return }
            profile.parent = profile.parent == nil ? .team : nil
            try await put(profile)
        default: try await use()
        }
    }

    private mutating func pick() -> SubjectID {
        Self.subjects.randomElement(using: &random) ?? .ada
    }

    private mutating func put(_ profile: Subject) async throws {
        profiles[profile.id] = profile
        try await change(.putSubject(profile))
    }

    private func change(_ change: Change) async throws {
        try await recording.put(change)
        try await enforcing.put(change)
    }

    /// One event: told at once, told wrongly and put right, or set aside and settled.
    private mutating func use() async throws {
        count += 1
        let event = makeEvent()
        let id = try #require(event.id)
        var wrong = event
        wrong.quantities = .one(.prompts, 77)
        switch Int.random(in: 0..<12, using: &random) {
        case 0:
            try await recording.count(event)
            _ = try await recording.void(id.text)
            return
        case 1:
            try await recording.count(wrong)
            _ = try await recording.correct(
                Correction(
                    eventID: id, kind: .amend(event.quantities, nil), author: "grace", reason: "r"))
        case 2:
            _ = try await recording.reserve(wrong)
            _ = try await recording.settle(
                id, Quantities([.init(name: .prompts, quantity: 0)] + event.quantities.pairs))
        default: try await recording.count(event)
        }
        try await decide(event, id)
    }

    private mutating func decide(_ event: UsageEvent, _ id: EventID) async throws {
        guard span.contains(event.occurredAt ?? clock.now) else {
            return try await enforcing.count(event)
        }
        decided += 1
        let decision = try await enforcing.decide(event)
        if let denial = decision.denial { refused[id] = denial.violated }
    }

    private mutating func makeEvent() -> UsageEvent {
        var quantities: [MeterKey: Int64] = [:]
        if Int.random(in: 0..<3, using: &random) > 0 {
            quantities[.prompts] = Int64.random(in: 1...3, using: &random)
        }
        if quantities.isEmpty || Bool.random(using: &random) {
            quantities[.seconds] = Int64.random(in: 0...40, using: &random)
        }
        let isLate = Int.random(in: 0..<4, using: &random) == 0
        let late = isLate ? Int64.random(in: 0...200_000, using: &random) * 1_000 : 0
        var event = UsageEvent.of(
            pick(), quantities, id: "e\(count)",
            type: Bool.random(using: &random) ? "export" : "other",
            dimensions: [
                "kind": Bool.random(using: &random) ? "video" : "text",
                "model": "m\(Int.random(in: 0..<4, using: &random))",
            ])
        event.occurredAt = clock.now.advanced(byMilliseconds: -late)
        return event
    }
}

extension MeterKey {
    fileprivate static let models = MeterKey(unchecked: "models")
    fileprivate static let peak = MeterKey(unchecked: "peak")
}
