package import MeterstoneCore

/// Everything that counts, by column: what is projected, and what is not yet.
package struct ColumnScan {
    package let source: any StoreSource
    package let view: StoreView
    /// What everything is read as of; `nil`: as it is.
    package let cut: ReportCut?
    private let tail: [Int64: [ColumnSegment]]
    private let shapes = ShapeTable()

    /// - Parameters:
    ///   - view: of no subject, taken before the snapshot that `source` reads.
    ///   - cut: one that ``holds(_:_:_:)`` says is known.
    package init(
        _ view: StoreView, _ source: any StoreSource, at cut: ReportCut? = nil
    ) throws(StoreError) {
        self.source = source
        self.view = view
        self.cut = cut
        let watermark = try source.watermark()
        var tail: [Int64: [ColumnSegment]] = [:]
        let waiting = try view.known.tail.columns(
            after: watermark, through: cut?.sequence ?? .max, view.registry)
        for segment in waiting.flatMap({ $0.segments() }) {
            tail[segment.day, default: []].append(segment)
        }
        self.tail = tail
    }

    /// Whether later pages can be told of a report that was begun at a cut.
    package static func holds(
        _ cut: ReportCut, _ view: StoreView, _ source: any StoreSource
    ) throws(StoreError) -> Bool {
        guard try source.holds(cut) else { return false }
        return cut.snapshot != nil || (view.cutFloor...view.head).contains(cut.sequence)
    }

    /// What later pages are to be read as of.
    package func cut(at now: Instant) throws(StoreError) -> ReportCut {
        if let cut { return cut }
        guard let (text, sequence) = try source.snapshot() else {
            return ReportCut(at: now, sequence: view.head)
        }
        return ReportCut(at: now, sequence: sequence, snapshot: text)
    }

    /// UTC days within a span of which there may be events, ascending.
    package func days(within span: WindowSpan) throws(StoreError) -> [Int64] {
        let days = span.utcDays
        return try Set(source.columnDays(within: days)).union(tail.keys.filter(days.contains))
            .sorted()
    }

    /// What tells whether anything is different on the days of each span; `nil`: what occurred there is not
    /// all in rows yet.
    package func marks(of spans: some Collection<WindowSpan>) throws(StoreError) -> [ColumnMark?] {
        let days = spans.map(\.utcDays)
        guard let first = days.map(\.lowerBound).min(), let last = days.map(\.upperBound).max()
        else { return [] }
        let rows = try source.columnRows(of: first...last, at: cut)
        return days.map { days in
            tail.keys.contains(where: days.contains) ? nil : rows.mark(of: days)
        }
    }

    /// Visits what occurred within a span, day by day.
    ///
    /// - Parameters:
    ///   - withTimes: whether the visitor asks when events occurred.
    ///   - takenBackFirst: on each day what was taken back comes before everything that counts, so that
    ///     who visits can leave out the latter and need not keep it.
    ///   - accepts: which shapes; the others are passed over.
    package func forEachRun(
        in span: WindowSpan, withTimes: Bool = false, takenBackFirst: Bool = false,
        where accepts: (ColumnShape) -> Bool,
        _ visit: (ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) {
        guard span.from < span.until else { return }
        var known = PerShape<Bool>()
        func isAccepted(_ number: Int, _ shape: ColumnShape) -> Bool {
            known.value(number, of: shape, accepts)
        }
        let days = span.utcDays
        let first =
            span.from <= .startOf(day: days.lowerBound) ? days.lowerBound : days.lowerBound + 1
        let end =
            span.until >= .startOf(day: days.upperBound + 1) ? days.upperBound : days.upperBound - 1
        if first > days.lowerBound {
            try forEachRun(ofPartOf: days.lowerBound, span, takenBackFirst, isAccepted, visit)
        }
        if first <= end {
            try forEachSide(of: first...end, withTimes: withTimes, takenBackFirst) {
                (segment, side) throws(StoreError) in
                try segment.forEachRun(shapes, where: isAccepted) { (run) throws(StoreError) in
                    if let part = run.only(side) { try visit(part) }
                }
            }
        }
        if end < days.upperBound, days.upperBound > days.lowerBound || first == days.lowerBound {
            try forEachRun(ofPartOf: days.upperBound, span, takenBackFirst, isAccepted, visit)
        }
    }

    private func forEachRun(
        ofPartOf day: Int64, _ span: WindowSpan, _ takenBackFirst: Bool,
        _ accepts: (Int, ColumnShape) -> Bool, _ visit: (ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) {
        try forEachSide(of: day...day, withTimes: true, takenBackFirst) {
            (segment, side) throws(StoreError) in
            try segment.forEachRun(shapes, where: accepts) { (run) throws(StoreError) in
                guard let part = run.only(side)?.within(span), !part.isEmpty else { return }
                try visit(part)
            }
        }
    }

    /// Visits segments once, or those of each day twice: first for what was taken back, which is of the
    /// day of what it takes back.
    private func forEachSide(
        of days: ClosedRange<Int64>, withTimes: Bool, _ takenBackFirst: Bool,
        _ visit: (ColumnSegment, ColumnRun.Side) throws(StoreError) -> Void
    ) throws(StoreError) {
        guard takenBackFirst else {
            return try forEachSegment(of: days, withTimes: withTimes) {
                (segment) throws(StoreError) in try visit(segment, .both)
            }
        }
        var waiting: [ColumnSegment] = []
        func visitWaiting() throws(StoreError) {
            for segment in waiting { try visit(segment, .takenBack) }
            for segment in waiting { try visit(segment, .counted) }
            waiting.removeAll()
        }
        try forEachSegment(of: days, withTimes: withTimes) { (segment) throws(StoreError) in
            if let last = waiting.last, last.day != segment.day { try visitWaiting() }
            waiting.append(segment)
        }
        try visitWaiting()
    }

    private func forEachSegment(
        of days: ClosedRange<Int64>, withTimes: Bool,
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) throws(StoreError) {
        var waiting = tail.keys.filter(days.contains).sorted()[...]
        func visitTail(before end: Int64) throws(StoreError) {
            while let day = waiting.first, day < end {
                for segment in tail[day] ?? [] { try visit(segment) }
                waiting.removeFirst()
            }
        }
        try source.columns(days: days, withTimes: withTimes, at: cut) {
            (segment) throws(StoreError) in
            try visitTail(before: segment.day)
            try visit(segment)
        }
        try visitTail(before: .max)
    }
}
