package import MeterstoneCore

extension StoredSubject {
    /// Its subscriptions, the oldest first, as of an instant.
    package func subscriptionPeriods(at now: Instant) -> [SubscriptionPeriod] {
        var result: [SubscriptionPeriod] = []
        var from: Instant?
        func add(_ subscription: Subscription?, until: Instant?) {
            defer { from = until }
            guard let subscription else { return }
            let isPast = until.map { $0 <= now } ?? false
            let start = max(from ?? .earliest, subscription.appliesFrom)
            // Another one was dated to before it began.
            guard until.map({ start < $0 }) ?? true else { return }
            result.append(
                SubscriptionPeriod(
                    state: isPast ? .past : start > now ? .scheduled : .current,
                    from: start, until: until ?? subscription.givesPlanUntil,
                    subscription: subscription,
                    status: subscription.status(at: min(now, until ?? now)),
                    applies: !isPast && start <= now && subscription.applies(at: now)))
        }
        for replaced in past.subscriptions { add(replaced.subscription, until: replaced.until) }
        let starts = profile.scheduled.map(\.subscription.appliesFrom)
        add(profile.subscription, until: starts.first)
        for (index, scheduled) in profile.scheduled.enumerated() {
            add(
                scheduled.subscription,
                until: index + 1 < starts.count ? starts[index + 1] : nil)
        }
        return result
    }
}
