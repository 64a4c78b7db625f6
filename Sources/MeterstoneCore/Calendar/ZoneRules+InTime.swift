/// The zones of a subject in time: the one that it has, and those that it had before.
public struct ZonesInTime: Hashable, Sendable {
    /// Name in the IANA database; `nil`: the server's default.
    public var last: String?
    /// In the order of time.
    public var former: [FormerZone]

    public init(_ last: String? = nil, former: [FormerZone] = []) {
        self.last = last
        self.former = former
    }

    /// Every name that is in it.
    package func names(default name: String) -> [String] {
        former.map { $0.timeZone ?? name } + [last ?? name]
    }

    /// What somebody's clocks showed; `nil` where the rules of a zone are not known.
    package func clocks(
        default name: String, _ rules: (String) -> ZoneRules?
    ) -> ZoneRules? {
        guard let last = rules(last ?? name) else { return nil }
        guard var clocks = former.isEmpty ? last : rules(former[0].timeZone ?? name) else {
            return nil
        }
        for (index, zone) in former.enumerated() {
            let follows = index + 1 < former.count ? former[index + 1].timeZone : self.last
            guard let next = rules(follows ?? name) else { return nil }
            clocks = clocks.handingOver(to: next, at: zone.until)
        }
        return clocks
    }

    /// What they are once another zone is told, while a calendar is followed.
    ///
    /// The day that runs goes on to its end. A zone that was told since that day began never begins, so
    /// that there is at most one change a day.
    package func changing(to name: String?, at now: Instant, _ clocks: ZoneRules) -> ZonesInTime {
        guard name != last else { return self }
        var former = former
        if let running = former.last, now < running.until {
            if running.timeZone == name { former.removeLast() }
        } else {
            let day = Window.day.span(containing: now, in: clocks, anchor: nil)
            former.append(FormerZone(timeZone: last, until: day.until))
        }
        return ZonesInTime(name, former: former)
    }
}

/// A zone that a subject had.
public struct FormerZone: Hashable, Sendable, Codable {
    /// Name in the IANA database; `nil`: the server's default.
    public var timeZone: String?
    /// Where its last day ends.
    public var until: Instant

    /// How many a subject may have: more than two years of a change every day.
    public static let countMax = 1_000

    public init(timeZone: String?, until: Instant) {
        self.timeZone = timeZone
        self.until = until
    }
}
