extension Window {
    /// The time whose usage may count together with what occurs in a span, in any time zone and from
    /// any anchor. It is a little longer than need be.
    package func reach(of span: WindowSpan) -> WindowSpan {
        switch self {
        case .lifetime, .sinceFirst: .lifetime
        case .request, .concurrent: span
        case .rolling(let seconds): span.widened(byMilliseconds: seconds * 1_000)
        case .billingMonth: span.widened(byMilliseconds: 35 * Self.dayMilliseconds)
        case .minute, .hour, .day, .week, .month, .quarter, .year: reachOfCalendar(span)
        }
    }

    private static let dayMilliseconds: Int64 = 86_400_000

    /// Dates differ by at most one between zones, and days start at most 26 hours apart.
    private func reachOfCalendar(_ span: WindowSpan) -> WindowSpan {
        let wide = span.widened(byMilliseconds: 2 * Self.dayMilliseconds)
        let first = self.span(containing: wide.from, in: .utc, anchor: nil)
        let last = self.span(containing: wide.until, in: .utc, anchor: nil)
        return WindowSpan(from: first.from, until: last.until)
            .widened(byMilliseconds: 2 * Self.dayMilliseconds)
    }
}

extension Limit {
    /// The same of what the limit looks at: where something is carried over, of the windows before, too.
    package func reach(of span: WindowSpan) -> WindowSpan {
        var reach = window.reach(of: span)
        guard carries, window.isOfCalendar else { return reach }
        for _ in 0..<windowsLookedBack {
            let before = window.reach(of: WindowSpan(from: reach.from, until: span.until))
            reach = WindowSpan(from: min(before.from, reach.from), until: reach.until)
        }
        return reach
    }
}

extension WindowSpan {
    /// Ends that are beyond what has a text stay as they are.
    fileprivate func widened(byMilliseconds milliseconds: Int64) -> WindowSpan {
        WindowSpan(
            from: from <= .earliest ? from : from.advanced(byMilliseconds: -milliseconds),
            until: until >= .latest ? until : until.advanced(byMilliseconds: milliseconds))
    }
}
