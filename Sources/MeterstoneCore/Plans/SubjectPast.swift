/// What was said of a subject before something else was: what decides about usage of that time.
///
/// A change of team, plan or override holds from the instant at which it is made; a new subscription from
/// the second of its own start, if that is earlier.
public struct SubjectPast: Hashable, Sendable, Codable {
    /// What a profile said until an instant.
    package struct Profile: Hashable, Sendable, Codable {
        package var until: Instant
        package var parent: SubjectID?
        package var plan: PlanKey?
        /// By limit, as on the wire.
        fileprivate var allowances: [String: Allowance]

        package func override(of limit: LimitKey) -> Allowance? { allowances[limit.text] }
    }

    /// What the subscription was until an instant.
    package struct Subscribed: Hashable, Sendable, Codable {
        package var until: Instant
        package var subscription: Subscription?
    }

    package private(set) var profiles: [Profile] = []
    package private(set) var subscriptions: [Subscribed] = []

    /// Of each kind; of what is older, the oldest that is kept is said.
    package static let countMax = 256

    package init() {}

    /// Without what a person could be told by.
    package var withoutTexts: SubjectPast {
        var result = self
        for index in subscriptions.indices {
            result.subscriptions[index].subscription =
                subscriptions[index].subscription?
                .withoutTexts
        }
        return result
    }

    /// With teams under other keys.
    package func renamingTeams(_ key: (SubjectID) -> SubjectID) -> SubjectPast {
        var result = self
        for index in profiles.indices {
            result.profiles[index].parent = profiles[index].parent.map(key)
        }
        return result
    }

    package var isEmpty: Bool { profiles.isEmpty && subscriptions.isEmpty }

    /// Notes that a profile is replaced by another.
    package mutating func note(_ old: Subject, replacedBy new: Subject, at now: Instant) {
        if old.parent != new.parent || old.plan != new.plan || old.overrides != new.overrides {
            let until = max(now, profiles.last?.until ?? .earliest)
            profiles.append(
                Profile(
                    until: until, parent: old.parent, plan: old.plan,
                    allowances: old.overrides.keyedByText))
            if profiles.count > Self.countMax { profiles.removeFirst() }
        }
        if old.subscription != new.subscription {
            note(old.subscription, replacedBy: new.subscription, at: now)
        }
    }

    private mutating func note(
        _ old: Subscription?, replacedBy new: Subscription?, at now: Instant
    ) {
        let isAnother =
            new.map { $0.plan != old?.plan || $0.startsAt != old?.startsAt } ?? false
        let until = isAnother ? min(now, new?.appliesFrom ?? now) : now
        end(old, at: until)
    }

    /// Notes that another subscription was the one from an instant on.
    package mutating func end(_ old: Subscription?, at until: Instant) {
        let before = subscriptions.first { until <= $0.until }.map(\.subscription) ?? old
        subscriptions.removeAll { until <= $0.until }
        subscriptions.append(Subscribed(until: until, subscription: before))
        if subscriptions.count > Self.countMax { subscriptions.removeFirst() }
    }

    /// When one subscription took the place of another.
    package var subscriptionEdges: [Instant] {
        subscriptions.map(\.until) + subscriptions.compactMap { $0.subscription?.appliesFrom }
    }

    /// What the profile said at an instant; `nil`: what it says now.
    package func profile(at instant: Instant) -> Profile? {
        guard let last = profiles.last, instant < last.until else { return nil }
        return profiles.first { instant < $0.until }
    }

    /// What the subscription was at an instant; `nil`: what it is now.
    package func subscribed(at instant: Instant) -> Subscribed? {
        guard let last = subscriptions.last, instant < last.until else { return nil }
        return subscriptions.first { instant < $0.until }
    }

    /// The part of a span around `instant` in which nothing here ends.
    package func narrowing(_ span: WindowSpan, around instant: Instant) -> WindowSpan {
        var (from, until) = (span.from, span.until)
        for edge in profiles.map(\.until) + subscriptions.map(\.until) {
            if edge <= instant { from = max(from, edge) } else { until = min(until, edge) }
        }
        return WindowSpan(from: from, until: until)
    }
}
