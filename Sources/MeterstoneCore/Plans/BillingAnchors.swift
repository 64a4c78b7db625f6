/// What a subject's billing months are counted from, over time.
public struct BillingAnchors: Hashable, Sendable {
    /// Before the first turn; `nil`: they are the months.
    public var base: Instant?
    /// Sorted by ``BillingTurn/at``, each instant once.
    public var turns: [BillingTurn]

    public init(_ base: Instant?, turns: [BillingTurn] = []) {
        self.base = base
        self.turns = turns
    }

    /// What months are counted from that begin at an instant.
    package func anchor(at instant: Instant) -> Instant? {
        turns.last { $0.at <= instant }.map(\.anchor) ?? base
    }
}

/// From here on billing months are counted anew.
public struct BillingTurn: Hashable, Sendable, Codable {
    public var at: Instant
    public var anchor: Instant?
    /// Whether the windows that run end here. Otherwise the month that runs ends with the first one of the
    /// new anchor.
    public var opensWindow: Bool
    /// The plans that it was for.
    public var plans: [PlanKey]

    package init(at: Instant, anchor: Instant?, opensWindow: Bool, plans: [PlanKey]) {
        self.at = at
        self.anchor = anchor
        self.opensWindow = opensWindow
        self.plans = plans
    }
}

/// What changes of plan left behind that decides about windows and credits.
public struct SubjectBilling: Hashable, Sendable, Codable {
    /// Billing months before the first turn are counted from here.
    public var base: Instant?
    public var turns: [BillingTurn]
    /// How much windows got so far by changes of plan.
    public var given: [GivenCredits]
    /// Plans that changes came from and led to, trials left out; `nil`: none.
    package var held: [HeldPlan]?

    package init(
        base: Instant? = nil, turns: [BillingTurn] = [], given: [GivenCredits] = [],
        held: [HeldPlan]? = nil
    ) {
        self.base = base
        self.turns = turns
        self.given = given
        self.held = held
    }

    /// What windows got, and by which plans, without what cuts them; `nil`: nothing.
    package var withoutTurns: SubjectBilling? {
        given.isEmpty && held == nil ? nil : SubjectBilling(given: given, held: held)
    }

    /// Of turns, and of what was given. Older ones are let go of: what is far past is cut as what follows it.
    private static let countMax = 64

    package mutating func add(_ turn: BillingTurn) {
        var turn = turn
        if let index = turns.firstIndex(where: { $0.at == turn.at }) {
            let known = turns.remove(at: index)
            turn.opensWindow = turn.opensWindow || known.opensWindow
            turn.plans = known.plans + turn.plans.filter { !known.plans.contains($0) }
        }
        turns.insert(turn, at: turns.firstIndex { $0.at > turn.at } ?? turns.endIndex)
        if turns.count > Self.countMax { base = turns.removeFirst().anchor }
    }

    /// The most that a window, or another that shares time with it, got of one recurring grant.
    package func given(_ window: Window, in span: WindowSpan) -> Int64 {
        given.filter { $0.window == window && $0.overlaps(span) }.map(\.amount).max() ?? 0
    }

    package mutating func note(_ amount: Int64, of window: Window, in span: WindowSpan) {
        let most = max(amount, given(window, in: span))
        given.removeAll { $0.window == window && $0.from == span.from }
        given.append(
            GivenCredits(window: window, from: span.from, until: span.until, amount: most))
        if given.count > Self.countMax { given.removeFirst() }
    }

    package mutating func note(_ plans: [PlanKey], at instant: Instant) {
        let known = held ?? []
        let new = plans.map { HeldPlan(plan: $0, at: instant) }.filter { !known.contains($0) }
        held = Array((known + new).suffix(Self.countMax))
    }
}

/// A plan that somebody had for a moment at least, which the list of subscriptions may not show.
package struct HeldPlan: Hashable, Sendable, Codable {
    package var plan: PlanKey
    package var at: Instant
}

/// How much of a recurring grant a window got, by the plan that gives the most.
public struct GivenCredits: Hashable, Sendable, Codable {
    public var window: Window
    public var from: Instant
    /// `nil`: it was written by a version that did not say.
    public var until: Instant?
    public var amount: Int64

    package init(window: Window, from: Instant, until: Instant?, amount: Int64) {
        self.window = window
        self.from = from
        self.until = until
        self.amount = amount
    }

    fileprivate func overlaps(_ span: WindowSpan) -> Bool {
        guard let until else { return from == span.from }
        return from < span.until && span.from < until
    }
}

extension Window {
    /// The window that an instant falls into, where changes of plan cut windows or moved the anchor.
    ///
    /// A turn that opens windows ends all that run, days and rolling windows excepted. One that only moves
    /// the anchor joins the month that runs with the first of the new ones: no change gives a window that
    /// would not have come without it.
    package func span(
        containing instant: Instant, in zone: ZoneRules, anchors: BillingAnchors
    ) -> WindowSpan {
        guard !anchors.turns.isEmpty, isRepeating, self != .day else {
            return span(containing: instant, in: zone, anchor: anchors.base)
        }
        if self == .billingMonth {
            let walk = BillingWalk(anchors: anchors, zone: zone)
            return WindowSpan(from: walk.start(before: instant), until: walk.end(after: instant))
        }
        var span = span(containing: instant, in: zone, anchor: nil)
        for turn in anchors.turns where turn.opensWindow && span.contains(turn.at) {
            span =
                turn.at <= instant
                ? WindowSpan(from: turn.at, until: span.until)
                : WindowSpan(from: span.from, until: min(span.until, turn.at))
        }
        return span
    }

    /// Every window that overlaps a span of time; as of ``spans(from:until:in:anchor:atMost:)``.
    package func spans(
        from: Instant, until: Instant, in zone: ZoneRules, anchors: BillingAnchors, atMost: Int
    ) -> [WindowSpan]? {
        guard self == .billingMonth, !anchors.turns.isEmpty, from < until else {
            return spans(from: from, until: until, in: zone, anchor: anchors.base, atMost: atMost)
        }
        let end = min(until, Instant(millisecondsSince1970: ZoneRules.farthest))
        var spans: [WindowSpan] = []
        var span = span(containing: from, in: zone, anchors: anchors)
        while spans.count < atMost {
            spans.append(span)
            guard span.until < end else { return spans }
            span = self.span(containing: span.until, in: zone, anchors: anchors)
        }
        return nil
    }
}

/// Looks for where billing months begin and end, from one turn to the next.
private struct BillingWalk {
    let anchors: BillingAnchors
    let zone: ZoneRules

    private func month(_ instant: Instant, after turn: Int?) -> WindowSpan {
        Window.billingMonth.span(
            containing: instant, in: zone,
            anchor: turn.map { anchors.turns[$0].anchor } ?? anchors.base)
    }

    private func turn(before instant: Instant) -> Int? {
        anchors.turns.lastIndex { $0.at <= instant }
    }

    func end(after instant: Instant) -> Instant {
        var instant = instant
        var turn = turn(before: instant)
        while true {
            let end = month(instant, after: turn).until
            let next = turn.map { $0 + 1 } ?? 0
            guard next < anchors.turns.count, anchors.turns[next].at < end else { return end }
            guard !anchors.turns[next].opensWindow else { return anchors.turns[next].at }
            (instant, turn) = (anchors.turns[next].at, next)
        }
    }

    func start(before instant: Instant) -> Instant {
        var instant = instant
        while let turn = turn(before: instant) {
            let (start, at) = (month(instant, after: turn).from, anchors.turns[turn].at)
            if start > at { return start }
            if anchors.turns[turn].opensWindow { return at }
            let last = at.advanced(byMilliseconds: -1)
            if last >= at || month(last, after: self.turn(before: last)).until <= at { return at }
            instant = last
        }
        return month(instant, after: nil).from
    }
}
