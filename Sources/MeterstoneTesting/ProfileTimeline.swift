public import MeterstoneCore

/// What was said of subjects, and when, for models that stores are compared with: lists that are searched
/// from end to end, and nothing that decides.
public struct ProfileTimeline: Sendable {
    /// What is said now.
    public private(set) var profiles: [SubjectID: Subject] = [:]
    /// What was said before, and until when.
    private var past: [SubjectID: [(until: Instant, profile: Subject)]] = [:]
    /// From when on each subscription was the one, the first from ever.
    private var subscribed: [SubjectID: [(from: Instant, subscription: Subscription?)]] = [:]

    public init() {}

    /// Says something of a subject. What is said first is said of all that was before.
    public mutating func put(_ new: Subject, at now: Instant) {
        let id = new.id
        defer { profiles[id] = new }
        guard let old = profiles[id] else {
            subscribed[id] = [(.earliest, new.subscription)]
            return
        }
        if (old.parent, old.plan) != (new.parent, new.plan) || old.overrides != new.overrides {
            let last = past[id]?.last?.until ?? .earliest
            past[id, default: []].append((max(now, last), old))
        }
        guard old.subscription != new.subscription else { return }
        var from = now
        if let next = new.subscription,
            next.plan != old.subscription?.plan || next.startsAt != old.subscription?.startsAt
        {
            from = min(now, next.startsAt.flooredToSecond)
        }
        subscribed[id]?.removeAll { $0.from >= from }
        subscribed[id]?.append((from, new.subscription))
    }

    /// Says what was scheduled of a subject, and has begun.
    public mutating func settle(_ id: SubjectID, at now: Instant) {
        while let next = profiles[id]?.scheduled.first?.subscription {
            let from = next.startsAt.flooredToSecond
            guard from <= now else { return }
            profiles[id]?.scheduled.removeFirst()
            profiles[id]?.subscription = next
            subscribed[id]?.removeAll { $0.from >= from }
            subscribed[id]?.append((from, next))
        }
    }

    /// When another subscription was the one.
    public func subscriptionEdges(_ id: SubjectID) -> [Instant] {
        (subscribed[id] ?? []).flatMap {
            [$0.from, $0.subscription?.startsAt.flooredToSecond].compactMap(\.self)
        }
            + [profiles[id]?.subscription?.startsAt.flooredToSecond].compactMap(\.self)
    }

    /// The subscription that is said of a subject at an instant.
    public func subscription(_ id: SubjectID, at instant: Instant) -> Subscription? {
        let next = profiles[id]?.scheduled.last {
            $0.subscription.startsAt.flooredToSecond <= instant
        }
        return next?.subscription ?? subscribed[id]?.last { $0.from <= instant }?.subscription
    }

    /// The zones that a subject had, once this is said of it: the day that runs goes on to its end.
    ///
    /// - Parameter dayEnd: where a day of these zones ends that contains now.
    public func formerZones(
        of new: Subject, at now: Instant, dayEnd: (ZonesInTime) -> Instant
    ) -> [FormerZone] {
        guard let old = profiles[new.id] else { return [] }
        guard old.timeZone != new.timeZone else { return old.formerZones }
        let running = old.formerZones.first { now < $0.until }
        let zone = running.map { $0.timeZone } ?? old.timeZone
        let before = old.formerZones.filter { $0.until <= now }
        guard zone != new.timeZone else { return before }
        let until = running?.until ?? dayEnd(old.zones)
        return before + [FormerZone(timeZone: zone, until: until)]
    }

    public func profile(_ id: SubjectID, at instant: Instant) -> Subject {
        past[id]?.first { instant < $0.until }?.profile ?? profiles[id] ?? Subject(id: id)
    }

    /// The subject, then the teams that stood above it.
    public func levels(_ id: SubjectID, at instant: Instant) -> [SubjectID] {
        var result = [id]
        while result.count < 5, let parent = profile(result[result.count - 1], at: instant).parent {
            result.append(parent)
        }
        return result
    }

    /// The plan of the subject, or else that of the teams above it.
    public func plan(_ id: SubjectID, at instant: Instant) -> PlanKey? {
        for level in levels(id, at: instant) {
            if let subscription = subscription(level, at: instant),
                subscription.applies(at: instant)
            {
                return subscription.plan
            }
            if let plan = profile(level, at: instant).plan { return plan }
        }
        return nil
    }

    /// The override of the subject, or else that of the teams above it.
    public func override(_ limit: LimitKey, _ id: SubjectID, at instant: Instant) -> Allowance? {
        levels(id, at: instant).lazy.compactMap {
            profile($0, at: instant).overrides[limit]
        }.first
    }
}
