import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

extension MeterKey {
    static let prompts = MeterKey(unchecked: "prompts")
}

extension SubjectID {
    static let ada = SubjectID(unchecked: "ada")
    static let bob = SubjectID(unchecked: "bob")
    static let team = SubjectID(unchecked: "team")
}

extension LimitKey {
    static let daily = LimitKey(unchecked: "prompts_daily")
}

extension Limit {
    /// So many prompts a day, under every plan.
    static func daily(_ allowance: Int64) -> Limit {
        Limit(
            key: .daily, meter: .prompts, window: .day,
            defaultAllowance: Allowance(wire: allowance))
    }
}

extension UsageEvent {
    static func of(
        _ subject: SubjectID, _ quantity: Quantity = 1, id: String? = nil,
        at instant: Instant? = nil
    ) -> UsageEvent {
        UsageEvent(
            id: id.flatMap { EventID($0) }, subject: subject, occurredAt: instant,
            quantities: .one(.prompts, quantity))
    }
}

extension MeterstoneEngine {
    /// Sets one meter and one limit up.
    func setUp(daily allowance: Int64) async throws {
        let steps = try await apply(
            Blueprint(meters: [Meter(key: .prompts)], plans: [], limits: [.daily(allowance)]),
            author: "test")
        for step in steps {
            if case .rejected(let rejection) = step.outcome { Issue.record("\(rejection)") }
        }
    }

    @discardableResult
    func put(_ change: Change, key: String? = nil) async throws -> ChangeReceipt {
        let receipt = try await self.change(
            ChangeRequest(change: change, author: "test", idempotencyKey: key))
        if case .rejected(let rejection) = receipt.outcome { Issue.record("\(rejection)") }
        return receipt
    }

    /// Consumes, and says in one word what became of it: `allowed`, `again`, `denied`, `conflict`, or
    /// the code of an error or of a rejection.
    func answer(_ event: UsageEvent) async -> String {
        do throws(StoreError) {
            return try await consume(event).word
        } catch {
            return error.code.text
        }
    }

    /// What the daily limit says is used.
    func used(_ subject: SubjectID) async throws -> Int64 {
        try await limits(of: subject).first { $0.ancestor == nil }?.used.units ?? -1
    }
}

extension ConsumeOutcome {
    var word: String {
        switch self {
        case .rejected(let rejection): rejection.code.rawValue
        case .conflict: "conflict"
        case .decided(let decision):
            decision.isDuplicate ? "again" : decision.isAllowed ? "allowed" : "denied"
        }
    }
}
