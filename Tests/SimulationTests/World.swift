import MeterstoneCore
import MeterstoneStore

/// Makes up what happens: a seeded source of commands, in a small world so that things meet.
struct World {
    var random: SplitMix64
    var now = Instant(rfc3339: "2026-03-27T22:15:00Z") ?? .earliest
    var told: [UsageEvent] = []
    var reserved: [(event: UsageEvent, terms: ReservationTerms)] = []
    var closed: [ReservationClosing] = []
    var requests: [ChangeRequest] = []
    /// Whether plans are changed at a time, in a world in which nothing costs credits.
    let changesPlans: Bool

    init(seed: UInt64, changesPlans: Bool = false) {
        self.changesPlans = changesPlans
        random = SplitMix64(state: seed)
    }

    static let subjects = ["ada", "bob", "cy", "dee"].map { SubjectID(unchecked: $0) }
    static let teams = ["red", "blue", "works"].map { SubjectID(unchecked: $0) }
    static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
    ]
    static let plans = ["free", "pro", "big"].map { PlanKey(unchecked: $0) }
    static let limitKeys = (0..<9).map { LimitKey(unchecked: "limit\($0)") }
    static let meters = [
        Meter(key: .named("prompts"), aliases: [.named("ask")]),
        Meter(key: .named("tokens"), quantityName: .named("tok")),
        Meter(
            key: .named("calls"), aggregation: .count, eventTypes: ["call", "chat"],
            alongside: .named("tok")),
        Meter(key: .named("peak"), aggregation: .max),
        Meter(key: .named("level"), aliases: [.named("walk")], aggregation: .latest),
        Meter(key: .named("stock"), aggregation: .gauge, quantityName: .named("level")),
        Meter(
            key: .named("held"), aggregation: .gauge, eventTypes: ["call", "walk"],
            uniqueDimension: "model"),
        Meter(key: .named("area"), aggregation: .integral, quantityName: .named("level")),
        Meter(
            key: .named("models"), aggregation: .uniqueCount, eventTypes: ["call"],
            uniqueDimension: "model"),
        Meter(key: .named("gpt"), dimensions: ["model": ["gpt", "four"]]),
        Meter(key: .named("inputTokens")),
        Meter(key: .named("cost"), counts: .cost),
        bytes,
    ]
    /// Of so many units that sums come to an end. It stays as it is: another definition would count
    /// anew what did not count before.
    static let bytes = Meter(key: .named("bytes"))

    // MARK: Dice

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &random)]
    }

    mutating func percent(_ chance: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < chance
    }

    mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
        Int64.random(in: range, using: &random)
    }

    // MARK: Time

    /// Mostly seconds and minutes; now and then past a month's end or a change of the clocks.
    mutating func tick() {
        let milliseconds: Int64 =
            switch number(0...99) {
            case 0..<50: number(0...20_000)
            case 50..<85: number(0...10_800_000)
            case 85..<96: number(0...172_800_000)
            case 96..<98: number(0...3_456_000_000)
            default: -number(0...5_000)
            }
        now = now.advanced(byMilliseconds: milliseconds)
    }

    private mutating func occurrence() -> Instant? {
        switch number(0...99) {
        case 0..<60: nil
        case 60..<75: now.advanced(byMilliseconds: -number(0...7_200_000))
        case 75..<88: now.advanced(byMilliseconds: -number(0...3_456_000_000))
        case 88..<93: now.advanced(byMilliseconds: number(0...5_000_000))
        case 93..<97: now.advanced(byMilliseconds: number(0...86_400_000))
        case 97: now.advanced(byMilliseconds: number(86_400_001...99_999_999))
        default: Instant(millisecondsSince1970: number(-10_000...10_000))
        }
    }

    // MARK: Commands

    mutating func command() -> Command {
        switch number(0...199) {
        case 0..<62: .consume(event())
        case 62..<69: .check(event(), as: percent(70) ? .consume : .reservation)
        case 69..<89: .record(event())
        case 89..<105: .correct(correction())
        case 105..<160: reservationCommand()
        default: .change(request())
        }
    }

    private mutating func request() -> ChangeRequest {
        if percent(5), !requests.isEmpty {
            var again = pick(requests)
            if percent(20) { again.change = change() }
            return again
        }
        let change = !changesPlans && percent(35) ? creditChange() : change()
        var request = ChangeRequest(change: change, author: "simulation")
        if percent(20) {
            request.idempotencyKey = "key\(requests.count)"
            requests.append(request)
        }
        return request
    }

    mutating func event() -> UsageEvent {
        if percent(12), !told.isEmpty {
            var again = pick(told)
            if percent(20) { again.quantities = quantities() }
            if percent(10) { again.subject = pick(Self.subjects) }
            return again
        }
        var event = UsageEvent(
            subject: percent(90) ? pick(Self.subjects) : pick(Self.teams),
            occurredAt: occurrence(), quantities: quantities(),
            details: percent(45) ? details() : nil)
        if percent(80) { event.id = id() }
        if event.id != nil { told.append(event) }
        return event
    }

    mutating func id() -> EventID {
        let number = UInt64(told.count)
        return percent(70)
            ? .text("e\(number)")
            // Version 7, ten to a millisecond, so that the index of ids sees equal keys.
            : .uuid((number / 10) << 16 | 0x7000, number | 1 << 63)
    }

    mutating func quantities() -> Quantities {
        func named(_ name: String, _ units: Int64) -> NamedQuantity {
            NamedQuantity(name: .named(name), quantity: Quantity(units))
        }
        // Under either name, without a throw of the dice.
        func prompts(_ units: Int64) -> NamedQuantity {
            named(units % 3 == 1 ? "ask" : "prompts", units)
        }
        switch number(0...99) {
        case 0..<45: return Quantities([prompts(number(0...4))])
        case 45..<55: return .none
        case 55..<65: return Quantities([named("peak", number(0...40))])
        case 65..<72: return Quantities([named("level", number(0...40))])
        case 72..<75: return Quantities([named("gpt", number(1...9))])
        case 75..<78: return Quantities([named(pick(["inputTokens", "tokens"]), number(0...9))])
        case 78..<86: return Quantities([named("tok", number(0...9))])
        case 86..<95:
            return Quantities([
                prompts(number(0...3)), named("tok", number(0...9)),
                named("peak", number(0...40)),
            ])
        case 95..<99:
            return Quantities([named("bytes", pick([1, 7, 1 << 61, (1 << 62) + 5, .max]))])
        default: return Quantities([named("nobody", 1)])
        }
    }

    mutating func details() -> EventDetails {
        EventDetails(
            source: percent(15) ? "shop" : nil,
            type: percent(70) ? pick(["call", "chat", "walk"]) : nil,
            status: percent(80) ? .success : pick([.failed, .cancelled]),
            cost: percent(15) ? Money(trillionths: Int128(number(0...20_000))) : nil,
            session: percent(40) ? pick(["s1", "s2", "s3", "s4"]) : nil,
            dimensions: percent(70)
                ? [Dimension(name: "model", value: pick(["gpt", "four", "claude"]))] + operation
                : [],
            levels: percent(12) ? [pick(Self.subjects + Self.teams)] : percent(6) ? Self.teams : [])
    }

    /// What becomes of an item, without a throw of the dice; mostly nothing is said.
    private var operation: [Dimension] {
        let said = ["add", "remove", "", "lend", "", "remove", ""][told.count % 7]
        return said.isEmpty ? [] : [Dimension(name: "operation", value: said)]
    }

    private mutating func correction() -> Correction {
        let target = told.isEmpty ? nil : pick(told)
        return Correction(
            eventID: percent(95) ? (target?.id ?? .text("none")) : .text("none"),
            source: target?.details?.source,
            kind: percent(50)
                ? .void : .amend(quantities(), percent(50) ? details(target) : keep(target)),
            fields: percent(60) ? .all : [.type, .status, .dimensions],
            author: "simulation", reason: "because")
    }

    private func keep(_ target: UsageEvent?) -> EventDetails? {
        target?.details
    }

    /// Other details with the target's source, which an amendment cannot change.
    mutating func details(_ target: UsageEvent?) -> EventDetails? {
        let other = details()
        return EventDetails(
            source: target?.details?.source, type: other.type, status: other.status,
            cost: other.cost, session: other.session, dimensions: other.dimensions)
    }

    mutating func change() -> Change {
        let id = percent(75) ? pick(Self.subjects) : pick(Self.teams)
        if changesPlans, percent(30) { return planChange(id) }
        switch number(0...112) {
        case 0..<32: return .putLimit(limit())
        case 32..<40: return .deleteLimit(pick(Self.limitKeys))
        case 40..<46: return .putMeter(meter())
        case 46..<48: return .putPlan(plan())
        case 48: return .putModel(model())
        case 49: return percent(50) ? .deleteSwitches : .putSwitches(switches())
        case 50..<52: return .deletePlan(pick(Self.plans))
        case 52..<70: return .putSubject(subject(id))
        case 70..<73: return .deleteSubject(id)
        case 73..<84:
            let startsAt = now.advanced(byMilliseconds: number(-5_000_000_000...500_000_000))
            return .putSubscription(
                id,
                Subscription(
                    plan: pick(Self.plans),
                    status: percent(80) ? .active : pick(SubscriptionStatus.allCases),
                    startsAt: startsAt,
                    expiresAt: percent(50)
                        ? startsAt.advanced(byMilliseconds: number(1...9_000_000_000)) : nil))
        case 84..<88: return .deleteSubscription(id)
        case 88..<96: return .putOverride(id, pick(Self.limitKeys), allowance())
        case 96..<100: return .deleteOverride(id, pick(Self.limitKeys))
        case 100..<107: return .putAddition(id, addition())
        case 107..<110: return .endAddition(id, pick(Self.additions))
        default: return .resetLimit(id, pick(Self.limitKeys), reason: "")
        }
    }

    private mutating func planChange(_ id: SubjectID) -> Change {
        if percent(8) { return .cancelScheduled(id, startsAt: nil) }
        let at: ChangeTime? =
            switch number(0...9) {
            case 0..<3: nil
            case 3..<6: .now
            case 6..<8: .periodEnd
            default: .instant(now.advanced(byMilliseconds: number(-400_000_000...2_000_000_000)))
            }
        return .changeSubscription(
            id,
            SubscriptionChange(
                plan: pick(Self.plans), at: at, usage: percent(40) ? pick([.keep, .reset]) : nil,
                anchor: percent(40) ? pick([.keep, .new]) : nil,
                status: percent(8) ? pick(SubscriptionStatus.allCases) : nil,
                expiresAt: percent(15)
                    ? now.advanced(byMilliseconds: number(1...4_000_000_000)) : nil,
                ifNewerThan: percent(15)
                    ? now.advanced(byMilliseconds: -number(0...90_000_000)) : nil))
    }

    static let additions = ["boost", "gift", "pack"].map { AdditionID(unchecked: $0) }
    static let addOns = ["seats", "packs"].map { AddOnKey(unchecked: $0) }

    mutating func addition() -> Addition {
        let allowance = allowance()
        let content: Addition.Content =
            percent(25)
            ? .addOn(pick(Self.addOns), quantity: number(1...3))
            : .limit(
                pick(Self.limitKeys),
                pick([
                    .set(allowance), .add(number(1...20)), .add(-number(1...9)),
                    .atLeast(allowance),
                ]))
        let from = now.advanced(byMilliseconds: number(-2_000_000_000...1_000_000_000))
        return Addition(
            id: pick(Self.additions), content, from: percent(60) ? nil : from,
            until: percent(50) ? from.advanced(byMilliseconds: number(1...4_000_000_000)) : nil)
    }

    private mutating func allowance() -> Allowance {
        Allowance(wire: percent(10) ? -1 : percent(10) ? 0 : number(1...30)) ?? .unlimited
    }

    mutating func limit() -> Limit {
        let meter = pick(Self.meters.filter { $0.aggregation != .integral })
        var windows: [Window] = [
            .minute, .hour, .day, .quarter, .week(startsOn: .monday), .week(startsOn: .saturday),
            .month, .year,
            .lifetime, .billingMonth,
        ]
        if meter.canRoll {
            windows += [60, 3_600, 86_400, 100_000].map { .rolling(seconds: $0) }
            windows += [3_600, 100_000, 1_000_000].map { .sinceFirst(seconds: $0) }
            windows += [.request, .concurrent, .concurrent]
        }
        var allowances: [PlanKey: Allowance] = [:]
        for plan in Self.plans where percent(50) { allowances[plan] = allowance() }
        let window = pick(windows)
        let perValue =
            meter.canRoll && !window.isSinceFirst && percent(30) ? perValue(window) : nil
        let mayCarry = meter.canRoll && perValue == nil && window.isOfCalendar
        return Limit(
            key: pick(Self.limitKeys), meter: meter.key, window: window,
            allowances: allowances, defaultAllowance: percent(75) ? allowance() : nil,
            addOns: percent(30) ? [pick(Self.addOns): Quantity(number(1...9))] : [:],
            dimensions: percent(25) ? ["model": [pick(["gpt", "four", "claude"])]] : [:],
            subjects: percent(15) ? [pick(["*a", "!ada", "w*", "!*e*"])] : [],
            perValue: perValue,
            rollover: mayCarry && percent(35)
                ? LimitRollover(
                    max: percent(50) ? Quantity(number(1...20)) : nil, windows: Int(number(1...3)))
                : nil,
            debt: mayCarry && percent(35),
            mode: percent(70) ? .enforce : pick(LimitMode.allCases),
            rollout: percent(25) ? rollout() : nil,
            blockWhenExceeded: perValue == nil && percent(6), active: percent(92),
            scheduled: scheduled(isPerValue: perValue != nil))
    }

    private mutating func switches() -> Switches {
        func one(_ states: [SwitchState]) -> Switch {
            Switch(
                percent(70) ? .on : pick(states), rollout: percent(50) ? rollout() : nil)
        }
        return Switches(
            tracking: percent(80) ? Switch() : one([.off]),
            limits: percent(60) ? Switch() : one([.shadow, .off]),
            credits: percent(60) ? Switch() : one([.off]))
    }

    private mutating func rollout() -> Rollout {
        Rollout(
            percent: Int(number(0...2)) * 40, plans: percent(40) ? [pick(Self.plans)] : [],
            subjects: percent(40) ? [pick(["*a", "!ada", "w*", "!*e*"])] : [])
    }

    private mutating func scheduled(isPerValue: Bool) -> [ScheduledAllowances] {
        guard percent(25) else { return [] }
        return (1...number(1...2)).map { place in
            ScheduledAllowances(
                effectiveAt: now.advanced(
                    byMilliseconds: number(-3_600_000...30_000_000) + place * 60_000_000),
                allowances: percent(70) ? [pick(Self.plans): allowance()] : [:],
                defaultAllowance: allowance(), values: isPerValue ? valueAllowances() : [:])
        }
    }

    /// So small that a token costs a few billionths.
    private mutating func model() -> MeterstoneCore.Model {
        let first = number(0...3_000)
        var prices = [
            ModelPrice(
                input: Money(millionths: first),
                output: Money(millionths: percent(50) ? first : number(0...3_000)))
        ]
        if percent(40) {
            prices.append(
                ModelPrice(
                    effectiveAt: now.advanced(byMilliseconds: number(-90_000_000...90_000_000)),
                    input: Money(millionths: number(0...3_000)),
                    output: Money(millionths: number(0...3_000))))
        }
        return MeterstoneCore.Model(
            key: ModelKey(unchecked: pick(["gpt", "four", "claude"])), prices: prices)
    }

    private mutating func perValue(_ window: Window) -> PerValue {
        PerValue(
            percent(50) ? "model" : "session", allowances: valueAllowances(),
            valuesMax: pick([1, 2, 3, 1_000]),
            beyond: window.isRolling || window == .concurrent || percent(50) ? .refuse : .together)
    }

    private mutating func valueAllowances() -> [String: ValueAllowance] {
        var allowances: [String: ValueAllowance] = [:]
        for pattern in ["gpt", "*u*", "s*", "*1", "*"] where percent(25) {
            allowances[pattern] = ValueAllowance(
                percent(70) ? allowance() : nil,
                allowances: percent(30) ? [pick(Self.plans): allowance()] : [:])
        }
        return allowances
    }

    /// A meter as it was, or counted another way.
    private mutating func meter() -> Meter {
        var meter = pick(Self.meters.filter { $0 != Self.bytes })
        if percent(50) { meter.countedStatuses = [.success, .failed] }
        if percent(30) {
            meter.onAbort = pick([.nothing, .told, .reserved])
            meter.abortMinimum = pick([0, 0, 2])
        }
        if percent(30), !meter.eventTypes.isEmpty { meter.eventTypes = ["call", "walk"] }
        if percent(20) { meter.dimensions["model"] = ["gpt", "claude"] }
        if meter.counts == .cost {
            let few = Money(millionths: number(0...1))
            meter.withoutCost = pick([.nothing, .refuse, .estimate(few)])
        }
        return meter
    }

    private mutating func subject(_ id: SubjectID) -> Subject {
        Subject(
            id: id, timeZone: percent(60) ? pick(Self.zones) : percent(3) ? "Mars/Base" : nil,
            parent: percent(60) ? pick(Self.teams) : nil,
            plan: percent(40) ? pick(Self.plans) : nil, blocked: percent(10))
    }
}

extension MeterKey {
    static func named(_ text: String) -> MeterKey { MeterKey(unchecked: text) }
}

extension Window {
    fileprivate var isSinceFirst: Bool {
        if case .sinceFirst = self { return true }
        return false
    }
}
