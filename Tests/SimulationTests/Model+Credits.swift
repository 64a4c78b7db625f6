import MeterstoneCore
import MeterstoneStore

extension Model {
    /// What pays first; `nil`: nothing costs credits.
    var payment: CreditPayment? {
        blueprint.credits.flatMap { $0.isEnabled ? $0.payment : nil }
    }

    func price(_ meter: MeterKey) -> Int64 {
        payment == nil ? 0 : blueprint.credits?.prices[meter] ?? 0
    }

    func cost(of units: [MeterKey: Int64]) -> Int64 {
        units.reduce(0) { $0 + price($1.key) * $1.value }
    }

    /// Whether units beyond a limit are paid with credits instead of being refused.
    func canPay(beyond limit: Limit, _ meter: Meter) -> Bool {
        payment == .allowanceFirst && price(meter.key) > 0 && limit.window != .request
            && limit.window != .concurrent
    }

    func givenPlan(_ id: SubjectID, at instant: Instant) -> Plan? {
        let key = plan(id, at: instant)
        return blueprint.plans.first { $0.key == key }
    }

    func overdraft(_ id: SubjectID, at now: Instant) -> Int64 {
        givenPlan(id, at: now)?.overdraft ?? 0
    }

    /// A subject's credits as of now, of which nothing is written down.
    func wallet(_ id: SubjectID, at now: Instant) -> ModelWallet {
        var wallet = wallets[id] ?? ModelWallet()
        for instant in moments(of: id).filter({ $0 <= now }).sorted() + [now] {
            wallet.pass(
                to: instant, span: { span($0, id, at: $1) },
                continuing: { start in
                    given(id, at: start, by: past.last { $0.from < start })
                },
                recurring: { start in
                    given(id, at: start, by: past.last { $0.from <= start })
                })
        }
        return wallet
    }

    /// What a subject was given at an instant, as plans were.
    private func given(
        _ id: SubjectID, at instant: Instant,
        by then: (from: Instant, plans: [Plan], isEnabled: Bool)?
    ) -> [RecurringGrant] {
        guard let then, then.isEnabled else { return [] }
        let key = plan(id, at: instant, default: then.plans.first { $0.isDefault }?.key)
        return then.plans.first { $0.key == key }?.recurringGrants ?? []
    }

    /// At which somebody has to look, so that nothing begins too late.
    private func moments(of id: SubjectID) -> [Instant] {
        guard let first = pastAtFirst[id] else { return [] }
        let latest = levels(id).compactMap { since[$0] }.max()
        let changes = past.enumerated().filter { since[id] != nil || $0.offset >= first }
            .map(\.element.from)
        guard let latest else { return changes }
        let later = changes.filter { $0 > latest }
        guard since[id] != nil else { return later }
        let edges = levels(id).compactMap { profile($0).subscription }
            .flatMap { [$0.startsAt, $0.expiresAt].compactMap(\.self) }.filter { $0 > latest }
        return [latest] + later + edges
    }

    // MARK: Changes

    /// `nil` when the change is not about credits.
    mutating func credit(_ change: Change, at now: Instant) -> String? {
        if change.isOfCredits, let id = change.subject { _ = expireDue(id, at: now) }
        switch change {
        case .grantCredit(let id, let order): return grant(order, to: id, at: now)
        case .voidGrant(let id, let grant, _): return void(grant, of: id, at: now)
        case .refundCredit(let id, let reference, _): return refund(reference, to: id, at: now)
        default: return nil
        }
    }

    private mutating func grant(_ order: GrantOrder, to id: SubjectID, at now: Instant) -> String {
        let effectiveAt = order.effectiveAt ?? now
        var wallet = wallet(id, at: now)
        if let name = order.id, let known = wallet.named[name] {
            var wanted = known
            wanted.amount = order.amount
            wanted.priority = order.priority
            wanted.effectiveAt = order.effectiveAt ?? known.effectiveAt
            wanted.expiresAt = order.expiresAt
            wanted.source = order.source
            wanted.reference = order.reference
            return wanted == known ? "unchanged" : "duplicate_grant"
        }
        if order.id?.text.hasPrefix("meterstone:") == true { return "invalid_field" }
        if !(1...1_000_000_000_000).contains(order.amount) { return "invalid_field" }
        if !(0...1_000).contains(order.priority) { return "invalid_field" }
        if let expiresAt = order.expiresAt, expiresAt <= effectiveAt { return "invalid_field" }
        if let expiresAt = order.expiresAt, expiresAt <= now { return "invalid_field" }
        let name = order.id ?? GrantID(unchecked: String(repeating: "-", count: 36))
        wallet.named[name] = CreditGrant(
            id: name, amount: order.amount, priority: order.priority, effectiveAt: effectiveAt,
            expiresAt: order.expiresAt, source: order.source, reference: order.reference)
        wallet.open(
            ModelGrant(
                id: name, number: 0, amount: order.amount, priority: order.priority,
                effectiveAt: effectiveAt, expiresAt: order.expiresAt,
                isScheduled: effectiveAt > now),
            amount: order.amount, at: now)
        introduce(id, at: now)
        wallets[id] = wallet
        return "credited \(order.amount) balance \(wallet.balance) grant \(name.shown)"
    }

    private mutating func void(_ name: GrantID, of id: SubjectID, at now: Instant) -> String {
        var wallet = wallet(id, at: now)
        let index = wallet.grants.firstIndex {
            $0.id == name && $0.isOpen && ($0.isScheduled || $0.mayPay(at: now))
        }
        guard let index else {
            return wallet.named[name] == nil ? "unknown_grant" : "unchanged"
        }
        let lost = wallet.grants[index].usable
        wallet.voided.append(lost)
        wallet.grants[index].usable = 0
        wallet.grants[index].isScheduled = false
        wallet.grants[index].isVoided = true
        wallets[id] = wallet
        return "credited \(lost) balance \(wallet.balance) grant \(name.shown)"
    }

    private mutating func refund(
        _ reference: String, to id: SubjectID, at now: Instant
    ) -> String {
        var wallet = wallet(id, at: now)
        if wallet.refunded.contains(reference) { return "already_refunded" }
        let parts = wallet.spendings.filter { $0.reference == reference }.flatMap(\.parts)
        if parts.isEmpty { return "unknown_reference" }
        wallet.refunded.insert(reference)
        for (number, part) in parts.enumerated() {
            wallet.refunds.append(part.units)
            let name = GrantID(unchecked: "meterstone:refund-\(reference)-\(number + 1)")
            wallet.named[name] = CreditGrant(
                id: name, amount: part.units, priority: part.priority, effectiveAt: now,
                expiresAt: part.expiresAt, source: .refund, reference: reference)
            wallet.open(
                ModelGrant(
                    id: name, number: 0,
                    amount: part.units, priority: part.priority, effectiveAt: now,
                    expiresAt: part.expiresAt, recurrence: part.recurrence, most: part.most,
                    isRefund: true),
                amount: part.units, at: now)
            if let end = part.expiresAt, end <= now {
                wallet.expired.append(wallet.grants[wallet.grants.count - 1].usable)
                wallet.grants[wallet.grants.count - 1].usable = 0
            } else {
                wallet.loseWhatIsTooMuch(of: wallet.grants.count - 1, cameBack: part.units)
            }
        }
        wallets[id] = wallet
        let amount = parts.reduce(0) { $0 + $1.units }
        return "credited \(amount) balance \(wallet.balance) grant -"
    }
}
