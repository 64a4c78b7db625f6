import MeterstoneCore
import MeterstoneStore

/// Reservations, and what they and other usage cost.
extension World {
    mutating func reservationCommand() -> Command {
        switch number(0...99) {
        case 0..<47: reserve()
        case 47..<81: .close(closing())
        case 81..<97: .extend(extending())
        default: .expire(pick(Self.subjects + Self.teams))
        }
    }

    mutating func look() -> Look {
        switch number(0...99) {
        case 0..<30: .limits(pick(Self.subjects + Self.teams))
        case 30..<50: .wallet(pick(Self.subjects + Self.teams))
        case 50..<75: .openReservations(pick(Self.subjects + Self.teams))
        default: .reservation(target()?.id ?? .text("none"), source: target()?.details?.source)
        }
    }

    private mutating func reserve() -> Command {
        if percent(12), !reserved.isEmpty {
            var again = pick(reserved)
            if percent(15) { again.terms.milliseconds += 1 }
            if percent(15) { again.event.quantities = quantities() }
            return .reserve(again.event, again.terms)
        }
        let event = event()
        let terms = ReservationTerms(
            milliseconds: pick([1, 5_000, 60_000, 600_000, 7_200_000, 86_400_000, 864_000_000]),
            onExpiry: pick([.release, .charge, .chargeReported]),
            onOverage: percent(70) ? .count : .cap,
            onAbort: percent(25) ? pick([.nothing, .told, .reserved]) : nil,
            abortMinimum: percent(10)
                ? Quantities([NamedQuantity(name: .named(pick(["prompts", "tok"])), quantity: 3)])
                : .none)
        if event.id != nil { reserved.append((event, terms)) }
        return .reserve(event, terms)
    }

    /// Mostly something that was reserved lately.
    private mutating func target() -> UsageEvent? {
        if reserved.isEmpty || percent(2) { return told.last }
        return percent(80) ? pick(Array(reserved.suffix(6))).event : pick(reserved).event
    }

    private mutating func closing() -> ReservationClosing {
        if percent(20), !closed.isEmpty {
            var again = pick(Array(closed.suffix(8)))
            if percent(20) { again.end = .settle(quantities()) }
            return again
        }
        let target = target()
        let closing = ReservationClosing(
            id: target?.id ?? .text("none"), source: target?.details?.source,
            end: percent(30) ? .release : .settle(percent(80) ? used(target) : quantities()),
            details: percent(20) ? details(target) : nil)
        closed.append(closing)
        return closing
    }

    /// Less, equal or more than was set aside.
    private mutating func used(_ target: UsageEvent?) -> Quantities {
        var pairs = (target?.quantities ?? .none).pairs
        for index in pairs.indices {
            let units = pairs[index].quantity.units
            pairs[index].quantity = Quantity(max(0, units.addingSaturated(number(-4...5))))
        }
        return Quantities(pairs.filter { _ in percent(85) })
    }

    private mutating func extending() -> ReservationExtension {
        let target = target()
        var more = target?.quantities ?? .none
        if percent(70) {
            more = Quantities(
                more.pairs.map {
                    NamedQuantity(
                        name: $0.name,
                        quantity: Quantity($0.quantity.units.addingSaturated(number(-1...5))))
                }.filter { $0.quantity >= .zero })
        } else {
            more = percent(50) ? quantities() : .none
        }
        return ReservationExtension(
            id: target?.id ?? .text("none"), source: target?.details?.source,
            milliseconds: percent(50) ? pick([1, 30_000, 3_600_000, 172_800_000]) : nil,
            quantities: more, reported: percent(40) ? used(target) : nil)
    }

    // MARK: Credits

    mutating func creditChange() -> Change {
        let id = percent(85) ? pick(Self.subjects) : pick(Self.teams)
        switch number(0...99) {
        case 0..<50: return .grantCredit(id, order())
        case 50..<66: return .voidGrant(id, grantID(), reason: "because")
        case 66..<84:
            let reference = told.isEmpty ? "none" : pick(told).id?.text ?? "none"
            return .refundCredit(
                told.first { $0.id?.text == reference }?.subject ?? id, reference: reference,
                reason: "because")
        case 84..<97: return .putCreditPolicy(policy())
        default: return .deleteCreditPolicy
        }
    }

    private mutating func grantID() -> GrantID {
        let reference = told.isEmpty ? "none" : pick(told).id?.text ?? "none"
        let text =
            switch number(0...9) {
            case 0..<6: "grant\(number(0...14))"
            case 6..<9: "plan-\(pick(["day", "month", "week"]))-\(number(1...12))"
            default: "refund-\(reference)-1"
            }
        // What a caller names may look like ours, and ours have a space of their own.
        return GrantID(unchecked: percent(25) ? "meterstone:\(text)" : text)
    }

    private mutating func order() -> GrantOrder {
        let effectiveAt: Instant? =
            percent(60) ? nil : now.advanced(byMilliseconds: number(-400_000_000...400_000_000))
        let expiresAt: Instant? =
            percent(40)
            ? nil : now.advanced(byMilliseconds: number(-10_000_000...900_000_000))
        return GrantOrder(
            id: percent(65) ? grantID() : nil,
            amount: percent(3) ? 0 : percent(30) ? 10 : number(1...60),
            priority: pick([10, 50, 100, 100]), effectiveAt: effectiveAt, expiresAt: expiresAt,
            source: pick([.purchase, .adjustment]), reference: percent(20) ? "e1" : nil)
    }

    mutating func policy() -> CreditPolicy {
        var prices: [MeterKey: Int64] = [:]
        for name in ["prompts", "tokens", "calls", "gpt"] where percent(60) {
            prices[.named(name)] = number(0...5)
        }
        return CreditPolicy(
            isEnabled: percent(90), payment: percent(50) ? .creditsOnly : .allowanceFirst,
            prices: prices)
    }

    mutating func plan(_ key: PlanKey? = nil) -> Plan {
        var recurring: [RecurringGrant] = []
        for window in [
            Window.day, .week(startsOn: .monday), .month, .billingMonth, .hour, .year,
        ] where percent(window == .hour ? 4 : 25) {
            let amount = number(1...25)
            recurring.append(
                RecurringGrant(
                    window: window, amount: amount,
                    rolloverMax: percent(50) ? amount + number(0...60) : nil,
                    priority: percent(60) ? RecurringGrant.priorityDefault : 100))
        }
        return Plan(
            key: key ?? pick(Self.plans), rank: Int(number(0...3)), isDefault: percent(8),
            recurringGrants: recurring, overdraft: percent(50) ? 0 : number(1...40),
            additions: percent(35) ? [addition()] : [])
    }
}
