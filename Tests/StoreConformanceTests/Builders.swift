import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

extension MeterKey {
    static let prompts = MeterKey(unchecked: "prompts")
    static let seconds = MeterKey(unchecked: "seconds")
    static let exports = MeterKey(unchecked: "exports")
}

extension SubjectID {
    static let ada = SubjectID(unchecked: "ada")
    static let bob = SubjectID(unchecked: "bob")
    static let team = SubjectID(unchecked: "team")
    static let company = SubjectID(unchecked: "company")
}

extension PlanKey {
    static let free = PlanKey(unchecked: "free")
    static let pro = PlanKey(unchecked: "pro")
    static let big = PlanKey(unchecked: "big")
}

extension LimitKey {
    static let daily = LimitKey(unchecked: "prompts_daily")
}

extension Instant {
    static func at(_ text: String) -> Instant {
        guard let instant = Instant(rfc3339: text) else {
            Issue.record("\(text) is no instant")
            return .earliest
        }
        return instant
    }
}

extension Limit {
    /// So many prompts a day, under every plan.
    static func daily(_ allowance: Int64, mode: LimitMode = .enforce) -> Limit {
        limit("prompts_daily", allowance, per: .day, mode: mode)
    }

    static func limit(
        _ key: String, _ allowance: Int64, of meter: MeterKey = .prompts, per window: Window,
        mode: LimitMode = .enforce, dimensions: [String: [String]] = [:]
    ) -> Limit {
        Limit(
            key: LimitKey(unchecked: key), meter: meter, window: window,
            defaultAllowance: Allowance(wire: allowance), dimensions: dimensions, mode: mode)
    }
}

extension UsageEvent {
    /// One prompt, unless told otherwise.
    static func of(
        _ subject: SubjectID, _ quantities: [MeterKey: Int64] = [.prompts: 1], id: String? = nil,
        at instant: String? = nil, type: String? = nil, source: String? = nil,
        status: EventStatus = .success, dimensions: [String: String] = [:]
    ) -> UsageEvent {
        let hasDetails = type != nil || source != nil || status != .success || !dimensions.isEmpty
        return UsageEvent(
            id: id.flatMap { EventID($0) }, subject: subject,
            occurredAt: instant.map { .at($0) },
            quantities: Quantities(
                quantities.map { NamedQuantity(name: $0.key, quantity: Quantity($0.value)) }),
            details: hasDetails
                ? EventDetails(
                    source: source, type: type, status: status,
                    dimensions: dimensions.map { Dimension(name: $0.key, value: $0.value) })
                : nil)
    }
}

extension MeterstoneEngine {
    /// Applies a blueprint, and fails the test when a part of it is rejected.
    func setUp(
        meters: [Meter] = [Meter(key: .prompts)], plans: [Plan] = [], limits: [Limit] = [],
        credits: CreditPolicy? = nil
    ) async throws {
        let steps = try await apply(
            Blueprint(meters: meters, plans: plans, limits: limits, credits: credits),
            author: "test")
        for step in steps {
            if case .rejected(let rejection) = step.outcome {
                Issue.record("\(step.kind) \(step.key): \(rejection)")
            }
        }
    }

    @discardableResult
    func put(_ change: Change, key: String? = nil) async throws -> ChangeOutcome {
        try await self.change(
            ChangeRequest(change: change, author: "test", idempotencyKey: key)
        ).outcome
    }

    /// Consumes, and fails the test when that is not decided.
    func decide(_ event: UsageEvent) async throws -> Decision {
        let outcome = try await consume(event)
        guard case .decided(let decision) = outcome else {
            Issue.record("expected a decision, got \(outcome)")
            throw UnexpectedOutcome()
        }
        return decision
    }

    /// Consumes prompts, and fails the test when that is not decided.
    func decide(
        _ subject: String, _ quantity: Quantity = 1, id: String? = nil, at instant: Instant? = nil
    ) async throws -> Decision {
        try await decide(
            UsageEvent(
                id: id.flatMap { EventID($0) }, subject: try #require(SubjectID(subject)),
                occurredAt: instant, quantities: .one(.prompts, quantity)))
    }

    /// Records, and fails the test when that is not counted.
    /// Changes ada's plan, and tells what that came to.
    func changePlan(
        _ change: SubscriptionChange, of id: SubjectID = .ada, key: String? = nil
    ) async throws -> SubscriptionTurn {
        let receipt = try await self.change(
            ChangeRequest(
                change: .changeSubscription(id, change), author: "test", idempotencyKey: key))
        if case .rejected(let rejection) = receipt.outcome { throw rejection }
        return try JSONText(text: try #require(receipt.after))
            .decoded(as: SubscriptionTurn.self)
    }

    func count(_ events: UsageEvent...) async throws {
        for (event, outcome) in zip(events, try await record(events)) {
            if case .counted = outcome { continue }
            Issue.record("\(event): expected counted, got \(outcome)")
        }
    }

    func void(_ id: String, source: String? = nil) async throws -> CorrectionOutcome {
        try await correct(
            Correction(
                eventID: try #require(EventID(id)), source: source, kind: .void,
                author: "grace", reason: "a mistake"))
    }

    func amend(
        _ id: String, _ quantities: [MeterKey: Int64], details: EventDetails? = nil
    ) async throws -> CorrectionOutcome {
        try await correct(
            Correction(
                eventID: try #require(EventID(id)),
                kind: .amend(UsageEvent.of(.ada, quantities).quantities, details),
                author: "grace", reason: "a mistake"))
    }

    /// What each limit says is used, by its key; a team's under `key@team`.
    func used(_ subject: SubjectID) async throws -> [String: Int64] {
        var result: [String: Int64] = [:]
        for status in try await limits(of: subject) {
            let level = status.ancestor.map { "@\($0)" } ?? ""
            result["\(status.limit)\(level)"] = status.used.units
        }
        return result
    }

    /// The quantities of a usage series.
    func quantities(
        of subject: SubjectID, _ meter: MeterKey = .prompts, per window: Window,
        from: String? = nil, until: String? = nil
    ) async throws -> [Int64] {
        let outcome = try await usage(
            of: subject, meter: meter, window: window, from: from.map { .at($0) },
            until: until.map { .at($0) })
        guard case .series(let series) = outcome else {
            Issue.record("expected a series, got \(outcome)")
            throw UnexpectedOutcome()
        }
        return series.points.map(\.quantity.units)
    }

    /// Fails the test when a counter is not what the events say.
    func expectClean(_ location: SourceLocation = #_sourceLocation) async throws {
        let differences = try await verify().differences
        #expect(differences == [], sourceLocation: location)
    }
}

extension ConsumeOutcome {
    /// The stable code of a rejection, or what else it is.
    var code: String {
        switch self {
        case .rejected(let rejection): rejection.code.rawValue
        case .conflict: "conflict"
        case .decided(let decision): decision.isAllowed ? "allowed" : "denied"
        }
    }
}

extension RecordOutcome {
    var code: String {
        switch self {
        case .counted: "counted"
        case .duplicate: "duplicate"
        case .conflict: "conflict"
        case .rejected(let rejection): rejection.code.rawValue
        }
    }
}

extension ChangeOutcome {
    var code: String {
        if case .rejected(let rejection) = self { return rejection.code.rawValue }
        return "\(self)"
    }
}

extension CorrectionOutcome {
    var code: String {
        if case .rejected(let rejection) = self { return rejection.code.rawValue }
        return "\(self)"
    }
}

struct UnexpectedOutcome: Error {}
