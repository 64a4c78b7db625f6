/// What a merge of two subjects would come to.
public struct MergePreview: Sendable {
    /// Whose usage and credits would move, and to whom.
    public let from: SubjectID
    public let into: SubjectID
    /// Each meter in each window that runs, and in all, of both that moved it.
    public let meters: [MergedMeter]
    /// Where the one that stays stands with its own limits, without the merge and with it.
    public let before: [SubjectWindow]
    public let after: [SubjectWindow]
    public let credits: MergedCredits

    /// Limits that are over with the merge, and were not without it.
    public var over: [LimitKey] {
        let known = before.map(\.status).filter(\.isOver)
        return after.map(\.status).filter { status in
            status.isOver
                && !known.contains { $0.limit == status.limit && $0.value == status.value }
        }.map(\.limit)
    }

    package init(
        from: SubjectID, into: SubjectID, meters: [MergedMeter], before: [SubjectWindow],
        after: [SubjectWindow], credits: MergedCredits
    ) {
        self.from = from
        self.into = into
        self.meters = meters
        self.before = before
        self.after = after
        self.credits = credits
    }
}

/// A preview, or why the merge would be refused.
public enum MergePreviewOutcome: Sendable {
    case preview(MergePreview)
    case rejected(Rejection)
}

/// What a subject used of a meter in one window.
public struct MeterWindow: Hashable, Sendable {
    public let meter: MeterKey
    public let window: Window
    public let span: WindowSpan
    public let used: Int64

    package init(meter: MeterKey, window: Window, span: WindowSpan, used: Int64) {
        self.meter = meter
        self.window = window
        self.span = span
        self.used = used
    }
}

/// One window of a meter: what each of two subjects has in it, and what both come to. Only sums and counts
/// add up.
public struct MergedMeter: Hashable, Sendable {
    public let meter: MeterKey
    public let window: Window
    /// The window of the one that stays.
    public let span: WindowSpan
    public let from: Int64
    public let into: Int64
    public let merged: Int64

    package init(
        meter: MeterKey, window: Window, span: WindowSpan, from: Int64, into: Int64, merged: Int64
    ) {
        self.meter = meter
        self.window = window
        self.span = span
        self.from = from
        self.into = into
        self.merged = merged
    }
}

/// Balances of two subjects, and what the one that stays has with the merge.
public struct MergedCredits: Hashable, Sendable {
    public let from: Int64
    public let into: Int64
    public let merged: Int64

    package init(from: Int64, into: Int64, merged: Int64) {
        self.from = from
        self.into = into
        self.merged = merged
    }
}

extension LimitStatus {
    /// Whether more is used than is allowed.
    fileprivate var isOver: Bool {
        guard case .units(let allowed) = allowance else { return false }
        return used > allowed
    }
}
