/// One window: from an instant up to, and not including, another.
public struct WindowSpan: Hashable, Sendable {
    public let from: Instant
    public let until: Instant

    public init(from: Instant, until: Instant) {
        self.from = from
        self.until = until
    }

    /// All of time.
    public static let lifetime = WindowSpan(from: Int64.min, until: Int64.max)

    init(from: Int64, until: Int64) {
        self.from = Instant(millisecondsSince1970: from)
        self.until = Instant(millisecondsSince1970: until)
    }

    public func contains(_ instant: Instant) -> Bool {
        from <= instant && instant < until
    }
}

extension Window {
    /// The window that an instant falls into.
    ///
    /// Hours and minutes are cut at full ones of the local clock and at every change of the zone's offset.
    /// Days start when the local clock first shows midnight or later; weeks, months, quarters and years start
    /// with their first day. A day that the clock skips has no window, and what a clock put back
    /// shows again of the day before belongs to the day that has begun. Billing month `k` starts
    /// when the clock first shows what it showed at the anchor, `k` months later and on the last
    /// day of shorter months; without an anchor it is the month.
    ///
    /// Instants further than 285,000 years from 1970 are taken as that far.
    public func span(
        containing instant: Instant, in zone: ZoneRules, anchor: Instant?
    ) -> WindowSpan {
        let time = ZoneRules.clamped(instant.millisecondsSince1970)
        switch self {
        case .minute:
            return zone.clockSpan(of: 60_000, containing: time)
        case .hour:
            return zone.clockSpan(of: 3_600_000, containing: time)
        case .day:
            return zone.span(containing: time) { ($0, $0 + 1) }
        case .week(let first):
            return zone.span(containing: time) { Self.week(ofDay: $0, startingOn: first) }
        case .month:
            return zone.span(containing: time, of: Self.month(ofDay:))
        case .quarter:
            return zone.span(containing: time, of: Self.quarter(ofDay:))
        case .year:
            return zone.span(containing: time, of: Self.year(ofDay:))
        case .lifetime, .request, .concurrent, .sinceFirst:
            return .lifetime
        case .billingMonth:
            guard let anchor else {
                return zone.span(containing: time, of: Self.month(ofDay:))
            }
            return BillingCalendar(anchor: anchor, zone: zone).month(containing: time)
        case .rolling(let seconds):
            return Self.rolling(seconds: seconds, lastMillisecond: time)
        }
    }

    private static func week(ofDay day: Int64, startingOn first: Weekday) -> (Int64, Int64) {
        // 1970-01-01 was a Thursday, three days after Monday.
        let (_, daysAfterFirst) = (day + 3 - first.daysAfterMonday)
            .flooredQuotientAndRemainder(dividingBy: 7)
        return (day - daysAfterFirst, day - daysAfterFirst + 7)
    }

    private static func month(ofDay day: Int64) -> (Int64, Int64) {
        let date = CivilDate(daysSince1970: day)
        let first = day - Int64(date.day - 1)
        return (first, first + Int64(CivilDate.dayCount(ofMonth: date.month, year: date.year)))
    }

    private static func quarter(ofDay day: Int64) -> (Int64, Int64) {
        let month = CivilDate(daysSince1970: day).monthNumber
        let (_, monthsAfterFirst) = month.flooredQuotientAndRemainder(dividingBy: 3)
        func start(_ month: Int64) -> Int64 {
            CivilDate(monthNumber: month, clampingDay: 1).daysSince1970
        }
        return (start(month - monthsAfterFirst), start(month - monthsAfterFirst + 3))
    }

    private static func year(ofDay day: Int64) -> (Int64, Int64) {
        let year = CivilDate(daysSince1970: day).year
        let first = CivilDate(uncheckedYear: year, month: 1, day: 1).daysSince1970
        return (first, first + (CivilDate.isLeap(year: year) ? 366 : 365))
    }

    private static func rolling(seconds: Int64, lastMillisecond time: Int64) -> WindowSpan {
        let range = rollingSeconds
        let milliseconds = min(max(seconds, range.lowerBound), range.upperBound) * 1_000
        return WindowSpan(from: time - milliseconds + 1, until: time + 1)
    }
}

extension Window {
    /// Every window that overlaps a span of time, in order and whole.
    ///
    /// `nil` when there are more than `atMost`; no more than those are ever kept.
    ///
    /// Rolling windows overlap each other. Of them it takes those that follow each other without
    /// gap, the last of which ends where the span ends.
    public func spans(
        from: Instant, until: Instant, in zone: ZoneRules, anchor: Instant?, atMost: Int
    ) -> [WindowSpan]? {
        guard from < until else { return [] }
        if case .rolling = self {
            return rollingSpans(from: from, until: until, in: zone, atMost: atMost)
        }
        // At the end of calendars the next window is the same again; there the loop must stop.
        let end = min(until, Instant(millisecondsSince1970: ZoneRules.farthest))
        var spans: [WindowSpan] = []
        var span = span(containing: from, in: zone, anchor: anchor)
        while spans.count < atMost {
            spans.append(span)
            guard span.until < end else { return spans }
            span = self.span(containing: span.until, in: zone, anchor: anchor)
        }
        return nil
    }

    private func rollingSpans(
        from: Instant, until: Instant, in zone: ZoneRules, atMost: Int
    ) -> [WindowSpan]? {
        let start = max(from, Instant(millisecondsSince1970: -ZoneRules.farthest))
        var spans: [WindowSpan] = []
        var end = until
        while spans.count < atMost {
            let last = Instant(millisecondsSince1970: end.millisecondsSince1970 - 1)
            let span = span(containing: last, in: zone, anchor: nil)
            spans.append(span)
            guard span.from > start else { return spans.reversed() }
            end = span.from
        }
        return nil
    }
}

private let millisecondsPerDay: Int64 = 86_400_000

extension ZoneRules {
    /// The local day that an instant belongs to, by the same boundaries as the window `day`.
    public func day(containing instant: Instant) -> CivilDate {
        let time = Self.clamped(instant.millisecondsSince1970)
        return CivilDate(daysSince1970: day(containing: time, stretch(containing: time)))
    }

    /// The local day that an instant belongs to, counted from 1970-01-01.
    package func dayNumber(containing instant: Instant) -> Int64 {
        let time = Self.clamped(instant.millisecondsSince1970)
        return day(containing: time, stretch(containing: time))
    }

    /// When a local day begins; a day that the clock skips begins and ends with the transition.
    public func start(of date: CivilDate) -> Instant {
        instant(localMilliseconds: date.daysSince1970 * millisecondsPerDay)
    }

    /// A full hour or minute of the local clock.
    fileprivate func clockSpan(of milliseconds: Int64, containing time: Int64) -> WindowSpan {
        guard !joints.isEmpty else { return fullSpan(of: milliseconds, containing: time) }
        let index = joints.lastIndex { $0 <= time }
        let following = joints[(index.map { $0 + 1 } ?? 0)...].first ?? 4 * Self.farthest
        var span = fullSpan(of: milliseconds, containing: time)
        if let joint = index.map({ joints[$0] }) {
            let first = fullSpan(of: milliseconds, containing: joint + milliseconds - 1)
            if time < first.until.millisecondsSince1970 {
                span = WindowSpan(from: Instant(millisecondsSince1970: joint), until: first.until)
            }
        }
        let until = min(span.until, Instant(millisecondsSince1970: following))
        return WindowSpan(from: span.from, until: until)
    }

    private func fullSpan(of milliseconds: Int64, containing time: Int64) -> WindowSpan {
        let stretch = stretch(containing: time)
        let (_, elapsed) = (time + stretch.offset)
            .flooredQuotientAndRemainder(dividingBy: milliseconds)
        return WindowSpan(
            from: max(time - elapsed, stretch.from),
            until: min(time - elapsed + milliseconds, stretch.until)
        )
    }

    /// The window between the starts of the two local days that `days` gives for a local day: the
    /// first of its window and the first of the next.
    @inline(__always)
    fileprivate func span(
        containing time: Int64, of days: (Int64) -> (first: Int64, next: Int64)
    ) -> WindowSpan {
        let stretch = stretch(containing: time)
        let (first, next) = days(day(containing: time, stretch))
        return WindowSpan(
            from: firstTime(showing: first * millisecondsPerDay, near: stretch),
            until: firstTime(showing: next * millisecondsPerDay, near: stretch)
        )
    }

    @inline(__always)
    private func day(containing time: Int64, _ stretch: Stretch) -> Int64 {
        var (day, _) = (time + stretch.offset)
            .flooredQuotientAndRemainder(dividingBy: millisecondsPerDay)
        // The clock may show yesterday again, after it was put back across midnight.
        while firstTime(showing: (day + 1) * millisecondsPerDay, near: stretch) <= time { day += 1 }
        return day
    }
}

/// Months counted from an anchor.
///
/// Each boundary is computed from the anchor and not from the boundary before it. So an anchor on
/// the 31st stays on the 31st after a month of 30 days.
private struct BillingCalendar {
    let zone: ZoneRules
    let anchorDay: Int
    let millisecondOfDay: Int64

    init(anchor: Instant, zone: ZoneRules) {
        let (day, millisecondOfDay) = zone.localMilliseconds(at: anchor)
            .flooredQuotientAndRemainder(dividingBy: millisecondsPerDay)
        self.zone = zone
        self.millisecondOfDay = millisecondOfDay
        anchorDay = CivilDate(daysSince1970: day).day
    }

    func month(containing time: Int64) -> WindowSpan {
        let stretch = zone.stretch(containing: time)
        let (day, _) = (time + stretch.offset)
            .flooredQuotientAndRemainder(dividingBy: millisecondsPerDay)
        var month = CivilDate(daysSince1970: day).monthNumber
        var from = start(of: month, near: stretch)
        var until = start(of: month + 1, near: stretch)
        while time < from {
            month -= 1
            (from, until) = (start(of: month, near: stretch), from)
        }
        while until <= time {
            month += 1
            (from, until) = (until, start(of: month + 1, near: stretch))
        }
        return WindowSpan(from: from, until: until)
    }

    private func start(of month: Int64, near stretch: ZoneRules.Stretch) -> Int64 {
        let date = CivilDate(monthNumber: month, clampingDay: anchorDay)
        let local = date.daysSince1970 * millisecondsPerDay + millisecondOfDay
        return zone.firstTime(showing: local, near: stretch)
    }
}
