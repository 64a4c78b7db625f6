/// What each value of a counter has come to that tells values apart: the first so many in alphabetical
/// order each by itself, and all others together.
///
/// Which values have a counter of their own does not depend on the order in which they came, so that a
/// history that is folded in parts, or in another order, comes to the same.
public struct ValueCounters: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public let value: String
        public internal(set) var units: Int64
        /// Of how many contributions; never 0.
        public internal(set) var contributions: Int64

        package init(value: String, units: Int64, contributions: Int64) {
            self.value = value
            self.units = units
            self.contributions = contributions
        }
    }

    /// Sorted by value, each once.
    public private(set) var own: [Entry]
    /// What those came to that have no counter of their own.
    public private(set) var othersUnits: Int64
    public private(set) var othersContributions: Int64

    package init(own: [Entry] = [], othersUnits: Int64 = 0, othersContributions: Int64 = 0) {
        self.own = own
        self.othersUnits = othersUnits
        self.othersContributions = othersContributions
    }

    package var isEmpty: Bool { own.isEmpty && othersContributions == 0 }

    /// Where one value stands.
    package enum Standing: Equatable {
        /// It has come to so much.
        case counted(Int64)
        /// It is new, and there is a counter for it.
        case new
        /// It is one of those that share a counter, which has come to so much.
        case together(Int64)
    }

    package func standing(of value: String, max: Int) -> Standing {
        let place = place(of: value)
        if place < own.count, own[place].value == value { return .counted(own[place].units) }
        return own.count < max || place < max ? .new : .together(othersUnits)
    }

    /// Where a value stands, or would.
    private func place(of value: String) -> Int {
        var (low, high) = (0, own.count)
        while low < high {
            let middle = (low + high) / 2
            if own[middle].value < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Counts units that fit.
    mutating func add(_ units: Int64, of value: String, max: Int) {
        let place = place(of: value)
        if place < own.count, own[place].value == value {
            own[place].units &+= units
            own[place].contributions &+= 1
        } else if place < max {
            own.insert(Entry(value: value, units: units, contributions: 1), at: place)
            guard own.count > max, let last = own.popLast() else { return }
            othersUnits &+= last.units
            othersContributions &+= last.contributions
        } else {
            othersUnits &+= units
            othersContributions &+= 1
        }
    }

    /// Takes units back that were counted, where ``canDrop(_:)`` says that the rest is known.
    mutating func drop(_ units: Int64, of value: String) {
        let place = place(of: value)
        guard place < own.count, own[place].value == value else {
            othersUnits &-= units
            othersContributions &-= 1
            if othersContributions <= 0 { (othersUnits, othersContributions) = (0, 0) }
            return
        }
        own[place].units &-= units
        own[place].contributions &-= 1
        if own[place].contributions <= 0 { own.remove(at: place) }
    }

    /// Changes what a value came to without a contribution more or less.
    mutating func change(by units: Int64, of value: String) {
        let place = place(of: value)
        if place < own.count, own[place].value == value {
            own[place].units &+= units
        } else {
            othersUnits &+= units
        }
    }

    /// Whether what is left is known once a contribution is taken back: a value that goes makes room for
    /// one of those that were counted together, and of these nobody knows what each came to.
    func canDrop(_ value: String) -> Bool {
        guard othersContributions > 0 else { return true }
        let place = place(of: value)
        return !(place < own.count && own[place].value == value && own[place].contributions == 1)
    }
}

/// Counters of windows that roll, by value.
package typealias RollingValues = [String: [RollingEntry]]

extension CounterState {
    /// What each value has come to; none of a counter that does not tell values apart.
    package var values: ValueCounters {
        guard case .values(let values) = memory else { return ValueCounters() }
        return values
    }

    package var rollingValues: RollingValues {
        guard case .rollingValues(let lists) = memory else { return [:] }
        return lists
    }

    /// Changes what values came to in place: a second reference would have it copied.
    @inline(never)
    mutating func addValue(_ units: Int64, of contribution: Contribution) {
        guard let value = contribution.value else { return }
        withValues { $0.add(units, of: value, max: contribution.valuesMax) }
    }

    /// Puts a contribution in the place of another, of which ``ReplacedValue`` was not unknown.
    mutating func replaceValue(_ old: Contribution?, by new: Contribution?) {
        withValues { values in
            if let old, let new, let value = old.value, value == new.value {
                return values.change(by: new.units &- old.units, of: value)
            }
            if let old, let value = old.value { values.drop(old.units, of: value) }
            if let new, let value = new.value {
                values.add(new.units, of: value, max: new.valuesMax)
            }
        }
    }

    /// Whether what is left is known once a contribution is replaced; of counters that do not tell values
    /// apart it is.
    package func knowsRest(replacing old: Contribution?, by new: Contribution?) -> Bool {
        guard let value = old?.value, value != new?.value else { return true }
        return values.canDrop(value)
    }

    private mutating func withValues(_ change: (inout ValueCounters) -> Void) {
        var values = self.values
        memory = .none
        change(&values)
        if !values.isEmpty { memory = .values(values) }
    }

    /// Changes lists in place, of a window that rolls and tells values apart.
    mutating func withRollingValues(_ change: (inout RollingValues) -> Void) {
        var lists = rollingValues
        memory = .none
        change(&lists)
        memory = .rollingValues(lists)
    }

    mutating func replaceRollingValue(
        _ old: (contribution: Contribution, units: Int64)?,
        by new: (contribution: Contribution, units: Int64)?
    ) {
        withRollingValues { lists in
            if let (contribution, units) = new, let value = contribution.value {
                RollingEntry.add(units, at: contribution.occurredAt, to: &lists[value, default: []])
            }
            if let (contribution, units) = old, let value = contribution.value {
                RollingEntry.drop(
                    units, at: contribution.occurredAt, from: &lists[value, default: []])
                if lists[value]?.isEmpty ?? false { lists[value] = nil }
            }
        }
    }

    /// As of ``dropRolling(through:)``, when a value has many entries, or when there are twice as many
    /// values as when it was looked at last.
    mutating func dropRollingValues(_ value: String, through instant: Instant) -> Bool {
        let lists = rollingValues
        guard let list = lists[value] else { return false }
        let isLong =
            list.count >= Self.rollingEntriesMin && list[list.count / 2].at <= instant
        let areMany =
            list.count == 1 && lists.count >= Self.rollingEntriesMin
            && lists.count.nonzeroBitCount == 1
        guard isLong || areMany else { return false }
        var kept = RollingValues(minimumCapacity: lists.count)
        for (value, list) in lists {
            let first = RollingEntry.firstIndex(after: instant, in: list)
            for entry in list[..<first] { self.value &-= entry.units }
            if first < list.count { kept[value] = Array(list[first...]) }
        }
        memory = .rollingValues(kept)
        return true
    }
}
