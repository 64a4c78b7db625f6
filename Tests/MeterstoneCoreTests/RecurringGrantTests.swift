import MeterstoneCore
import Testing

/// Credit that a plan gives anew in every window.
@Suite struct RecurringGrantTests {
    /// Clocks in Berlin are put forward on 29 March and back on 25 October 2026.
    private static let berlin = ZoneRules(
        name: "Europe/Berlin", initialOffsetSeconds: 3_600,
        transitions: [
            ZoneRules.Transition(
                at: Instant(millisecondsSince1970: 1_774_746_000_000), offsetSeconds: 7_200),
            ZoneRules.Transition(
                at: Instant(millisecondsSince1970: 1_792_890_000_000), offsetSeconds: 3_600),
        ])

    private func instant(_ text: String) throws -> Instant {
        try #require(Instant(rfc3339: text))
    }

    /// A ledger of a subject whose plan always gives the same.
    private func ledger(
        at text: String, in zone: ZoneRules = .utc, anchor: String? = nil,
        giving recurring: RecurringGrant...
    ) throws -> WalletLedger {
        let ledger = WalletLedger()
        ledger.terms = CreditTerms(zone: zone, anchor: try anchor.map(instant)) { _ in recurring }
        ledger.go(to: try instant(text))
        return ledger
    }

    private func go(_ ledger: WalletLedger, to text: String) throws {
        ledger.go(to: try instant(text))
    }

    private let daily = RecurringGrant(window: .day, amount: 10)

    @Test func `a daily refill replaces what is left`() throws {
        let ledger = try ledger(at: "2026-02-03T15:00:00Z", giving: daily)
        #expect(ledger.wallet.balance == 10)
        #expect(ledger.spend(3))
        try go(ledger, to: "2026-02-03T23:59:59.999Z")
        #expect(ledger.wallet.balance == 7)
        try go(ledger, to: "2026-02-04T00:00:00Z")
        #expect(ledger.wallet.balance == 10 && ledger.wallet.expired == 7)
        #expect(ledger.entries.map(\.kind) == [.grant, .spend, .expire, .grant])
        let last = try #require(ledger.entries.last)
        #expect(last.grant?.source == .dailyRefill && last.grant?.priority == 50)
        #expect(last.windowUntil == (try instant("2026-02-05T00:00:00Z")))
    }

    @Test func `a year of silence ends with one allowance of the current day`() throws {
        let ledger = try ledger(at: "2026-01-01T08:00:00Z", giving: daily)
        #expect(ledger.spend(3))
        try go(ledger, to: "2027-01-01T08:00:00Z")
        let wallet = ledger.wallet
        #expect(wallet.balance == 10 && wallet.granted == 3_660 && wallet.expired == 3_647)
        #expect(wallet.grants.count == 1)
        let silent = ledger.entries.dropFirst(2)
        #expect(silent.map(\.kind) == [.expire, .grant, .expire])
        #expect(silent.map(\.amount) == [-7, 3_650, -3_640])
        #expect(silent.map(\.windows) == [0, 365, 0])
    }

    @Test func `a long silence writes a few entries, however many windows overlap`() throws {
        let ledger = try ledger(
            at: "2026-01-01T08:00:00Z",
            giving: RecurringGrant(window: .hour, amount: 1), daily,
            RecurringGrant(window: .month, amount: 30, rolloverMax: 90))
        ledger.overdraft = 500
        #expect(ledger.spend(500))
        ledger.grant(
            credit("later", 50, from: ledger.now.advanced(byMilliseconds: 1_000_000_000)))
        let before = ledger.entries.count
        try go(ledger, to: "2026-03-01T08:00:00Z")
        let silent = ledger.entries.dropFirst(before)
        #expect(silent.map(\.kind) == [.grant, .grant, .expire, .grant, .grant, .expire])
        #expect(silent.map(\.windows).sorted() == [0, 0, 0, 2, 59, 59 * 24])
        #expect(ledger.wallet.debt == 0 && ledger.wallet.granted == 59 * 34 + 41 + 60 + 50)
    }

    @Test func `bought credit is never touched by a refill`() throws {
        let ledger = try ledger(at: "2026-01-01T08:00:00Z", giving: daily)
        ledger.grant(credit("bought", 100, from: ledger.now))
        #expect(ledger.spend(15))
        for _ in 0..<20 {
            ledger.go(byHours: 13)
            #expect(ledger.remaining(of: "bought") == 95)
        }
        #expect(ledger.wallet.balance == 105)
    }

    @Test func `what rolls over is filled up to the maximum`() throws {
        let monthly = RecurringGrant(window: .month, amount: 10, rolloverMax: 25)
        let ledger = try ledger(at: "2026-01-15T00:00:00Z", giving: monthly)
        #expect(ledger.spend(4))
        var balances: [Int64] = []
        for month in 2...5 {
            try go(ledger, to: "2026-0\(month)-01T00:00:00Z")
            balances.append(ledger.wallet.balance)
        }
        #expect(balances == [16, 25, 25, 25])
        #expect(ledger.wallet.grants.count == 1 && ledger.wallet.expired == 0)
        #expect(ledger.wallet.grants[0].grant.amount == 29)
        #expect(ledger.spend(20))
        try go(ledger, to: "2027-05-01T00:00:00Z")
        #expect(ledger.wallet.balance == 25 && ledger.entries.last?.windows == 12)
        #expect(ledger.entries.last?.amount == 20)
    }

    @Test func `billing months start on the day of the anchor or the last of the month`() throws {
        let monthly = RecurringGrant(window: .billingMonth, amount: 10)
        let ledger = try ledger(
            at: "2026-01-31T10:00:00Z", anchor: "2026-01-31T10:00:00Z", giving: monthly)
        var ends: [Instant?] = []
        for text in ["2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z", "2026-04-30T10:00:00Z"] {
            ends.append(ledger.entries.last?.windowUntil)
            let before = ledger.wallet.granted
            ledger.go(to: try instant(text).advanced(byMilliseconds: -1))
            #expect(ledger.wallet.granted == before)
            try go(ledger, to: text)
            #expect(ledger.wallet.granted == before + 10 && ledger.wallet.balance == 10)
        }
        #expect(ends[0] == (try instant("2026-02-28T10:00:00Z")))
        #expect(ends[1] == (try instant("2026-03-31T10:00:00Z")))
    }

    @Test(arguments: [
        ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ])
    func `days of 23 and 25 hours give once`(day: String, from: String, until: String) throws {
        let ledger = try ledger(at: "\(day)T12:00:00Z", in: Self.berlin, giving: daily)
        ledger.go(to: try instant(until).advanced(byMilliseconds: -1))
        #expect(ledger.wallet.granted == 10)
        try go(ledger, to: until)
        #expect(ledger.wallet.granted == 20 && ledger.wallet.balance == 10)
        let early = try self.ledger(at: from, in: Self.berlin, giving: daily)
        #expect(early.entries.last?.windowUntil == (try instant(until)))
    }

    @Test func `hours around a change of the clock give once each`() throws {
        let hourly = RecurringGrant(window: .hour, amount: 1, rolloverMax: 1_000)
        let ledger = try ledger(at: "2026-10-24T22:00:00Z", in: Self.berlin, giving: hourly)
        try go(ledger, to: "2026-10-25T22:59:59Z")
        #expect(ledger.wallet.balance == 25 && ledger.entries.last?.windows == 24)
    }

    @Test func `a recurrence gives once per window, whatever the plan does`() throws {
        let ledger = try ledger(at: "2026-02-01T00:00:00Z", giving: daily)
        let change = try instant("2026-02-03T12:00:00Z")
        let back = try instant("2026-02-05T12:00:00Z")
        let daily = daily
        ledger.terms = CreditTerms(zone: .utc, anchor: nil) { at in
            if at < change { return [daily] }
            return at < back ? [] : [RecurringGrant(window: .day, amount: 30)]
        }
        try go(ledger, to: "2026-02-03T13:00:00Z")
        #expect(ledger.wallet.balance == 10)
        try go(ledger, to: "2026-02-04T13:00:00Z")
        #expect(ledger.wallet.balance == 0)
        try go(ledger, to: "2026-02-05T13:00:00Z")
        #expect(ledger.wallet.balance == 0 && ledger.wallet.granted == 30)
        try go(ledger, to: "2026-02-06T00:00:00Z")
        #expect(ledger.wallet.balance == 30 && ledger.wallet.granted == 60)
    }

    @Test func `a refill pays debt back before anything is left of it`() throws {
        let ledger = try ledger(at: "2026-02-01T00:00:00Z", giving: daily)
        ledger.overdraft = 25
        #expect(ledger.spend(35))
        try go(ledger, to: "2026-02-04T00:00:00Z")
        #expect(ledger.wallet.balance == 5 && ledger.wallet.expired == 0)
        #expect(ledger.entries.last?.overdrawn == -25)
    }

    @Test func `held units of a window come back into the next and expire`() throws {
        let ledger = try ledger(at: "2026-02-01T00:00:00Z", giving: daily)
        #expect(ledger.hold(8, number: 1))
        try go(ledger, to: "2026-02-02T00:00:00Z")
        #expect(ledger.wallet.balance == 10 && ledger.wallet.held == 8)
        #expect(ledger.settle(1, 5, mayTakeMore: false).paid == 5)
        #expect(ledger.wallet.balance == 10 && ledger.wallet.expired == 2 + 3)
    }

    // MARK: Giving back

    @Test func `a week of spending and refunding a refill makes nothing that never ends`() throws {
        let ledger = try ledger(at: "2026-02-02T08:00:00Z", giving: daily)
        for _ in 0..<7 {
            #expect(ledger.spend(10))
            let spent = ledger.entries.suffix(1)
            ledger.go(byHours: 24)
            try ledger.refund(Array(spent))
            #expect(ledger.wallet.balance == 10 && ledger.wallet.grants.count == 1)
        }
        #expect(ledger.wallet.grants.allSatisfy { $0.grant.expiresAt != nil })
        #expect(ledger.wallet.refunded == 70 && ledger.wallet.expired == 70)
        let gone = try #require(ledger.entries.last)
        #expect(gone.kind == .expire && gone.amount == -10 && gone.reference == "use")
        #expect(gone.note == "came back after its end")
    }

    @Test func `a refund within the day ends with the day`() throws {
        let ledger = try ledger(at: "2026-02-02T08:00:00Z", giving: daily)
        #expect(ledger.spend(7))
        try ledger.refund(ledger.entries)
        #expect(ledger.wallet.balance == 10)
        try go(ledger, to: "2026-02-03T00:00:00Z")
        #expect(ledger.wallet.balance == 10 && ledger.wallet.expired == 10)
    }

    @Test func `what comes back never passes the most that is kept`() throws {
        let monthly = RecurringGrant(window: .month, amount: 10, rolloverMax: 15)
        let ledger = try ledger(at: "2026-01-15T00:00:00Z", giving: monthly)
        #expect(ledger.spend(8))
        try go(ledger, to: "2026-02-01T00:00:00Z")
        #expect(ledger.wallet.balance == 12)
        try ledger.refund(ledger.entries)
        #expect(ledger.wallet.balance == 15 && ledger.wallet.expired == 5)
        #expect(ledger.entries.last?.note == "beyond the roll-over maximum")
        // What a refund gave back counts as left over.
        try go(ledger, to: "2026-03-01T00:00:00Z")
        #expect(ledger.wallet.balance == 15)
    }

    @Test func `a hold over midnight does not pass the most that is kept`() throws {
        let kept = RecurringGrant(window: .day, amount: 10, rolloverMax: 10)
        let ledger = try ledger(at: "2026-02-01T08:00:00Z", giving: kept)
        #expect(ledger.hold(8, number: 1))
        #expect(ledger.hold(2, number: 2))
        try go(ledger, to: "2026-02-02T00:00:00Z")
        #expect(ledger.wallet.balance == 10 && ledger.wallet.held == 10)
        #expect(ledger.settle(1, 3, mayTakeMore: false).paid == 3)
        ledger.write(ledger.wallet.releasing(hold: 2, reference: nil, at: ledger.now))
        #expect(ledger.wallet.balance == 10 && ledger.wallet.expired == 7)
    }

    @Test func `holding and letting go changes nothing, whatever the plan keeps by now`() throws {
        let ledger = try ledger(
            at: "2026-02-01T08:00:00Z",
            giving: RecurringGrant(window: .day, amount: 10, rolloverMax: 30))
        ledger.go(byHours: 48)
        #expect(ledger.wallet.balance == 30)
        ledger.terms = CreditTerms(zone: .utc, anchor: nil) { _ in
            [RecurringGrant(window: .day, amount: 10, rolloverMax: 20, priority: 70)]
        }
        ledger.go(byHours: 24)
        for units in [30, 12] as [Int64] {
            #expect(ledger.hold(units, number: units))
            ledger.write(ledger.wallet.releasing(hold: units, reference: nil, at: ledger.now))
            #expect(ledger.wallet.balance == 30)
        }
    }

    @Test func `windows beyond the most that are gone through are passed over`() throws {
        let hourly = RecurringGrant(window: .hour, amount: 1, rolloverMax: 1_000)
        let ledger = try ledger(at: "2026-02-01T00:30:00Z", giving: hourly)
        let terms = ledger.terms
        ledger.terms = CreditTerms(
            zone: terms.zone, anchor: nil, windowsMax: 5, recurring: terms.recurring)
        ledger.go(byHours: 5)
        #expect(ledger.wallet.balance == 6)
        ledger.go(byHours: 100)
        #expect(ledger.wallet.balance == 6 + 5 + 1)
        ledger.go(byHours: 1)
        #expect(ledger.wallet.balance == 13)
    }

    @Test func `calendars end without an end to looking`() throws {
        let ledger = WalletLedger()
        ledger.now = Instant(millisecondsSince1970: (1 << 53) - (1 << 40))
        ledger.terms = CreditTerms(zone: .utc, anchor: nil) { _ in
            [RecurringGrant(window: .year, amount: 1, rolloverMax: 1_000)]
        }
        ledger.go(to: ledger.now)
        ledger.go(to: Instant(millisecondsSince1970: (1 << 53) + (1 << 40)))
        #expect((30...40).contains(ledger.wallet.balance))
        #expect(ledger.wallet.nextDueAt == Instant(millisecondsSince1970: .max))
    }
}
