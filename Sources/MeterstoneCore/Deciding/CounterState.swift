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
        /// How often each distinct value was seen.
        case distinct([String: Int64])
        /// Quantities by instant, sorted, each instant once.
        case rolling([RollingEntry])
        /// Open reservations, in the order in which they expire.
        case reservations([OpenReservation])
        /// The days of a month on which a subject did something.
        case activity(Activity)
        /// A subject's credits. Boxed, since it is by far the largest.
        indirect case wallet(SealedWallet)
    }

    public static let empty = CounterState(value: 0, memory: .none)

    public init(value: Int64, memory: Memory) {
        self.value = value
        self.memory = memory
    }

    /// What `value` becomes with one more contribution, or `nil` when it does not fit.
    @inline(__always)
    package func previewing(_ contribution: Contribution, as aggregation: Aggregation) -> Int64? {
        switch aggregation {
        case .sum:
            let (sum, overflow) = value.addingReportingOverflow(contribution.units)
            return overflow ? nil : sum
        case .count:
            let (sum, overflow) = value.addingReportingOverflow(1)
            return overflow ? nil : sum
        case .max, .latest, .uniqueCount:
            var copy = self
            return copy.add(contribution, as: aggregation) ? copy.value : nil
        }
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
        case .max:
            // Quantities are not negative, so that nothing is less than what an empty counter shows.
            value = max(value, contribution.units)
        case .latest:
            addLatest(contribution)
        case .uniqueCount:
            addDistinct(contribution.distinctValue)
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
        var entries: [RollingEntry] = []
        if case .rolling(let known) = memory { entries = known }
        memory = .none
        RollingEntry.add(units, at: contribution.occurredAt, to: &entries)
        memory = .rolling(entries)
        return true
    }

    /// Forgets entries up to an instant when they are half of many; `false` when nothing was done.
    package mutating func dropRolling(through instant: Instant) -> Bool {
        guard case .rolling(var entries) = memory, entries.count >= Self.rollingEntriesMin,
            entries[entries.count / 2].at <= instant
        else { return false }
        memory = .none
        let kept = RollingEntry.firstIndex(after: instant, in: entries)
        for entry in entries[..<kept] { value &-= entry.units }
        entries.removeFirst(kept)
        memory = .rolling(entries)
        return true
    }

    /// Entries that are kept without a look at their age.
    private static let rollingEntriesMin = 256

    private mutating func addLatest(_ contribution: Contribution) {
        if case .latest(let at, let sequence) = memory,
            (contribution.occurredAt, contribution.sequence) < (at, sequence)
        {
            return
        }
        value = contribution.units
        memory = .latest(at: contribution.occurredAt, sequence: contribution.sequence)
    }

    private mutating func addDistinct(_ distinctValue: String?) {
        guard let distinctValue else { return }
        var values: [String: Int64] = [:]
        if case .distinct(let known) = memory { values = known }
        memory = .none
        values[distinctValue, default: 0] += 1
        value = Int64(values.count)
        memory = .distinct(values)
    }
}

/// What one event adds to one counter.
public struct Contribution: Hashable, Sendable {
    public var units: Int64
    /// For unique counts: the value that was seen.
    public var distinctValue: String?
    public var occurredAt: Instant
    public var sequence: Int64

    package init(
        units: Int64, distinctValue: String? = nil, occurredAt: Instant, sequence: Int64
    ) {
        self.units = units
        self.distinctValue = distinctValue
        self.occurredAt = occurredAt
        self.sequence = sequence
    }
}
