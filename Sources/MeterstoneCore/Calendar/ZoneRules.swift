/// What the clocks of a time zone show: an offset from UTC, and the instants at which it changes.
///
/// A class because a zone holds hundreds of transitions and is shared by all its subjects; nothing
/// about it changes once it is made.
public final class ZoneRules: Sendable {
    /// From this instant on, until the next transition, clocks show UTC plus this many seconds.
    public struct Transition: Hashable, Sendable {
        public let at: Instant
        public let offsetSeconds: Int64

        public init(at: Instant, offsetSeconds: Int64) {
            self.at = at
            self.offsetSeconds = offsetSeconds
        }
    }

    /// Offsets that a zone may have. RFC 9636 expects them between -25 and +26 hours.
    public static let offsetSecondsAllowed: ClosedRange<Int64> = -93_600...93_600

    public static let utc = ZoneRules(name: "UTC", initialOffsetSeconds: 0, transitions: [])

    public let name: String
    /// When the offset changes, in ascending order, in milliseconds.
    private let changes: [Int64]
    /// The offsets before the first, between each two and after the last of `changes`, in
    /// milliseconds; one more than there are changes.
    private let offsets: [Int64]
    private let greatestOffset: Int64
    /// Where another zone took over, in ascending order, in milliseconds; see ``handingOver(to:at:)``.
    let joints: [Int64]
    /// Tells rules apart by what clocks show from 1970 to 2099: counters are cut by no more.
    package let digest: UInt64

    /// Takes transitions in any order. Those that leave the offset as it is are dropped, and of
    /// several at one instant the last counts. Those before ``Instant/earliest`` only say what the
    /// first offset is.
    ///
    /// Offsets are in ``offsetSecondsAllowed``, or the caller has a bug.
    public convenience init(name: String, initialOffsetSeconds: Int64, transitions: [Transition]) {
        var changes: [Int64] = []
        var offsets = [Self.milliseconds(initialOffsetSeconds)]
        for transition in transitions.sorted(by: { $0.at < $1.at }) {
            let offset = Self.milliseconds(transition.offsetSeconds)
            if transition.at > .latest { break }
            if transition.at < .earliest {
                offsets = [offset]
                continue
            }
            if changes.last == transition.at.millisecondsSince1970 {
                changes.removeLast()
                offsets.removeLast()
            }
            if offsets.last == offset { continue }
            changes.append(transition.at.millisecondsSince1970)
            offsets.append(offset)
        }
        self.init(name, changes, offsets, joints: [])
    }

    private init(_ name: String, _ changes: [Int64], _ offsets: [Int64], joints: [Int64]) {
        self.name = name
        self.changes = changes
        self.offsets = offsets
        self.joints = joints
        greatestOffset = offsets.max() ?? 0
        digest = Self.digest(changes, offsets)
    }

    /// After Fowler, Noll and Vo's hash 1a, number by number instead of byte by byte.
    private static func digest(_ changes: [Int64], _ offsets: [Int64]) -> UInt64 {
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ number: Int64) {
            digest = (digest ^ UInt64(bitPattern: number)) &* 0x0000_0100_0000_01B3
            digest ^= digest >> 29
        }
        let first = changes.firstIndex { $0 > 0 } ?? changes.count
        add(offsets[first])
        for index in first..<changes.count where changes[index] < 4_102_444_800_000 {
            add(changes[index])
            add(offsets[index + 1])
        }
        return digest
    }

    private static func milliseconds(_ offsetSeconds: Int64) -> Int64 {
        precondition(offsetSecondsAllowed.contains(offsetSeconds), "an offset beyond 26 hours")
        return offsetSeconds * 1_000
    }

    /// How far the clocks are ahead of UTC.
    public func offsetSeconds(at instant: Instant) -> Int64 {
        offsets[changeCount(atOrBefore: instant.millisecondsSince1970)] / 1_000
    }

    /// The first instant after the given one at which the offset changes.
    public func nextTransition(after instant: Instant) -> Instant? {
        let index = changeCount(atOrBefore: instant.millisecondsSince1970)
        guard index < changes.count else { return nil }
        return Instant(millisecondsSince1970: changes[index])
    }

    /// The last instant up to and including the given one at which the offset changed.
    public func previousTransition(atOrBefore instant: Instant) -> Instant? {
        let index = changeCount(atOrBefore: instant.millisecondsSince1970)
        guard index > 0 else { return nil }
        return Instant(millisecondsSince1970: changes[index - 1])
    }

    /// Every change of offset, in order.
    public var transitions: [Transition] {
        changes.indices.map { index in
            Transition(
                at: Instant(millisecondsSince1970: changes[index]),
                offsetSeconds: offsets[index + 1] / 1_000)
        }
    }

    private func changeCount(atOrBefore time: Int64) -> Int {
        var low = 0
        var count = changes.count
        while count > 0 {
            let half = count / 2
            if changes[low + half] <= time {
                low += half + 1
                count -= half + 1
            } else {
                count = half
            }
        }
        return low
    }
}

/// How often a clock shows a time: twice where it is set back, never where it is set forward.
public enum LocalTime: Hashable, Sendable {
    case once, twice, never
}

// MARK: - Between instants and the clock on the wall

extension ZoneRules {
    /// Calendars end this many milliseconds from 1970, some 285,000 years: far beyond every instant
    /// that has a text, and far enough from the ends of `Int64` that sums fit.
    static let farthest: Int64 = 1 << 53

    @inline(__always)
    static func clamped(_ milliseconds: Int64) -> Int64 {
        min(max(milliseconds, -farthest), farthest)
    }

    /// What the clock shows at an instant, as if it were UTC.
    public func localMilliseconds(at instant: Instant) -> Int64 {
        let time = Self.clamped(instant.millisecondsSince1970)
        return time + offsets[changeCount(atOrBefore: time)]
    }

    /// The first instant at which the clock shows the given time or a later one.
    ///
    /// That is the earlier of two when the clock shows the time twice, and the instant of the
    /// transition when the clock skips it. A later local time never gives an earlier instant; that
    /// calendar windows neither overlap nor leave gaps rests on this.
    public func instant(localMilliseconds: Int64) -> Instant {
        Instant(millisecondsSince1970: firstTime(showing: Self.clamped(localMilliseconds)))
    }

    /// How often the clock shows a time.
    public func localTime(localMilliseconds: Int64) -> LocalTime {
        let first = instant(localMilliseconds: localMilliseconds)
        guard self.localMilliseconds(at: first) == localMilliseconds else { return .never }
        var change = nextTransition(after: first)
        while let at = change, at.millisecondsSince1970 - first.millisecondsSince1970 < Self.dayMax
        {
            let later = localMilliseconds - offsetSeconds(at: at) * 1_000
            change = nextTransition(after: at)
            let end = change?.millisecondsSince1970 ?? .max
            if (at.millisecondsSince1970..<end).contains(later) { return .twice }
        }
        return .once
    }

    /// Clocks are never set by more than this many milliseconds.
    private static let dayMax: Int64 = 2 * 93_600_000

    func firstTime(showing local: Int64) -> Int64 {
        var index = changeCount(atOrBefore: local - greatestOffset)
        while index < changes.count, changes[index] + offsets[index] <= local { index += 1 }
        let time = local - offsets[index]
        return index == 0 ? time : max(time, changes[index - 1])
    }

    /// A stretch of time in which the offset stays the same, in milliseconds.
    struct Stretch {
        let from: Int64
        let until: Int64
        let offset: Int64
    }

    func stretch(containing time: Int64) -> Stretch {
        let index = changeCount(atOrBefore: time)
        return Stretch(
            from: index == 0 ? -4 * Self.farthest : changes[index - 1],
            until: index == changes.count ? 4 * Self.farthest : changes[index],
            offset: offsets[index]
        )
    }

    /// Does the same as ``firstTime(showing:)``, and without a search when the answer is in the
    /// stretch and no clock before the stretch can have shown as much.
    @inline(__always)
    func firstTime(showing local: Int64, near stretch: Stretch) -> Int64 {
        let time = local - stretch.offset
        let isWithin = local - greatestOffset >= stretch.from && time < stretch.until
        return isWithin ? time : firstTime(showing: local)
    }
}

// MARK: - From one zone to another

extension ZoneRules {
    /// The clocks of somebody who follows these up to an instant at which a day ends in them, and others
    /// from there on.
    ///
    /// The day that begins there has the next date, and ends where the other clocks first show the one
    /// after. So each date is one day at most, whoever comes and goes: to the west its first day is longer,
    /// to the east shorter, and a date that is over there already has none. Weeks, months, quarters and
    /// years consist of whole days, and follow. The first hour, and the first minute, is never shorter than
    /// one: it ends with the first full one of the other clocks that ends later.
    package func handingOver(to next: ZoneRules, at instant: Instant) -> ZoneRules {
        let time = max(Self.clamped(instant.millisecondsSince1970), joints.last ?? -Self.farthest)
        let begun = dayNumber(containing: Instant(millisecondsSince1970: time)) * 86_400_000
        let shown = time + next.offsets[next.changeCount(atOrBefore: time)]
        // What shows the day that has ended once more is put back a moment after the next has begun.
        let turn = shown < begun ? time + 1 : time
        var changes = Array(self.changes.prefix { $0 < turn })
        var offsets = Array(self.offsets.prefix(changes.count + 1))
        var index = next.changeCount(atOrBefore: turn)
        if offsets.last != next.offsets[index] {
            changes.append(turn)
            offsets.append(next.offsets[index])
        }
        while index < next.changes.count {
            changes.append(next.changes[index])
            index += 1
            offsets.append(next.offsets[index])
        }
        return ZoneRules(next.name, changes, offsets, joints: joints + [time])
    }

    /// Up to where clocks show the same; `nil`: nothing is cut otherwise by the others.
    package func firstDifference(from other: ZoneRules) -> Instant? {
        guard digest != other.digest else { return nil }
        guard offsets[0] == other.offsets[0] else { return .earliest }
        let shared = min(changes.count, other.changes.count)
        let place =
            (0..<shared).first {
                changes[$0] != other.changes[$0] || offsets[$0 + 1] != other.offsets[$0 + 1]
            } ?? shared
        let first = [changes, other.changes].compactMap { $0.dropFirst(place).first }.min()
        return first.map { Instant(millisecondsSince1970: $0) }
    }
}
