/// Goes through readings in the order of time, and knows what they come to up to where it is.
///
/// Instants are cut to whole seconds, so that what is over time is a whole number of units times seconds,
/// and windows that join add up.
package struct GaugeSweep {
    /// What is shown now; more than one may be beyond 2^63 together.
    private(set) package var level: Int128 = 0
    /// In units times seconds, from the first reading on.
    private(set) package var area: Int128 = 0
    private var second: Int64 = 0

    package init() {}

    /// What stands stays until an instant. An earlier one changes nothing.
    package mutating func stay(until instant: Instant) {
        let next = max(instant.millisecondsSince1970, 0) / 1_000
        guard next > second else { return }
        area += level * Int128(next - second)
        second = next
    }

    /// A reading takes the place of what was shown of the same before.
    package mutating func change(by units: Int128, at instant: Instant) {
        stay(until: instant)
        level += units
    }
}

/// What a gauge comes to in each of some windows that follow each other.
package struct GaugeWindows {
    private let spans: [WindowSpan]
    private let aggregation: Aggregation
    /// Nothing is told of what is after it.
    private let now: Instant
    private var sweep = GaugeSweep()
    private var place = 0
    /// The area where the window of this place began; `nil`: it has not.
    private var start: Int128?
    private var numbers: [Int64] = []

    /// - Parameter spans: sorted and disjoint.
    package init(_ spans: [WindowSpan], _ aggregation: Aggregation, now: Instant) {
        self.spans = spans
        self.aggregation = aggregation
        self.now = now
        numbers.reserveCapacity(spans.count)
    }

    /// A reading changes what is shown. Readings come in the order of time, and none is later than now.
    package mutating func change(by units: Int128, at instant: Instant) {
        pass(instant)
        sweep.change(by: units, at: instant)
    }

    /// Closes the windows that end until an instant, which itself is not in them.
    private mutating func pass(_ instant: Instant) {
        while place < spans.count, spans[place].from <= instant {
            open()
            guard spans[place].until <= instant else { return }
            close(at: spans[place].until)
        }
    }

    private mutating func open() {
        guard start == nil else { return }
        sweep.stay(until: spans[place].from)
        start = sweep.area
    }

    private mutating func close(at instant: Instant) {
        sweep.stay(until: instant)
        let area = sweep.area - (start ?? 0)
        numbers.append(Int64(clamping: aggregation == .integral ? area : sweep.level))
        (start, place) = (nil, place + 1)
    }

    /// What each window comes to; nothing is told of those that have not begun.
    package func finished() -> [Int64] {
        var rest = self
        rest.pass(now)
        if rest.place < spans.count, spans[rest.place].from <= now {
            rest.open()
            rest.close(at: now)
        }
        return rest.numbers + Array(repeating: 0, count: spans.count - rest.numbers.count)
    }
}
