/// Which plans a subject was on, for how long, and what it paid for them.
///
/// Who says so at an instant is settled by ``ProfileVersion``s, the newest information first; see
/// ``init(_:plans:zone:now:defaultPlan:)``.
public struct SubscriptionHistory: Sendable {
    /// Billing months up to now that began while a subscription applied.
    public let monthsSubscribed: Int64
    /// Every billing period that was paid for, in order.
    public let charges: [PlanCharge]
    /// Every change of plan up to now, in order; the first is the plan that the subject began with.
    public let changes: [PlanChange]
    private let plans: PlanHistory

    /// A version of the profile speaks from when it was recorded until the next one speaks. A
    /// subscription that is new, or has another `startsAt` than before, speaks from `startsAt`, if
    /// that is earlier; one that is prolonged after it expired speaks from where it expired. Both
    /// replace what was said of that time. A change of plan or status alone says nothing about the past.
    ///
    /// Billing months begin at `startsAt` and where ``Window/billingMonth`` is cut after it. A billing
    /// period begins with the first of them that is not paid for yet while the subscription applies,
    /// and costs what the plan that applies then is sold for at that instant. It lasts as many months
    /// as the plan says: a change of plan within does not begin another, and neither does a pause. What
    /// is tried (``SubscriptionStatus/trialing``) or has no price lasts one month and costs nothing.
    ///
    /// A change of plan (``Subscription/change``) within a period costs what the new plan is sold for beyond
    /// what the period has cost so far, and nothing when that is not more. One that moves the anchor and keeps
    /// the usage goes on with the period that runs; with ``UsageAtChange/reset`` it begins another.
    ///
    /// - Parameters:
    ///   - versions: in the order in which they were recorded.
    ///   - zone: whose calendar cuts billing months.
    ///   - defaultPlan: applies where neither subscription nor profile names a plan.
    public init(
        _ versions: [ProfileVersion], plans: PlanHistory, zone: ZoneRules, now: Instant,
        defaultPlan: PlanKey? = nil
    ) {
        let timeline = SubscriptionTimeline(versions)
        var months: Int64 = 0
        var charges: [PlanCharge] = []
        var paid = Money.zero
        var counted = Instant.earliest
        for (anchor, end, isJoined) in timeline.anchors {
            var billing = Billing(
                anchor: anchor, zone: zone, end: min(end, now),
                isCounted: isJoined && anchor < counted,
                paid: isJoined ? paid : .zero)
            billing.run(through: timeline, plans)
            paid = billing.paid
            counted = billing.countedUntil
            months += billing.monthsSubscribed
            charges += billing.charges
        }
        monthsSubscribed = months
        self.charges = charges.sorted { $0.periodFrom < $1.periodFrom }
        changes = timeline.changes(until: now, defaultPlan: defaultPlan)
        self.plans = plans
    }
}

/// What one billing period cost.
public struct PlanCharge: Hashable, Sendable {
    public let periodFrom: Instant
    public let plan: PlanKey
    public let price: Money

    package init(periodFrom: Instant, plan: PlanKey, price: Money) {
        self.periodFrom = periodFrom
        self.plan = plan
        self.price = price
    }
}

/// From this instant on the subject was on this plan.
public struct PlanChange: Hashable, Sendable {
    public let at: Instant
    /// `nil`: on none.
    public let plan: PlanKey?
}

extension SubscriptionHistory {
    /// What all billing periods cost; stops at the greatest amount there is.
    public var revenue: Money { charges.total }

    /// What the billing periods cost that began within a span, by plan.
    public func revenueByPlan(in span: WindowSpan) -> [PlanKey: Money] {
        Dictionary(grouping: charges.filter { span.contains($0.periodFrom) }, by: \.plan)
            .mapValues(\.total)
    }

    /// The plan that applied at an instant up to now.
    public func plan(at instant: Instant) -> PlanKey? {
        changes.last { $0.at <= instant }?.plan
    }

    /// The plan with the greatest rank that ever applied; of equals the first.
    public var highestPlan: PlanKey? {
        changes.reduce(nil) { plans.isHigher($1.plan, than: $0) ? $1.plan : $0 }
    }
}

extension [PlanCharge] {
    fileprivate var total: Money {
        reduce(.zero) { $0.adding($1.price) ?? Money(millionths: .max) }
    }
}

/// Walks through the billing months of the subscriptions that start at one instant.
private struct Billing {
    let anchor: Instant
    let zone: ZoneRules
    /// The last instant to look at.
    let end: Instant
    /// Whether its first month goes on with one that was counted.
    let isCounted: Bool
    /// The end of the last month that was counted.
    private(set) var countedUntil = Instant.earliest
    private(set) var monthsSubscribed: Int64 = 0
    private(set) var charges: [PlanCharge] = []
    /// What the period that runs has cost so far.
    private(set) var paid: Money
    /// Months of the period that runs which are paid for and have not begun, the one that runs included.
    private var paidMonths: Int64 = 0
    /// Months of the period that have passed.
    private var passedMonths: Int64 = 0

    init(anchor: Instant, zone: ZoneRules, end: Instant, isCounted: Bool, paid: Money) {
        self.anchor = anchor
        self.zone = zone
        self.end = end
        self.isCounted = isCounted
        self.paid = paid
    }

    mutating func run(through timeline: SubscriptionTimeline, _ plans: PlanHistory) {
        // The clock may have shown the anchor's time before, when it was put back since.
        var from = anchor
        while from <= end {
            if paidMonths <= 0 {
                passedMonths = 0
                if from > anchor { paid = .zero }
            }
            let next = Window.billingMonth.span(containing: from, in: zone, anchor: anchor).until
            if let subscription = timeline.version(at: from)?.subscription,
                subscription.anchor == anchor, subscription.applies(at: from)
            {
                if from > anchor || !isCounted { monthsSubscribed += 1 }
                countedUntil = next
                if paidMonths <= 0 { paidMonths = charge(subscription, at: from, plans) }
            }
            for piece in timeline.changes(of: anchor, after: from, until: next)
            where piece.from <= end {
                guard let subscription = piece.version.subscription,
                    subscription.applies(at: piece.from)
                else { continue }
                let months = charge(subscription, at: piece.from, plans)
                paidMonths = max(paidMonths, months - passedMonths)
            }
            paidMonths -= 1
            passedMonths += 1
            guard next > from else { return }
            from = next
        }
    }

    /// Charges what a plan costs beyond what the period has cost.
    ///
    /// - Returns: how many months are paid for from the beginning of the period.
    private mutating func charge(
        _ subscription: Subscription, at instant: Instant, _ plans: PlanHistory
    ) -> Int64 {
        guard subscription.status != .trialing,
            let plan = plans.plan(subscription.plan, at: subscription.versionAt ?? instant),
            let price = plan.price
        else { return 1 }
        if price > paid || paid == .zero {
            let (rest, isOver) = price.millionths.subtractingReportingOverflow(paid.millionths)
            charges.append(
                PlanCharge(
                    periodFrom: instant, plan: plan.key,
                    price: isOver ? price : Money(millionths: rest)))
            paid = price
        }
        return plan.billingPeriod.months
    }
}

extension SubscriptionTimeline {
    /// The plan that applies from each instant on, where it differs from the plan before.
    fileprivate func changes(until now: Instant, defaultPlan: PlanKey?) -> [PlanChange] {
        var changes = [PlanChange(at: .earliest, plan: defaultPlan)]
        for piece in pieces {
            let subscription = piece.version.subscription
            let cuts = [piece.from, subscription?.startsAt, subscription?.expiresAt]
                .compactMap(\.self).filter { piece.from <= $0 && $0 < piece.until && $0 <= now }
            for cut in cuts.sorted() {
                let applying = subscription.flatMap { $0.applies(at: cut) ? $0.plan : nil }
                let plan = applying ?? piece.version.plan ?? defaultPlan
                guard changes.last?.plan != plan else { continue }
                if changes.last?.at == cut { changes.removeLast() }
                changes.append(PlanChange(at: cut, plan: plan))
            }
        }
        return changes
    }
}
