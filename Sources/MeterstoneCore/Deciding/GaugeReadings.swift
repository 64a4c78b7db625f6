/// What a gauge shows: the latest reading of each who tells it, and of each item where items are told
/// apart.
///
/// A subject counts its own readings and, as a team, those of its members; what it shows is their sum.
/// In whatever order readings come, the state is the same, so that a recount agrees.
public struct GaugeReadings: Hashable, Sendable {
    /// Whose reading it is, and of what.
    public struct Key: Hashable, Comparable, Sendable {
        /// The number of the member that told it; 0: the subject itself.
        public var member: Int64
        /// `nil`: items are not told apart.
        public var item: String?

        package init(member: Int64, item: String?) {
            self.member = member
            self.item = item
        }

        public static func < (lhs: Key, rhs: Key) -> Bool {
            (lhs.item ?? "", lhs.member, lhs.item == nil ? 0 : 1)
                < (rhs.item ?? "", rhs.member, rhs.item == nil ? 0 : 1)
        }
    }

    package private(set) var tracks: [Key: ReadingTrack] = [:]
    /// What the latest readings add up to: more than one may be beyond 2^63 together.
    private var sum: Int128 = 0
    /// Those with readings ahead of their time; mostly none.
    private var early: Set<Key> = []

    package init() {}

    package init(_ tracks: [Key: ReadingTrack]) {
        for (key, track) in tracks { put(track, key) }
    }

    /// What the latest readings come to; at most 2^63 - 1.
    package var value: Int64 { Int64(clamping: sum) }

    /// What it shows at an instant, which is not before the last reading was recorded.
    package func value(at instant: Instant) -> Int64 { Int64(clamping: sum(at: instant)) }

    private func sum(at instant: Instant) -> Int128 {
        early.reduce(sum) { sum, key in
            let track = tracks[key] ?? ReadingTrack()
            return sum - Int128(track.units) + Int128(track.units(at: instant))
        }
    }

    /// The same with one more reading.
    package func value(at instant: Instant, adding contribution: Contribution) -> Int64 {
        var track = tracks[contribution.gaugeKey] ?? ReadingTrack()
        let before = track.units(at: instant)
        track.add(contribution.reading, isAhead: contribution.isAhead)
        return Int64(
            clamping: sum(at: instant) - Int128(before) + Int128(track.units(at: instant)))
    }

    package mutating func add(_ contribution: Contribution) {
        var track = tracks[contribution.gaugeKey] ?? ReadingTrack()
        track.add(contribution.reading, isAhead: contribution.isAhead)
        put(track, contribution.gaugeKey)
    }

    private mutating func put(_ track: ReadingTrack, _ key: Key) {
        let known = tracks.updateValue(track, forKey: key)
        sum += Int128(track.units) - Int128(known?.units ?? 0)
        if !track.ahead.isEmpty {
            early.insert(key)
        } else if !early.isEmpty {
            early.remove(key)
        }
    }

    /// Whether a reading, or one that is later, is known. What was overtaken is not.
    package func remembers(_ contribution: Contribution) -> Bool {
        tracks[contribution.gaugeKey]?.remembers(contribution.sequence) ?? false
    }

    /// The readings of an instant that are more than 0, by item and then by member.
    package func standing(at instant: Instant) -> [(key: Key, reading: CounterState.Reading)] {
        tracks.keys.sorted().compactMap { key in
            guard let reading = tracks[key]?.reading(at: instant), reading.units > 0 else {
                return nil
            }
            return (key, reading)
        }
    }
}

/// The latest of some readings that were told in their time, and later ones that were told ahead of it, in
/// their order.
public struct ReadingTrack: Hashable, Sendable {
    package typealias Reading = CounterState.Reading

    package private(set) var latest: CounterState.Reading?
    package private(set) var ahead: [CounterState.Reading] = []

    package init(latest: CounterState.Reading? = nil, ahead: [CounterState.Reading] = []) {
        self.latest = latest
        self.ahead = ahead
    }

    /// Of the latest; 0: there is none.
    package var units: Int64 { latest?.units ?? 0 }

    package func units(at instant: Instant) -> Int64 { reading(at: instant)?.units ?? 0 }

    /// A reading counts from its own time on.
    package func reading(at instant: Instant) -> CounterState.Reading? {
        ahead.last { $0.at <= instant } ?? latest
    }

    package mutating func add(_ reading: CounterState.Reading, isAhead: Bool) {
        guard latest.map({ $0 < reading }) ?? true else { return }
        if isAhead {
            ahead.insert(reading, at: ahead.firstIndex { reading < $0 } ?? ahead.endIndex)
        } else {
            latest = reading
            ahead.removeAll { $0 < reading }
        }
    }

    package func remembers(_ sequence: Int64) -> Bool {
        latest?.sequence == sequence || ahead.contains { $0.sequence == sequence }
    }
}

extension Contribution {
    package var gaugeKey: GaugeReadings.Key {
        GaugeReadings.Key(member: member, item: value)
    }

    package var reading: CounterState.Reading {
        CounterState.Reading(at: occurredAt, sequence: sequence, units: units)
    }
}
