/// What a subject's profile said of its plan, from a moment on.
public struct ProfileVersion: Hashable, Sendable {
    public let recordedAt: Instant
    /// Applies where the subscription does not.
    public let plan: PlanKey?
    public let subscription: Subscription?

    public init(recordedAt: Instant, plan: PlanKey?, subscription: Subscription?) {
        self.recordedAt = recordedAt
        self.plan = plan
        self.subscription = subscription
    }
}

/// Who says what plan a subject was on, for all of time: one profile version at each instant.
///
/// A version speaks from when it was recorded until the next one speaks. It speaks about the past, and
/// over what was said of it before, in two cases:
/// - its subscription is new, which is to say that the version before had none or one with another
///   `startsAt`, and started earlier: from `startsAt` on;
/// - it prolongs the subscription of the version before, which had expired by then: from where that
///   expired, since renewals arrive late.
///
/// A change of plan or status alone says nothing about the past.
struct SubscriptionTimeline: Sendable {
    struct Piece: Hashable, Sendable {
        let from: Instant
        var until: Instant
        let version: ProfileVersion
    }

    /// In order, without gap or overlap, none empty; the last has no end.
    private(set) var pieces: [Piece] = []

    /// - Parameter versions: in the order in which they were recorded.
    init(_ versions: [ProfileVersion]) {
        var before: Subscription?
        for version in versions {
            append(version, from: Self.start(of: version, after: before))
            before = version.subscription
        }
    }

    private static func start(of version: ProfileVersion, after before: Subscription?) -> Instant {
        guard let subscription = version.subscription else { return version.recordedAt }
        guard let before, before.startsAt == subscription.startsAt else {
            return min(subscription.appliesFrom, version.recordedAt)
        }
        guard before.status != .paused, before.status != .expired,
            let expiresAt = before.givesPlanUntil,
            expiresAt < version.recordedAt, subscription.applies(at: expiresAt)
        else { return version.recordedAt }
        return expiresAt
    }

    private mutating func append(_ version: ProfileVersion, from start: Instant) {
        while let last = pieces.last, last.from >= start { pieces.removeLast() }
        if let last = pieces.indices.last { pieces[last].until = start }
        pieces.append(Piece(from: start, until: .never, version: version))
    }

    /// `nil` before anything was said.
    func version(at instant: Instant) -> ProfileVersion? {
        pieces.last { $0.from <= instant }?.version
    }

    /// What billing months of all pieces are counted from, each instant once, until when pieces speak of
    /// subscriptions with it, and whether the first of them goes on with a month that ran.
    var anchors: [(anchor: Instant, until: Instant, isJoined: Bool)] {
        var found: [Instant: (until: Instant, isJoined: Bool)] = [:]
        for piece in pieces {
            guard let subscription = piece.version.subscription else { continue }
            let isJoined =
                found[subscription.anchor]?.isJoined
                ?? (subscription.change.map { $0.anchor == .new && $0.usage == .keep } ?? false)
            found[subscription.anchor] = (piece.until, isJoined)
        }
        return found.sorted { $0.key < $1.key }
            .map { (anchor: $0.key, until: $0.value.until, isJoined: $0.value.isJoined) }
    }

    /// Changes of plan within a span that came after its beginning, with subscriptions of one anchor.
    func changes(of anchor: Instant, after from: Instant, until: Instant) -> [Piece] {
        pieces.filter { piece in
            guard from < piece.from, piece.from < until,
                let subscription = piece.version.subscription
            else { return false }
            return subscription.anchor == anchor && subscription.change != nil
                && subscription.appliesFrom == piece.from
        }
    }
}

extension Instant {
    /// After every other.
    static let never = Instant(millisecondsSince1970: .max)
}
