import MeterstoneCore
import Testing

/// Random histories: what holds for every wallet, whatever happened to it and whoever looked.
@Suite struct WalletHistoryTests {
    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `every history keeps the promises of a wallet`(seed: UInt64) throws {
        var generator = CalendarGenerator(seed: seed)
        let ledger = WalletLedger()
        ledger.terms = generator.terms(at: ledger.now)
        ledger.overdraft = Bool.random(using: &generator) ? 0 : 15
        for step in 0..<60 {
            try generator.act(on: ledger)
            expectPromises(ledger, "seed \(seed) step \(step)")
        }
        var replayed = Wallet.empty
        for entry in ledger.entries { replayed.apply(entry) }
        #expect(replayed == ledger.wallet, "seed \(seed)")
    }

    private func expectPromises(_ ledger: WalletLedger, _ moment: Comment) {
        let wallet = ledger.wallet
        let remaining = wallet.grants.reduce(0) { $0 + $1.remaining }
        let promised = wallet.holds.reduce(0) { $0 + $1.overdrawn }
        #expect(remaining - wallet.debt - promised == wallet.balance, moment)
        #expect(wallet.balance >= -ledger.overdraft, moment)
        #expect(wallet.debt == 0 || remaining == 0, moment)
        #expect(wallet.balance == ledger.entries.reduce(0) { $0 + $1.amount }, moment)
        #expect(wallet.grants.allSatisfy { $0.remaining + $0.held > 0 || $0.isScheduled }, moment)
        let priorities = wallet.grants.map(\.grant.priority)
        #expect(priorities == priorities.sorted(), moment)
    }

    /// Two ledgers of the same history. One is looked at every hour, so that every window and every
    /// expiry is a step of its own; the other only when something is done.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `silence changes nothing`(seed: UInt64) throws {
        var generator = CalendarGenerator(seed: seed)
        let watched = WalletLedger()
        let silent = WalletLedger()
        let terms = generator.terms(at: watched.now)
        for ledger in [watched, silent] {
            ledger.terms = terms
            ledger.overdraft = 60
            ledger.go(byHours: 0)
        }
        for round in 0..<4 {
            var deeds = generator
            for _ in 0..<8 {
                var others = deeds
                try deeds.act(on: watched, hours: 0...0)
                try others.act(on: silent, hours: 0...0)
            }
            generator = deeds
            let hours = Int64.random(in: 1...120, using: &generator)
            for _ in 0..<hours { watched.go(byHours: 1) }
            silent.go(byHours: hours)
            for (seen, unseen) in zip(watched.wallet.contents, silent.wallet.contents) {
                #expect(seen == unseen, "seed \(seed) round \(round)")
            }
            #expect(watched.wallet.grants.count == silent.wallet.grants.count)
        }
        #expect(silent.entries.count <= watched.entries.count)
    }

    /// The same where plans change, begin and end in between: what a schedule knows of the past gives
    /// whoever was not looked at what looking every hour would have given.
    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `a plan that changes gives the unseen what it gives the seen`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let plan = PlanKey(unchecked: "free")
        let watched = WalletLedger()
        let silent = WalletLedger()
        let start = watched.now
        var schedule = CreditSchedule()
        for step in 0..<6 {
            let change: Change
            switch Int.random(in: 0..<8, using: &generator) {
            case 0 where step > 0: change = .deletePlan(plan)
            case 1 where step > 0:
                change = .putCreditPolicy(CreditPolicy(isEnabled: step % 2 == 0))
            default:
                change = .putPlan(
                    Plan(key: plan, recurringGrants: generator.recurringGrants()))
            }
            if step == 0 {
                schedule.apply(.putCreditPolicy(CreditPolicy()), at: start, sequence: 1)
            }
            schedule.apply(change, at: watched.now, sequence: Int64(step) + 2)
            let known = schedule
            for ledger in [watched, silent] {
                ledger.terms = CreditTerms(
                    zone: .utc, anchor: start, starts: known.versions.map(\.from),
                    continuing: { known.version(before: $0)?.recurring[plan] ?? [] },
                    recurring: { known.version(at: $0)?.recurring[plan] ?? [] })
            }
            watched.go(byHours: 0)
            for _ in 0..<Int.random(in: 1...90, using: &generator) { watched.go(byHours: 1) }
        }
        silent.go(to: watched.now)
        for (seen, unseen) in zip(watched.wallet.contents, silent.wallet.contents) {
            #expect(seen == unseen, "seed \(seed)")
        }
    }

    /// Counts days and amounts by itself.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `the number of windows is that of the calendar`(seed: UInt64) {
        var generator = CalendarGenerator(seed: seed)
        let amount = Int64.random(in: 1...9, using: &generator)
        let ledger = WalletLedger()
        ledger.terms = CreditTerms(zone: .utc, anchor: nil) { _ in
            [
                RecurringGrant(window: .day, amount: amount),
                RecurringGrant(window: .month, amount: 50, rolloverMax: 120),
            ]
        }
        ledger.go(byHours: 0)
        var days: Int64 = 0
        for _ in 0..<6 {
            let pause = Int64.random(in: 0...40, using: &generator)
            days += pause
            ledger.go(byHours: pause * 24)
            let month = Int64(CivilDate(daysSince1970: ledger.now.utcDay).month)
            let years = Int64(CivilDate(daysSince1970: ledger.now.utcDay).year - 2026)
            let kept = min(120, (years * 12 + month) * 50)
            #expect(ledger.wallet.granted == (days + 1) * amount + kept, "seed \(seed)")
            #expect(ledger.wallet.expired == days * amount, "seed \(seed)")
            #expect(ledger.wallet.balance == amount + kept, "seed \(seed)")
        }
    }
}

extension CalendarGenerator {
    /// Up to three recurrences, with amounts that change, in a plan that is lost at times.
    fileprivate mutating func terms(at start: Instant) -> CreditTerms {
        let all = recurringGrants()
        let days = Int64.random(in: 2...9, using: &self)
        let mayChange = Bool.random(using: &self)
        return CreditTerms(zone: .utc, anchor: start) { instant in
            let era = mayChange ? (instant.utcDay - start.utcDay) / days % 4 : 0
            switch era {
            case 1: return all.map { RecurringGrant(window: $0.window, amount: 7, rolloverMax: 30) }
            case 2: return all.map { RecurringGrant(window: $0.window, amount: 3) }
            case 3: return []
            default: return all
            }
        }
    }

    fileprivate mutating func recurringGrants() -> [RecurringGrant] {
        let windows: [Window] = [.hour, .day, .week(startsOn: .sunday), .billingMonth]
        var recurring: [RecurringGrant] = []
        for window in windows.shuffled(using: &self).prefix(.random(in: 0...3, using: &self)) {
            let amount = Int64.random(in: 1...20, using: &self)
            let max = amount + Int64.random(in: 0...50, using: &self)
            recurring.append(
                RecurringGrant(
                    window: window, amount: amount,
                    rolloverMax: Bool.random(using: &self) ? max : nil,
                    priority: .random(in: 49...51, using: &self)))
        }
        return recurring
    }

    /// One thing that may happen to a wallet, after up to some hours.
    fileprivate mutating func act(
        on ledger: WalletLedger, hours: ClosedRange<Int64> = 0...30
    ) throws {
        ledger.go(byHours: .random(in: hours, using: &self))
        let units = Int64.random(in: 1...25, using: &self)
        let number = Int64.random(in: 1...4, using: &self)
        switch Int.random(in: 0..<12, using: &self) {
        case 0...2: ledger.grant(grant(of: units * 2, at: ledger.now))
        case 3...5: use(units, of: ledger) { ledger.spend(units) }
        case 6...7: use(units, of: ledger) { ledger.hold(units, number: number) }
        case 8: settle(number, units, of: ledger, mayTakeMore: false)
        case 9: settle(number, units, of: ledger, mayTakeMore: true)
        case 10:
            let number = ledger.wallet.grants.randomElement(using: &self)?.number
            let entries = number.flatMap {
                ledger.wallet.voiding($0, author: nil, reason: nil, at: ledger.now)
            }
            ledger.write(entries ?? [])
        default:
            let spendings = ledger.entries.filter { $0.spent > 0 }
            guard let spending = spendings.randomElement(using: &self) else { return }
            let before = ledger.wallet.refunded
            try ledger.refund([spending])
            #expect(ledger.wallet.refunded == before + spending.spent)
        }
    }

    private mutating func grant(of amount: Int64, at now: Instant) -> CreditGrant {
        let from = now.advanced(byMilliseconds: .random(in: -100...100, using: &self) * 900_000)
        let length = Int64.random(in: 1...150, using: &self) * 1_800_000
        let isLimited = Bool.random(using: &self)
        return credit(
            "g\(Int.random(in: 0..<1_000, using: &self))", amount,
            priority: .random(in: 48...52, using: &self), from: from,
            until: isLimited ? max(from, now).advanced(byMilliseconds: length) : nil)
    }

    /// Using units is allowed if, and only if, the naive sum says so.
    private func use(_ units: Int64, of ledger: WalletLedger, _ isAllowed: () -> Bool) {
        let entries = ledger.entries.count
        let sum = ledger.entries.reduce(ledger.overdraft) { $0 + $1.amount }
        #expect(isAllowed() == (units <= sum))
        #expect(ledger.entries.count == entries + (units <= sum ? 1 : 0))
    }

    private func settle(
        _ number: Int64, _ units: Int64, of ledger: WalletLedger, mayTakeMore: Bool
    ) {
        let held = ledger.wallet.holds.first { $0.number == number }?.units ?? 0
        let more = mayTakeMore ? max(0, ledger.wallet.balance + ledger.overdraft) : 0
        let before = ledger.wallet.spent
        let settlement = ledger.settle(number, units, mayTakeMore: mayTakeMore)
        #expect(settlement.paid == min(units, held + more))
        #expect(settlement.paid + settlement.unpaid == units)
        #expect(ledger.wallet.spent == before + settlement.paid)
        #expect(!ledger.wallet.holds.contains { $0.number == number })
    }
}
