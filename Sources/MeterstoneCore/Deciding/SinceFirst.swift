/// The rules of windows that open with the first use and last a given time.
///
/// They follow from the instants of use alone, in whatever order those were told: the first use opens a
/// window, and the first one at or after its end opens the next.
package enum SinceFirst {
    /// The window that contains an instant, and what was used in it; `nil`: none is open then.
    ///
    /// - Parameter entries: from an instant on at which no window was open, or one began.
    package static func window(
        at instant: Instant, _ entries: [RollingEntry], milliseconds: Int64
    ) -> (span: WindowSpan, used: Int64)? {
        var start: Instant?
        var end = Instant.earliest
        var used: Int64 = 0
        for entry in entries where entry.units != 0 {
            if start == nil || entry.at >= end {
                guard entry.at <= instant else { break }
                start = entry.at
                end = entry.at.advanced(byMilliseconds: milliseconds)
                used = 0
            }
            used &+= entry.units
        }
        guard let start, instant < end else { return nil }
        return (WindowSpan(from: start, until: end), used)
    }

    /// What a window would contain that is opened at an instant at which none is open.
    package static func used(
        from instant: Instant, _ entries: [RollingEntry], milliseconds: Int64
    ) -> Int64 {
        let end = instant.advanced(byMilliseconds: milliseconds)
        return entries.reduce(0) { sum, entry in
            instant <= entry.at && entry.at < end ? sum &+ entry.units : sum
        }
    }

    /// The beginning of the window that contains an instant, or the instant itself where none is open:
    /// windows after it do not depend on what was before.
    package static func boundary(
        _ entries: [RollingEntry], atOrBefore instant: Instant, milliseconds: Int64
    ) -> Instant? {
        window(at: instant, entries, milliseconds: milliseconds)?.span.from ?? instant
    }

    /// From when on these entries tell which windows there are; `nil`: what was before has to be known.
    ///
    /// - Parameter from: everything was read from here on.
    package static func origin(
        _ entries: [RollingEntry], from: Instant, atOrBefore instant: Instant, milliseconds: Int64
    ) -> Instant? {
        // No window reaches over a gap that is as long as one.
        var free = from.advanced(byMilliseconds: milliseconds)
        for entry in entries {
            if free <= entry.at { break }
            free = entry.at.advanced(byMilliseconds: milliseconds)
        }
        return free <= instant ? free : nil
    }
}
