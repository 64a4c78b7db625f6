/// Units counted at one instant, for windows of the last n seconds.
public struct RollingEntry: Hashable, Sendable {
    public var at: Instant
    public var units: Int64
    /// Of how many contributions, of which some may be of no units.
    public var contributions: Int64

    package init(at: Instant, units: Int64, contributions: Int64 = 1) {
        self.at = at
        self.units = units
        self.contributions = contributions
    }

    /// Keeps `entries` sorted, with one entry per instant.
    static func add(_ units: Int64, at: Instant, to entries: inout [RollingEntry]) {
        let position = firstIndex(after: at, in: entries)
        if position > 0, entries[position - 1].at == at {
            entries[position - 1].units &+= units
            entries[position - 1].contributions &+= 1
        } else {
            entries.insert(RollingEntry(at: at, units: units), at: position)
        }
    }

    /// Takes a contribution back that was added.
    static func drop(_ units: Int64, at: Instant, from entries: inout [RollingEntry]) {
        let position = firstIndex(after: at, in: entries) - 1
        guard position >= 0, entries[position].at == at else { return }
        entries[position].units &-= units
        entries[position].contributions &-= 1
        if entries[position].contributions <= 0 { entries.remove(at: position) }
    }

    /// Index of the first entry later than `instant`.
    static func firstIndex(after instant: Instant, in entries: [RollingEntry]) -> Int {
        // Events mostly arrive in order, so that the end is the first place to look.
        guard let last = entries.last, last.at > instant else { return entries.count }
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The rules of windows that roll: the last `milliseconds` up to and including an instant.
package enum Rolling {
    /// The fullest window of this length that contains `instant`.
    ///
    /// For an event that arrives in order this is the window that ends at it. One that arrives late
    /// also counts in windows that end after it, and none of those may run over.
    package static func used(
        _ entries: [RollingEntry], at instant: Instant, milliseconds: Int64
    ) -> Int64 {
        let first = RollingEntry.firstIndex(
            after: instant.advanced(byMilliseconds: -milliseconds), in: entries)
        var sum: Int64 = 0
        var index = first
        while index < entries.count, entries[index].at <= instant {
            sum &+= entries[index].units
            index += 1
        }
        var peak = sum
        var oldest = first
        let end = instant.advanced(byMilliseconds: milliseconds)
        while index < entries.count, entries[index].at < end {
            sum &+= entries[index].units
            let start = entries[index].at.advanced(byMilliseconds: -milliseconds)
            while entries[oldest].at <= start {
                sum &-= entries[oldest].units
                oldest += 1
            }
            peak = max(peak, sum)
            index += 1
        }
        return peak
    }

    /// When the oldest entry of the window that ends at `instant` leaves it.
    package static func resetsAt(
        _ entries: [RollingEntry], at instant: Instant, milliseconds: Int64
    ) -> Instant {
        let first = RollingEntry.firstIndex(
            after: instant.advanced(byMilliseconds: -milliseconds), in: entries)
        guard first < entries.count, entries[first].at <= instant else {
            return instant.advanced(byMilliseconds: milliseconds)
        }
        return entries[first].at.advanced(byMilliseconds: milliseconds)
    }

    /// The first instant after one at which `units` more fit under `allowed`, if nothing else is used: not
    /// before the oldest of a window has left it, and in none that what was told for later fills.
    package static func fits(
        _ units: Int64, under allowed: Int64, _ entries: [RollingEntry], after instant: Instant,
        milliseconds: Int64
    ) -> Instant? {
        guard units <= allowed else { return nil }
        let room = allowed.subtractingSaturated(units)
        let first = RollingEntry.firstIndex(
            after: instant.advanced(byMilliseconds: -milliseconds), in: entries)
        var full = endsOfFull(entries[first...], room, milliseconds: milliseconds)[...]
        var sum: Int64 = 0
        var next = first
        for entry in entries[first...] {
            let left = entry.at.advanced(byMilliseconds: milliseconds)
            while next < entries.count, entries[next].at <= left {
                sum &+= entries[next].units
                next += 1
            }
            sum &-= entry.units
            full = full.drop { $0 <= left }
            let isFull =
                full.first.map { $0 < left.advanced(byMilliseconds: milliseconds) } ?? false
            if sum <= room, !isFull, left > instant { return left }
        }
        return nil
    }

    /// The entries with which windows end that hold more than there is room for.
    private static func endsOfFull(
        _ entries: ArraySlice<RollingEntry>, _ room: Int64, milliseconds: Int64
    ) -> [Instant] {
        var ends: [Instant] = []
        var sum: Int64 = 0
        var oldest = entries.startIndex
        for entry in entries {
            sum &+= entry.units
            let start = entry.at.advanced(byMilliseconds: -milliseconds)
            while entries[oldest].at <= start {
                sum &-= entries[oldest].units
                oldest += 1
            }
            if sum > room { ends.append(entry.at) }
        }
        return ends
    }
}
