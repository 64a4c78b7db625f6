import MeterstoneCore
import MeterstoneStore

/// Roll-over and debt, one unit of thought at a time: what each window leaves stands by itself.
extension Model {
    private struct Past {
        /// `nil`: without bound.
        var own: Int64?
        var used: Int64
        var isReset: Bool
        var left: Int64 = 0
    }

    /// How much more than its own a window has, or less.
    func carried(_ limit: Limit, _ id: SubjectID, at instant: Instant) -> Int64 {
        guard limit.rollover != nil || limit.debt, let first = firstAt[id],
            let meter = blueprint.meters.first(where: { $0.key == limit.meter })
        else { return 0 }
        let beginning = max(first, carriesSince[limit.key] ?? .earliest)
        let now = span(limit.window, id, at: instant)
        let windows = max(limit.rollover?.windows ?? 0, limit.debt ? 12 : 0)
        var past: [Past] = []
        var from = now.from
        while past.count < windows, from > beginning {
            let before = span(limit.window, id, at: from.advanced(byMilliseconds: -1))
            guard before.from < from else { break }
            from = before.from
            past.insert(window(limit, meter, id, before), at: 0)
        }
        var owed: Int64 = 0
        for place in past.indices {
            guard let own = past[place].own else {
                owed = 0
                continue
            }
            if past[place].isReset { owed = 0 }
            if own >= past[place].used {
                let rest = own - past[place].used
                past[place].left = max(0, rest - owed)
                owed = max(0, owed - rest)
                continue
            }
            var beyond = past[place].used - own
            for back in 1...max(1, limit.rollover?.windows ?? 1)
            where limit.rollover != nil && place - back >= 0 {
                let taken = min(beyond, past[place - back].left)
                past[place - back].left -= taken
                beyond -= taken
            }
            if limit.debt { owed += beyond }
        }
        var more: Int64 = 0
        if let rollover = limit.rollover {
            more = past.suffix(rollover.windows).reduce(0) { $0 + $1.left }
            more = min(more, rollover.max?.units ?? .max)
        }
        let isReset = resetTimes(limit, id).contains { now.contains($0) && $0 <= instant }
        return more - (isReset ? 0 : owed)
    }

    private func window(
        _ limit: Limit, _ meter: Meter, _ id: SubjectID, _ span: WindowSpan
    ) -> Past {
        let last = span.until.advanced(byMilliseconds: -1)
        var own: Int64?
        // The second in which it ends belongs to what starts then.
        let second = span.until.millisecondsSince1970 / 1_000
        let before = Instant(millisecondsSince1970: second * 1_000 - 1)
        if case .units(let units) = ownAllowance(limit, id, at: before) { own = units.units }
        let isReset = resetTimes(limit, id).contains { span.contains($0) }
        let counted = worths(
            id, meter, limit.dimensions, in: span, near: isReset ? (limit.key, last) : nil)
        return Past(
            own: own, used: aggregate(counted, meter.aggregation, at: last), isReset: isReset)
    }

    private func resetTimes(_ limit: Limit, _ id: SubjectID) -> [Instant] {
        (resets[id]?[limit.key] ?? []).map(\.at)
    }

    /// What counts otherwise than before carries nothing over from before.
    mutating func noteCarrying(_ result: Blueprint, at now: Instant) {
        for limit in result.limits {
            let known = blueprint.limits.first {
                $0.key == limit.key && $0.meter == limit.meter && $0.window == limit.window
                    && $0.dimensions == limit.dimensions && ($0.rollover != nil || $0.debt)
            }
            if known == nil { carriesSince[limit.key] = now }
        }
    }
}
