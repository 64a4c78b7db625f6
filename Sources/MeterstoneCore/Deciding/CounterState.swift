/// What has been counted in one window, together with what its aggregation needs to go on.
///
/// A state is folded from contributions, and nothing else: folding a history in one go, or in parts
/// that are kept in between, gives the same state.
public struct CounterState: Hashable, Sendable {
    /// What the aggregation comes to. Of a rolling counter: the sum of all its entries.
    public internal(set) var value: Int64
    public internal(set) var memory: Memory

    /// What some aggregations must remember beside the number.
    public enum Memory: Hashable, Sendable {
        case none
        /// When the latest event occurred, and its place in the order of recording.
        case latest(at: Instant, sequence: Int64)
        /// The latest reading, and later ones that were told before their time, in their order. The
        /// value is that of the latest, or 0 when there is none.
        case readings(latest: Reading?, ahead: [Reading])
        /// The readings of a gauge.
        indirect case gauge(GaugeReadings)
        /// How often each distinct value was seen.
        case distinct([String: Int64])
        /// What each value came to, of a series that tells values apart.
        case values(ValueCounters)
        /// Quantities by instant, sorted, each instant once.
        case rolling([RollingEntry])
        /// The same by value.
        case rollingValues([String: [RollingEntry]])
        /// Open reservations, in the order in which they expire.
        case reservations([OpenReservation])
        /// The days of a month on which a subject did something.
        case activity(Activity)
        /// A subject's credits. Boxed, since it is by far the largest.
        indirect case wallet(SealedWallet)
    }

    /// What a gauge showed.
    public struct Reading: Hashable, Comparable, Sendable {
        public var at: Instant
        /// Place in the order of recording.
        public var sequence: Int64
        public var units: Int64

        package init(at: Instant, sequence: Int64, units: Int64) {
            self.at = at
            self.sequence = sequence
            self.units = units
        }

        public static func < (lhs: Reading, rhs: Reading) -> Bool {
            (lhs.at, lhs.sequence) < (rhs.at, rhs.sequence)
        }
    }

    public static let empty = CounterState(value: 0, memory: .none)

    public init(value: Int64, memory: Memory) {
        self.value = value
        self.memory = memory
    }

    /// What it comes to at an instant, which is not before the last contribution was recorded: a reading
    /// counts from its own time on.
    @inline(__always)
    package func value(at instant: Instant) -> Int64 {
        switch memory {
        case .readings(_, let ahead): ahead.last { $0.at <= instant }?.units ?? value
        case .gauge(let readings): readings.value(at: instant)
        default: value
        }
    }

    /// What it comes to at an instant with one more contribution, or `nil` when it does not fit.
    @inline(__always)
    package func previewing(
        _ contribution: Contribution, as aggregation: Aggregation, at instant: Instant
    ) -> Int64? {
        switch aggregation {
        case .sum:
            let (sum, overflow) = value.addingReportingOverflow(contribution.units)
            return overflow ? nil : sum
        case .count:
            let (sum, overflow) = value.addingReportingOverflow(1)
            return overflow ? nil : sum
        case .max: return Swift.max(value, contribution.units)
        case .latest:
            var copy = self
            copy.addLatest(contribution)
            return copy.value(at: instant)
        case .gauge, .integral: return gauge.value(at: instant, adding: contribution)
        case .uniqueCount:
            guard let seen = contribution.value, !has(seen) else { return value }
            return value + 1
        }
    }

    private func has(_ distinctValue: String) -> Bool {
        guard case .distinct(let values) = memory else { return false }
        return values[distinctValue] != nil
    }

    /// Counts one contribution. `false`, and no change, when the number would not fit.
    @inline(__always)
    package mutating func add(_ contribution: Contribution, as aggregation: Aggregation) -> Bool {
        switch aggregation {
        case .sum, .count:
            let units = aggregation == .sum ? contribution.units : 1
            let (sum, overflow) = value.addingReportingOverflow(units)
            guard !overflow else { return false }
            value = sum
            if contribution.valuesMax > 0 { addValue(units, of: contribution) }
        case .max:
            // Quantities are not negative, so that nothing is less than what an empty counter shows.
            value = max(value, contribution.units)
        case .latest:
            addLatest(contribution)
        case .gauge, .integral:
            addGauge(contribution)
        case .uniqueCount:
            addDistinct(contribution.value)
        }
        return true
    }

    /// Counts a contribution at its instant, for windows that roll.
    package mutating func addRolling(
        _ contribution: Contribution, as aggregation: Aggregation
    )
        -> Bool
    {
        let units = aggregation == .count ? 1 : contribution.units
        let (sum, overflow) = value.addingReportingOverflow(units)
        guard !overflow else { return false }
        value = sum
        guard contribution.valuesMax == 0 else {
            replaceRollingValue(nil, by: (contribution, units))
            return true
        }
        withRolling { RollingEntry.add(units, at: contribution.occurredAt, to: &$0) }
        return true
    }

    /// Puts a contribution in the place of one that was counted, for windows that roll. What it comes to
    /// must fit.
    package mutating func replaceRolling(
        _ old: Contribution?, by new: Contribution?, as aggregation: Aggregation
    ) {
        func units(_ contribution: Contribution) -> Int64 {
            aggregation == .count ? 1 : contribution.units
        }
        value &+= (new.map(units) ?? 0) &- (old.map(units) ?? 0)
        if (old ?? new)?.valuesMax ?? 0 > 0 {
            return replaceRollingValue(
                old.map { ($0, units($0)) }, by: new.map { ($0, units($0)) })
        }
        withRolling { entries in
            // The other way round an entry would be removed and put in again.
            if let new { RollingEntry.add(units(new), at: new.occurredAt, to: &entries) }
            if let old { RollingEntry.drop(units(old), at: old.occurredAt, from: &entries) }
        }
    }

    /// Changes the entries in place: a second reference would have them copied.
    private mutating func withRolling(_ change: (inout [RollingEntry]) -> Void) {
        var entries: [RollingEntry] = []
        if case .rolling(let known) = memory { entries = known }
        memory = .none
        change(&entries)
        memory = .rolling(entries)
    }

    /// Forgets entries up to an instant when they are half of many; `false` when nothing was done.
    ///
    /// - Parameter value: that was counted last, where values are told apart.
    package mutating func dropRolling(through instant: Instant, of value: String? = nil) -> Bool {
        if let value { return dropRollingValues(value, through: instant) }
        guard case .rolling(var entries) = memory, entries.count >= Self.rollingEntriesMin,
            entries[entries.count / 2].at <= instant
        else { return false }
        memory = .none
        let kept = RollingEntry.firstIndex(after: instant, in: entries)
        for entry in entries[..<kept] { self.value &-= entry.units }
        entries.removeFirst(kept)
        memory = .rolling(entries)
        return true
    }

    /// Forgets entries before an instant.
    package mutating func dropInstants(before instant: Instant) {
        guard case .rolling(var entries) = memory else { return }
        memory = .none
        let kept = RollingEntry.firstIndex(
            after: instant.advanced(byMilliseconds: -1), in: entries)
        for entry in entries[..<kept] { value &-= entry.units }
        entries.removeFirst(kept)
        memory = .rolling(entries)
    }

    /// Entries that are kept without a look at their age.
    static let rollingEntriesMin = 256

    /// In whatever order readings come, the state is the same: the latest of those that were told in
    /// their time, and what was told ahead of it for later.
    fileprivate mutating func addLatest(_ contribution: Contribution) {
        var track = readings
        track.add(contribution.reading, isAhead: contribution.isAhead)
        put(track)
    }

    fileprivate var readings: ReadingTrack {
        switch memory {
        case .latest(let at, let sequence):
            ReadingTrack(latest: Reading(at: at, sequence: sequence, units: value))
        case .readings(let latest, let ahead): ReadingTrack(latest: latest, ahead: ahead)
        default: ReadingTrack()
        }
    }

    fileprivate mutating func put(_ track: ReadingTrack) {
        value = track.units
        if !track.ahead.isEmpty {
            memory = .readings(latest: track.latest, ahead: track.ahead)
        } else if let latest = track.latest {
            memory = .latest(at: latest.at, sequence: latest.sequence)
        } else {
            memory = .none
        }
    }

    /// What a gauge shows; nothing of other counters.
    package var gauge: GaugeReadings {
        guard case .gauge(let readings) = memory else { return GaugeReadings() }
        return readings
    }

    /// Changes what is known in place: a second reference would have it copied.
    fileprivate mutating func addGauge(_ contribution: Contribution) {
        var readings = gauge
        memory = .none
        readings.add(contribution)
        value = readings.value
        memory = .gauge(readings)
    }

    fileprivate mutating func addDistinct(_ distinctValue: String?) {
        guard let distinctValue else { return }
        withDistinct { $0[distinctValue, default: 0] += 1 }
    }

    fileprivate mutating func dropDistinct(_ distinctValue: String?) {
        guard let distinctValue else { return }
        withDistinct { values in
            guard let count = values[distinctValue] else { return }
            values[distinctValue] = count > 1 ? count - 1 : nil
        }
    }

    /// Changes what was seen in place: a second reference would have it copied.
    fileprivate mutating func withDistinct(_ change: (inout [String: Int64]) -> Void) {
        var values: [String: Int64] = [:]
        if case .distinct(let known) = memory { values = known }
        memory = .none
        change(&values)
        value = Int64(values.count)
        if !values.isEmpty { memory = .distinct(values) }
    }
}

extension CounterState {
    /// Adds what was counted in another window, for windows that consist of finer ones.
    package mutating func merge(_ other: CounterState, as aggregation: Aggregation) {
        switch aggregation {
        case .sum, .count: value &+= other.value
        case .max: value = Swift.max(value, other.value)
        case .latest:
            let (own, new) = (readings, other.readings)
            let latest = [own.latest, new.latest].compactMap(\.self).max()
            let ahead = (own.ahead + new.ahead).filter { reading in
                latest.map { $0 < reading } ?? true
            }
            put(ReadingTrack(latest: latest, ahead: ahead.sorted()))
        // A gauge is counted in one window, that of all time.
        case .gauge, .integral: break
        case .uniqueCount:
            guard case .distinct(let seen) = other.memory else { return }
            withDistinct { $0.merge(seen, uniquingKeysWith: +) }
        }
    }
}

/// What a counter comes to when a contribution gives way to another.
package enum ReplacedValue: Equatable {
    case value(Int64)
    /// It would not fit.
    case overflow
    /// The state does not say: it is folded from what is left.
    case unknown
}

extension CounterState {
    /// What it comes to at an instant with one contribution in the place of another, as far as the state
    /// tells. Both are of one event, so that they are of the same time and place.
    package func previewing(
        replacing old: Contribution?, by new: Contribution?, as aggregation: Aggregation,
        at instant: Instant
    ) -> ReplacedValue {
        switch aggregation {
        case .sum, .count:
            let (change, isTooMuch) = (new?.units ?? 0)
                .subtractingReportingOverflow(old?.units ?? 0)
            let (sum, isOver) = value.addingReportingOverflow(change)
            if isTooMuch || isOver { return .overflow }
            return knowsRest(replacing: old, by: new) ? .value(sum) : .unknown
        case .max:
            if let old, old.units >= value, (new?.units ?? 0) < value { return .unknown }
            return .value(Swift.max(value, new?.units ?? 0))
        case .latest:
            if let old {
                return remembers(old) ? .unknown : .value(value(at: instant))
            }
            return new.flatMap { previewing($0, as: .latest, at: instant) }
                .map { .value($0) } ?? .value(value(at: instant))
        case .gauge, .integral:
            let readings = gauge
            if let old {
                return readings.remembers(old) ? .unknown : .value(value(at: instant))
            }
            return .value(
                new.map { readings.value(at: instant, adding: $0) } ?? value(at: instant))
        case .uniqueCount:
            guard case .distinct(let values) = memory else {
                return .value(new?.value == nil ? value : 1)
            }
            let (gone, seen) = (old?.value, new?.value)
            if gone == seen { return .value(value) }
            let lost: Int64 = gone.map { values[$0] == 1 } ?? false ? 1 : 0
            let gained: Int64 = seen.map { values[$0] == nil } ?? false ? 1 : 0
            return .value(value - lost + gained)
        }
    }

    /// Puts a contribution in the place of another, where
    /// ``previewing(replacing:by:as:at:)`` knows the value.
    package mutating func replace(
        _ old: Contribution?, by new: Contribution?, as aggregation: Aggregation
    ) {
        switch aggregation {
        case .sum, .count:
            value &+= (new?.units ?? 0) &- (old?.units ?? 0)
            if (old ?? new)?.valuesMax ?? 0 > 0 { replaceValue(old, by: new) }
        case .max: value = Swift.max(value, new?.units ?? 0)
        case .latest: if old == nil, let new { addLatest(new) }
        case .gauge, .integral: if old == nil, let new { addGauge(new) }
        case .uniqueCount:
            dropDistinct(old?.value)
            addDistinct(new?.value)
        }
    }

    /// Whether the value, or a later one, is that of this reading. What was overtaken is not known.
    private func remembers(_ contribution: Contribution) -> Bool {
        readings.remembers(contribution.sequence)
    }
}

/// What one event adds to one counter.
public struct Contribution: Hashable, Sendable {
    public var units: Int64
    /// For unique counts: the value that was seen; for gauges: the item. Of a series that tells values
    /// apart: whose counter it adds to.
    public var value: String?
    /// How many values have a counter of their own; 0: values are not told apart.
    public var valuesMax: Int
    public var occurredAt: Instant
    public var sequence: Int64
    /// Whether it was recorded before it occurred.
    public var isAhead: Bool
    /// The number of the member whose event it is; 0: it is the subject's own.
    public var member: Int64

    package init(
        units: Int64, value: String? = nil, valuesMax: Int = 0, occurredAt: Instant,
        sequence: Int64, isAhead: Bool, member: Int64 = 0
    ) {
        self.member = member
        self.isAhead = isAhead
        self.units = units
        self.value = value
        self.valuesMax = valuesMax
        self.occurredAt = occurredAt
        self.sequence = sequence
    }
}
