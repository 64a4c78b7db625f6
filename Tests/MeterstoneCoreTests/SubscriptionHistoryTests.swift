import MeterstoneCore
import Testing

@Suite struct SubscriptionHistoryTests {
    private static let free = PlanKey(unchecked: "free")
    private static let basic = PlanKey(unchecked: "basic")
    private static let pro = PlanKey(unchecked: "pro")
    private static let yearly = PlanKey(unchecked: "yearly")

    private static func instant(_ day: String) -> Instant {
        Instant(rfc3339: day.count == 10 ? "\(day)T00:00:00Z" : day) ?? .latest
    }

    private static func units(_ units: Int64) -> Money { Money(millionths: units * 1_000_000) }

    private static func plan(
        _ key: PlanKey, _ rank: Int, _ price: Int64?, _ period: BillingPeriod = .month
    ) -> Plan {
        Plan(key: key, rank: rank, price: price.map { units($0) }, billingPeriod: period)
    }

    private static func version(_ day: String, _ key: PlanKey, _ plan: Plan?) -> PlanHistory.Version
    {
        PlanHistory.Version(recordedAt: instant(day), key: key, plan: plan)
    }

    /// Pro costs 30, and 40 from June on.
    private static let plans = PlanHistory([
        version("2025-01-01", free, plan(free, 0, nil)),
        version("2025-01-01", basic, plan(basic, 1, 10)),
        version("2025-01-01", pro, plan(pro, 2, 30)),
        version("2025-01-01", yearly, plan(yearly, 3, 300, .year)),
        version("2026-06-01", pro, plan(pro, 2, 40)),
    ])

    /// What was written on a day; from `startsAt`, or the day itself.
    private static func on(
        _ day: String, _ plan: PlanKey, from startsAt: String? = nil,
        until expiresAt: String? = nil,
        _ status: SubscriptionStatus = .active
    ) -> ProfileVersion {
        ProfileVersion(
            recordedAt: instant(day), plan: nil,
            subscription: Subscription(
                plan: plan, status: status, startsAt: instant(startsAt ?? day),
                expiresAt: expiresAt.map { instant($0) }))
    }

    private static func without(_ day: String, plan: PlanKey? = nil) -> ProfileVersion {
        ProfileVersion(recordedAt: instant(day), plan: plan, subscription: nil)
    }

    private func history(
        _ versions: ProfileVersion..., now: String, in zone: ZoneRules = .utc
    ) -> SubscriptionHistory {
        SubscriptionHistory(
            versions, plans: Self.plans, zone: zone, now: Self.instant(now),
            defaultPlan: Self.free)
    }

    /// `2026-01-31 pro 30`.
    private func charges(_ history: SubscriptionHistory) -> [String] {
        history.charges.map { charge in
            "\(charge.periodFrom.rfc3339.prefix(10)) \(charge.plan) "
                + "\(charge.price.millionths / 1_000_000)"
        }
    }

    private func changes(_ history: SubscriptionHistory) -> [String] {
        history.changes.map { "\($0.at.rfc3339.prefix(10)) \($0.plan?.text ?? "-")" }
    }

    @Test func `nothing was ever said`() {
        let history = history(now: "2026-04-01")
        #expect(history.monthsSubscribed == 0 && history.revenue == .zero)
        #expect(history.highestPlan == Self.free)
        #expect(history.plan(at: Self.instant("2026-01-01")) == Self.free)
        let without = SubscriptionHistory([], plans: Self.plans, zone: .utc, now: .latest)
        #expect(without.highestPlan == nil && without.plan(at: .latest) == nil)
    }

    @Test func `a month is counted when it begins, and anchored where the subscription starts`() {
        let start = Self.on("2026-01-31", Self.basic)
        #expect(history(start, now: "2026-01-30").monthsSubscribed == 0)
        #expect(history(start, now: "2026-01-31").monthsSubscribed == 1)
        #expect(history(start, now: "2026-02-27").monthsSubscribed == 1)
        let later = history(start, now: "2026-04-30")
        #expect(later.monthsSubscribed == 4 && later.revenue == Self.units(40))
        #expect(
            charges(later) == [
                "2026-01-31 basic 10", "2026-02-28 basic 10", "2026-03-31 basic 10",
                "2026-04-30 basic 10",
            ])
    }

    @Test func `a price is the one of the period's begin`() {
        let history = history(Self.on("2026-04-15", Self.pro), now: "2026-07-01")
        #expect(
            charges(history) == ["2026-04-15 pro 30", "2026-05-15 pro 30", "2026-06-15 pro 40"])
        let span = WindowSpan(
            from: Self.instant("2026-05-15"), until: Self.instant("2026-06-15"))
        #expect(history.revenueByPlan(in: span) == [Self.pro: Self.units(30)])
    }

    @Test func `a change of plan within a period begins no other`() {
        let history = history(
            Self.on("2026-01-10", Self.basic),
            Self.on("2026-01-20", Self.pro, from: "2026-01-10"),
            Self.on("2026-03-01", Self.basic, from: "2026-01-10"), now: "2026-03-31")
        #expect(
            charges(history) == ["2026-01-10 basic 10", "2026-02-10 pro 30", "2026-03-10 basic 10"])
        #expect(history.monthsSubscribed == 3)
        #expect(
            changes(history) == [
                "0001-01-01 free", "2026-01-10 basic", "2026-01-20 pro", "2026-03-01 basic",
            ])
        #expect(history.highestPlan == Self.pro)
        #expect(
            history.revenueByPlan(in: .lifetime)
                == [Self.basic: Self.units(20), Self.pro: Self.units(30)])
    }

    @Test func `another start begins another period`() {
        let history = history(
            Self.on("2026-01-10", Self.basic), Self.on("2026-01-20", Self.pro),
            now: "2026-02-15")
        #expect(charges(history) == ["2026-01-10 basic 10", "2026-01-20 pro 30"])
        #expect(history.monthsSubscribed == 2)
    }

    @Test func `the same start written again begins nothing`() {
        let again = Self.on("2026-01-25", Self.basic, from: "2026-01-10")
        let history = history(Self.on("2026-01-10", Self.basic), again, again, now: "2026-02-15")
        #expect(charges(history) == ["2026-01-10 basic 10", "2026-02-10 basic 10"])
    }

    @Test func `what is deleted no longer applies, and comes back from where it starts`() {
        let first = Self.on("2026-01-10", Self.basic)
        let deleted = Self.without("2026-02-05", plan: Self.pro)
        let gone = history(first, deleted, now: "2026-05-01")
        #expect(gone.monthsSubscribed == 1)
        #expect(gone.plan(at: Self.instant("2026-03-01")) == Self.pro)
        let back = history(first, deleted, Self.on("2026-04-12", Self.basic), now: "2026-05-01")
        #expect(charges(back) == ["2026-01-10 basic 10", "2026-04-12 basic 10"])
        let mistaken = history(
            first, deleted, Self.on("2026-04-12", Self.basic, from: "2026-01-10"),
            now: "2026-05-01")
        #expect(mistaken.monthsSubscribed == 4 && mistaken.charges.count == 4)
    }

    @Test func `a subscription that expired begins no more months`() {
        let history = history(
            Self.on("2026-01-10", Self.basic, until: "2026-03-10"), now: "2026-06-01")
        #expect(charges(history) == ["2026-01-10 basic 10", "2026-02-10 basic 10"])
        #expect(
            changes(history) == ["0001-01-01 free", "2026-01-10 basic", "2026-03-10 free"])
    }

    @Test func `a renewal that arrives late speaks from where the old one expired`() {
        let first = Self.on("2026-01-10", Self.basic, until: "2026-02-10")
        let renewed = Self.on(
            "2026-02-10T00:00:07Z", Self.basic, from: "2026-01-10", until: "2026-03-10")
        let history = history(first, renewed, now: "2026-06-01")
        #expect(charges(history) == ["2026-01-10 basic 10", "2026-02-10 basic 10"])
        #expect(
            changes(history) == ["0001-01-01 free", "2026-01-10 basic", "2026-03-10 free"])
    }

    @Test(arguments: [SubscriptionStatus.paused, .cancelled, .expired])
    func `months of a pause are not counted, and the calendar stays`(status: SubscriptionStatus) {
        let history = history(
            Self.on("2026-01-10", Self.basic),
            Self.on("2026-02-05", Self.basic, from: "2026-01-10", status),
            Self.on("2026-03-20", Self.basic, from: "2026-01-10"), now: "2026-05-01")
        #expect(charges(history) == ["2026-01-10 basic 10", "2026-04-10 basic 10"])
        #expect(history.monthsSubscribed == 2)
    }

    @Test func `a pause within a month changes nothing`() {
        let history = history(
            Self.on("2026-01-10", Self.basic),
            Self.on("2026-01-15", Self.basic, from: "2026-01-10", .paused),
            Self.on("2026-01-20", Self.basic, from: "2026-01-10", .pastDue), now: "2026-03-01")
        #expect(charges(history) == ["2026-01-10 basic 10", "2026-02-10 basic 10"])
    }

    @Test func `a start that is dated back counts, over what was said before`() {
        let backdated = Self.on("2026-03-20", Self.pro, from: "2026-01-05")
        #expect(history(backdated, now: "2026-03-31").monthsSubscribed == 3)
        let corrected = history(
            Self.on("2026-01-10", Self.basic), backdated, now: "2026-03-31")
        #expect(
            charges(corrected).map { $0.prefix(14) }
                == ["2026-01-05 pro", "2026-02-05 pro", "2026-03-05 pro"])
        let partly = history(
            Self.on("2026-01-10", Self.basic),
            Self.on("2026-03-20", Self.pro, from: "2026-02-20"), now: "2026-03-31")
        #expect(
            charges(partly) == [
                "2026-01-10 basic 10", "2026-02-10 basic 10", "2026-02-20 pro 30",
                "2026-03-20 pro 30",
            ])
    }

    @Test func `a price from before anybody wrote it is the first that was written`() {
        let history = history(
            Self.on("2025-02-01", Self.basic, from: "2024-12-10"), now: "2025-02-01")
        #expect(charges(history) == ["2024-12-10 basic 10", "2025-01-10 basic 10"])
    }

    @Test func `a start that is to come waits`() {
        let history = history(
            Self.on("2026-01-10", Self.basic, from: "2026-02-01"), now: "2026-02-20")
        #expect(charges(history) == ["2026-02-01 basic 10"])
        #expect(changes(history) == ["0001-01-01 free", "2026-02-01 basic"])
        #expect(
            self.history(
                Self.on("2026-01-10", Self.basic, from: "2026-02-01"), now: "2026-01-20"
            ).highestPlan == Self.free)
    }

    @Test func `a year is paid once, and its months are counted`() {
        let first = Self.on("2026-01-10", Self.yearly)
        let history = history(first, now: "2027-01-31")
        #expect(charges(history) == ["2026-01-10 yearly 300", "2027-01-10 yearly 300"])
        #expect(history.monthsSubscribed == 13)
        // A month that is paid is not paid twice, and neither is a year.
        let upgraded = self.history(
            Self.on("2026-01-10", Self.basic),
            Self.on("2026-01-20", Self.yearly, from: "2026-01-10"),
            Self.on("2026-07-01", Self.basic, from: "2026-01-10"), now: "2027-03-01")
        #expect(
            charges(upgraded) == [
                "2026-01-10 basic 10", "2026-02-10 yearly 300", "2027-02-10 basic 10",
            ])
    }

    @Test func `a month that runs longer for a new anchor is one`() {
        func moved(_ day: String, _ usage: UsageAtChange) -> ProfileVersion {
            ProfileVersion(
                recordedAt: Self.instant(day), plan: nil,
                subscription: Subscription(
                    plan: Self.basic, startsAt: Self.instant(day),
                    change: ChangeTerms(usage: usage, anchor: .new)))
        }
        // From 10 January to 25 February, and a month more.
        let longer = history(
            moved("2026-01-10", .keep), moved("2026-01-25", .keep), now: "2026-03-01")
        #expect(longer.monthsSubscribed == 2)
        let anew = history(
            moved("2026-01-10", .keep), moved("2026-01-25", .reset), now: "2026-03-01")
        #expect(anew.monthsSubscribed == 3)
        // Who had left begins one.
        let back = history(
            moved("2026-01-10", .keep), Self.without("2026-01-20"), moved("2026-03-15", .keep),
            now: "2026-03-20")
        #expect(back.monthsSubscribed == 2)
    }

    @Test func `what is tried, has no price, or is no plan costs nothing`() {
        let history = history(
            Self.on("2026-01-10", Self.yearly, from: nil, until: nil, .trialing),
            Self.on("2026-02-15", Self.free, from: "2026-01-10"),
            Self.on("2026-03-15", PlanKey(unchecked: "none"), from: "2026-01-10"),
            Self.on("2026-04-15", Self.basic, from: "2026-01-10"), now: "2026-05-31")
        #expect(charges(history) == ["2026-05-10 basic 10"])
        #expect(history.monthsSubscribed == 5)
        #expect(history.highestPlan == Self.yearly)
    }

    @Test func `the highest plan is the one above all that ever applied`() {
        let history = history(
            Self.on("2026-01-10", Self.pro), Self.on("2026-02-10", Self.basic),
            Self.on("2026-03-10", Self.pro), Self.on("2026-04-10", Self.yearly),
            now: "2026-06-01")
        #expect(history.highestPlan == Self.yearly)
        #expect(history.plan(at: Self.instant("2026-02-20")) == Self.basic)
    }

    @Test func `a plan keeps its last rank when it is deleted, and is sold no more`() {
        let plans = PlanHistory([
            Self.version("2026-01-01", Self.basic, Self.plan(Self.basic, 1, 10)),
            Self.version("2026-02-01", Self.basic, nil),
        ])
        #expect(plans.rank(of: Self.basic) == 1 && plans.rank(of: Self.pro) == nil)
        #expect(plans.plan(Self.basic, at: Self.instant("2026-02-01")) == nil)
        let history = SubscriptionHistory(
            [Self.on("2026-01-10", Self.basic)], plans: plans, zone: .utc,
            now: Self.instant("2026-03-01"))
        #expect(history.monthsSubscribed == 2 && history.charges.count == 1)
    }

    /// Clocks are put back at 01:00 UTC from two hours ahead to one: 02:30 is shown twice.
    @Test func `a start in an hour that is shown twice is a begin`() {
        let zone = ZoneRules(
            name: "Europe/Berlin", initialOffsetSeconds: 7_200,
            transitions: [
                ZoneRules.Transition(at: Self.instant("2026-10-25T01:00:00Z"), offsetSeconds: 3_600)
            ])
        let history = history(
            Self.on("2026-10-25T01:30:00Z", Self.basic), now: "2026-12-01", in: zone)
        #expect(
            history.charges.map(\.periodFrom) == [
                Self.instant("2026-10-25T01:30:00Z"), Self.instant("2026-11-25T01:30:00Z"),
            ])
    }
}
