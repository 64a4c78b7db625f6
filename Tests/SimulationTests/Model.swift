import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

/// What the stores must agree with: a list of events, and everything computed from it anew each time.
///
/// It shares the calendar and the plain values with the product, and nothing that counts or decides.
struct Model {
    var blueprint = Blueprint()
    var timeline = ProfileTimeline()
    var events: [ModelEvent] = []
    /// When limits were reset, and how many events there were then.
    var resets: [SubjectID: [LimitKey: [(at: Instant, events: Int)]]] = [:]
    /// What was said of additions, in the order in which it was said; without one: that it is over.
    var additions: [SubjectID: [(id: AdditionID, from: Instant, addition: Addition?)]] = [:]
    /// Plans that changes came from and led to, and when, trials left out.
    var held: [SubjectID: [(at: Instant, plan: PlanKey)]] = [:]
    var wallets: [SubjectID: ModelWallet] = [:]
    /// The plans and whether credits were enabled, from each change of them on.
    var past: [(from: Instant, plans: [Plan], isEnabled: Bool)] = []
    /// What limits allowed before, and until when.
    var limitPast: [LimitKey: [(until: Instant, limit: Limit)]] = [:]
    /// Since when limits carry over from window to window.
    var carriesSince: [LimitKey: Instant] = [:]
    /// When a subject got its first fact.
    var firstAt: [SubjectID: Instant] = [:]
    /// Since when a subject's plan has been as its profile says, where that is known.
    var since: [SubjectID: Instant] = [:]
    /// How many entries ``past`` had when a subject got its first fact.
    var pastAtFirst: [SubjectID: Int] = [:]
    /// Answers to changes that came with an idempotency key.
    var receipts: [String: (change: Change, answer: String)] = [:]
    /// Subjects whose reservations were looked at for what has expired.
    var looked: [SubjectID] = []
    /// As of ``StoreOptions``.
    var openReservationsMax = 10_000
    var defaultTimeZone = "UTC"
    let zoneRules: @Sendable (String) -> ZoneRules?

    init(zoneRules: @escaping @Sendable (String) -> ZoneRules?) {
        self.zoneRules = zoneRules
    }

    var profiles: [SubjectID: Subject] { timeline.profiles }

    func profile(_ id: SubjectID) -> Subject { profiles[id] ?? Subject(id: id) }

    /// The subject, then the teams above it.
    func levels(_ id: SubjectID) -> [SubjectID] {
        var result = [id]
        while let parent = profile(result[result.count - 1]).parent { result.append(parent) }
        return result
    }

    /// The same as they were at an instant, and then the levels that the event names beside them.
    func levels(of event: UsageEvent, at instant: Instant) -> [SubjectID] {
        var result = timeline.levels(event.subject, at: instant)
        for level in event.details?.levels ?? [] where !result.contains(level) {
            result.append(level)
        }
        return result
    }

    func clocks(_ zones: ZonesInTime) -> ZoneRules {
        zones.clocks(default: defaultTimeZone, zoneRules) ?? .utc
    }

    func zone(_ id: SubjectID) -> ZoneRules {
        clocks(profile(id).zones)
    }

    func span(_ window: Window, _ id: SubjectID, at instant: Instant) -> WindowSpan {
        window.span(containing: instant, in: zone(id), anchors: profile(id).anchors)
    }

    func plan(_ id: SubjectID, at instant: Instant) -> PlanKey? {
        plan(id, at: instant, default: blueprint.plans.first { $0.isDefault }?.key)
    }

    func plan(
        _ id: SubjectID, at instant: Instant, default defaultPlan: PlanKey?
    ) -> PlanKey? {
        timeline.plan(id, at: instant) ?? defaultPlan
    }

    func allowance(
        _ limit: Limit, _ id: SubjectID, at instant: Instant, of value: String? = nil
    ) -> Allowance {
        let own = ownAllowance(limit, id, at: instant, of: value)
        guard case .units(let units) = own else { return own }
        return .units(Quantity(max(0, units.units + carried(limit, id, at: instant))))
    }

    /// Without what other windows leave or owe.
    func ownAllowance(
        _ limit: Limit, _ id: SubjectID, at instant: Instant, of value: String? = nil
    ) -> Allowance {
        let plan = plan(id, at: instant)
        var result: Int64
        if let override = timeline.override(limit.key, id, at: instant) {
            result = override.wire
        } else if !isFor(id, limit, at: instant) {
            return .unlimited
        } else {
            let planned = blueprint.plans.first { $0.key == plan }?.additions ?? []
            let then = limitPast[limit.key]?.first { instant < $0.until }?.limit ?? limit
            let base =
                allowance(then, of: value, under: plan, at: instant)
                ?? allowance(then, under: plan, at: instant)
            result = raised(base.wire, by: planned.filter { $0.holds(at: instant) }, limit)
        }
        result = raised(result, by: additions(of: id, at: instant), limit)
        return Allowance(wire: result) ?? .unlimited
    }

    /// The last that was said under each id that had begun, unless it is over.
    func additions(of id: SubjectID, at instant: Instant) -> [Addition] {
        let said = (additions[id] ?? []).filter { $0.from <= instant }
        return said.indices.compactMap { index in
            let isLast = !said[(index + 1)...].contains { $0.id == said[index].id }
            return isLast ? said[index].addition : nil
        }.filter { $0.until.map { instant < $0 } ?? true }
    }

    /// −1 is more than any number.
    private func raised(_ base: Int64, by additions: [Addition], _ limit: Limit) -> Int64 {
        var result = base
        var begun = Instant.earliest
        var least: Int64 = 0
        for addition in additions {
            guard case .limit(limit.key, .set(let allowance)) = addition.content,
                addition.from ?? .earliest >= begun
            else { continue }
            (result, begun) = (allowance.wire, addition.from ?? .earliest)
        }
        for addition in additions {
            switch addition.content {
            case .limit(limit.key, .add(let units)) where result >= 0:
                result = max(0, result + units)
            case .limit(limit.key, .atLeast(let allowance)):
                least = least == -1 || allowance == .unlimited ? -1 : max(least, allowance.wire)
            case .addOn(let key, let quantity) where result >= 0:
                result += (limit.addOns[key]?.units ?? 0) * quantity
            default: break
            }
        }
        return result == -1 || least == -1 ? -1 : max(result, least)
    }

    func allowance(_ limit: Limit, under plan: PlanKey?, at instant: Instant) -> Allowance {
        let begun = limit.scheduled.filter { $0.effectiveAt <= instant }
        let own = plan.flatMap { plan in
            begun.last { $0.allowances[plan] != nil }?.allowances[plan] ?? limit.allowances[plan]
        }
        let others = begun.last { $0.defaultAllowance != nil }?.defaultAllowance
        return own ?? others ?? limit.defaultAllowance ?? .unlimited
    }
}

/// An event as the model keeps it: corrected in place, which only a model may do.
struct ModelEvent {
    var event: UsageEvent
    /// As it was told first, for comparing repeats.
    var told: UsageEvent
    var at: Instant
    var recordedAt: Instant
    var ancestors: [SubjectID]
    var isVoided = false
    var corrections: [CorrectionNote] = []
    var answer: [ModelStatus] = []
    /// What it cost as it was recorded, and what it came to.
    var firstCredits: CreditCharge?
    var credits: CreditCharge?
    var reservation: ModelReservation?
    /// Nobody told its cost.
    var isPriced = false

    var isOpen: Bool { reservation?.status == .open }

    var levels: [SubjectID] { [event.subject] + ancestors }

    func counts(for id: SubjectID) -> Bool {
        !isVoided && (reservation?.isCounted ?? true) && levels.contains(id)
    }
}

/// What a limit says, in a form that compares.
struct ModelStatus: Hashable, CustomStringConvertible {
    var limit: LimitKey
    var value: String?
    var isBeyondValues = false
    var ancestor: SubjectID?
    var allowance: Int64
    var used: Int64
    var resetsAt: Instant?

    var description: String {
        "\(limit)\(value.map { "[\($0)\(isBeyondValues ? "!" : "")]" } ?? "")"
            + "\(ancestor.map { "@\($0)" } ?? "") \(used)/\(allowance) "
            + "until \(resetsAt?.rfc3339 ?? "ever")"
    }
}

extension ModelStatus {
    init(_ status: LimitStatus) {
        limit = status.limit
        value = status.value
        isBeyondValues = status.isBeyondValues
        ancestor = status.ancestor
        allowance = status.allowance.wire
        used = status.used.units
        resetsAt = status.resetsAt
    }
}

// MARK: Counting

/// What one event is worth to one meter.
struct Worth {
    var units: Int64
    var distinctValue: String?
    var at: Instant
    /// Told before its time.
    var isAhead = false
    /// Of a limit per value: the value.
    var value: String?
    /// Whose event it is.
    var owner: SubjectID?
}

/// What a limit has counted, with and without one more.
struct ModelReading {
    var before: Int64
    var after: Int64
    var resetsAt: Instant?
    /// Nothing is allowed to a value that is one too many.
    var isBeyondValues = false
    /// It shares a counter with others, and what is allowed.
    var isTogether = false
}

extension Model {
    func worth(_ event: UsageEvent, _ meter: Meter, at instant: Instant) -> Worth? {
        let details = event.details ?? .none
        if meter.counts == .cost {
            guard countsEnd(meter, details), accepts(meter.dimensions, details),
                let units = billionths(details, meter)
            else { return nil }
            return Worth(units: units, at: instant)
        }
        let alias = details.type.flatMap { type in meter.aliases.first { $0.text == type } }
        if let type = details.type, !meter.eventTypes.isEmpty, !meter.eventTypes.contains(type),
            alias == nil
        {
            return nil
        }
        guard countsEnd(meter, details),
            accepts(meter.dimensions, details)
        else { return nil }
        var units: Int64?
        var isMatch = alias != nil
        if details.type != nil, !meter.eventTypes.isEmpty { isMatch = true }
        if details.type == nil, let beside = meter.alongside, event.quantities[beside] != nil {
            isMatch = true
        }
        let names = [meter.key] + meter.aliases
        if let name = names.first(where: { event.quantities[$0] != nil }) {
            units = event.quantities[name]?.units
        } else if let name = meter.quantityName {
            if isMatch || (meter.eventTypes.isEmpty && meter.alongside == nil) {
                units = event.quantities[name]?.units
            }
        } else if isMatch {
            units = 1
        }
        guard let units else { return nil }
        if meter.aggregation == .gauge || meter.aggregation == .integral {
            return reading(units, meter, details, of: event.subject, at: instant)
        }
        guard meter.aggregation == .uniqueCount else { return Worth(units: units, at: instant) }
        guard
            let value = details.dimensions.first(where: { $0.name == meter.uniqueDimension })?.value
        else { return nil }
        return Worth(units: units, distinctValue: value, at: instant)
    }

    /// Whether an event counts that ended so.
    func countsEnd(_ meter: Meter, _ details: EventDetails) -> Bool {
        guard details.status != .success else { return meter.countedStatuses.contains(.success) }
        if details.countsWhenAborted { return true }
        switch meter.onAbort {
        case .told, .reserved: return true
        case .nothing: return meter.abortMinimum > 0
        case nil: return meter.countedStatuses.contains(details.status)
        }
    }

    func accepts(_ filter: [String: [String]], _ details: EventDetails) -> Bool {
        for (name, values) in filter {
            guard let own = details.dimensions.first(where: { $0.name == name })?.value,
                values.contains(own)
            else { return false }
        }
        return true
    }

    /// Everything that counts for a subject within a span, in the order of recording.
    func worths(
        _ id: SubjectID, _ meter: Meter, _ filter: [String: [String]], in span: WindowSpan,
        isOpen: Bool = false, per source: PerValue? = nil,
        near reset: (limit: LimitKey, instant: Instant)? = nil
    ) -> [Worth] {
        events.enumerated().compactMap { place, event in
            // Only what adds up can be reset.
            if let reset, meter.canRoll {
                let resets = resets[id]?[reset.limit] ?? []
                // Between the resets around an instant, the last one before it counts.
                let after = resets.filter { $0.at <= reset.instant }.max { $0.at < $1.at }
                let before = resets.filter { $0.at > reset.instant }.min { $0.at < $1.at }
                if let after, event.at < after.at || event.at == after.at && place < after.events {
                    return nil
                }
                if let before,
                    event.at > before.at || event.at == before.at && place >= before.events
                {
                    return nil
                }
            }
            guard span.contains(event.at), event.counts(for: id), event.isOpen || !isOpen,
                accepts(filter, event.event.details ?? .none)
            else { return nil }
            var worth = worth(event.event, meter, at: event.at)
            worth?.isAhead = event.at > event.recordedAt
            worth?.value = value(source, event.event.details)
            return source != nil && worth?.value == nil ? nil : worth
        }
    }

    /// - Parameter instant: what was told ahead of it is not there yet.
    func aggregate(_ worths: [Worth], _ aggregation: Aggregation, at instant: Instant) -> Int64 {
        switch aggregation {
        case .sum: return worths.reduce(0) { $0 + $1.units }
        case .count: return Int64(worths.count)
        case .max: return worths.map(\.units).max() ?? 0
        case .uniqueCount: return Int64(Set(worths.compactMap(\.distinctValue)).count)
        case .latest:
            var last: Worth?
            for worth in worths where !worth.isAhead || worth.at <= instant {
                if last.map({ $0.at <= worth.at }) ?? true { last = worth }
            }
            return last?.units ?? 0
        case .gauge, .integral: return level(worths, at: instant)
        }
    }

    /// What a limit has counted at an instant, with and without one more.
    ///
    /// - Parameter earlier: what the same request moved the meter by before.
    func reading(
        _ limit: Limit, _ meter: Meter, _ id: SubjectID, at instant: Instant, _ now: Instant,
        of value: String?, adding more: Worth?, earlier: Int64 = 0
    ) -> ModelReading {
        switch limit.window {
        case .rolling(let seconds) where limit.perValue == nil:
            let near = worths(
                id, meter, limit.dimensions, in: reach(instant, seconds * 1_000),
                near: (limit.key, instant))
            return rollingReading(near, meter, instant, seconds * 1_000, more)
        case .sinceFirst(let seconds):
            return sinceFirstReading(limit, meter, id, instant, seconds * 1_000, more)
        case .request:
            return ModelReading(
                before: earlier, after: earlier + (more.map { counting($0, meter) } ?? 0))
        case _ where limit.perValue != nil:
            return valueReading(limit, meter, id, at: instant, of: value, adding: more)
        case .concurrent:
            let open = worths(id, meter, limit.dimensions, in: .lifetime, isOpen: true)
            let before = aggregate(open, meter.aggregation, at: now)
            return ModelReading(
                before: before, after: before + (more.map { counting($0, meter) } ?? 0))
        case _ where meter.aggregation == .gauge:
            let told = worths(id, meter, limit.dimensions, in: .lifetime)
            return ModelReading(
                before: level(told, at: max(instant, now)),
                after: level(told + (more.map { [$0] } ?? []), at: max(instant, now)))
        default: break
        }
        let span = span(limit.window, id, at: instant)
        let counted = worths(
            id, meter, limit.dimensions, in: span, near: (limit.key, instant))
        return ModelReading(
            before: aggregate(counted, meter.aggregation, at: max(instant, now)),
            after: aggregate(
                counted + (more.map { [$0] } ?? []), meter.aggregation, at: max(instant, now)),
            resetsAt: span.until == WindowSpan.lifetime.until ? nil : span.until)
    }

    /// The time of the windows of such a length that contain an instant.
    func reach(_ instant: Instant, _ milliseconds: Int64) -> WindowSpan {
        WindowSpan(
            from: instant.advanced(byMilliseconds: 1 - milliseconds),
            until: instant.advanced(byMilliseconds: milliseconds))
    }

    /// Every window from the first use on.
    private func sinceFirstReading(
        _ limit: Limit, _ meter: Meter, _ id: SubjectID, _ instant: Instant,
        _ milliseconds: Int64, _ more: Worth?
    ) -> ModelReading {
        let uses = worths(
            id, meter, limit.dimensions, in: .lifetime, near: (limit.key, instant)
        ).map { (at: $0.at, units: counting($0, meter)) }.filter { $0.units != 0 }
            .sorted { $0.at < $1.at }
        var start: Instant?
        for use in uses where use.at <= instant {
            if start.map({ use.at >= $0.advanced(byMilliseconds: milliseconds) }) ?? true {
                start = use.at
            }
        }
        if let known = start, instant >= known.advanced(byMilliseconds: milliseconds) {
            start = nil
        }
        let units = more.map { counting($0, meter) } ?? 0
        guard let from = start ?? (units == 0 ? nil : instant) else {
            return ModelReading(before: 0, after: 0)
        }
        let until = from.advanced(byMilliseconds: milliseconds)
        let before = uses.filter { from <= $0.at && $0.at < until }.reduce(0) { $0 + $1.units }
        return ModelReading(before: before, after: before + units, resetsAt: until)
    }

    func rollingReading(
        _ near: [Worth], _ meter: Meter, _ instant: Instant, _ milliseconds: Int64, _ more: Worth?
    ) -> ModelReading {
        // The fullest window is one that ends at the instant or at a later event.
        let ends = [instant] + near.map(\.at).filter { $0 > instant }
        let before: Int64 =
            ends.map { end -> Int64 in
                let start = end.advanced(byMilliseconds: 1 - milliseconds)
                return aggregate(
                    near.filter { start <= $0.at && $0.at <= end }, meter.aggregation, at: end)
            }.max() ?? 0
        let oldest = near.map(\.at).filter { $0 <= instant }.min() ?? instant
        let units = more.map { counting($0, meter) } ?? 0
        return ModelReading(
            before: before, after: before + units,
            resetsAt: oldest.advanced(byMilliseconds: milliseconds))
    }

    /// Whether everything that a subject ever used stays below 2^63 with one event in the place of what
    /// it counted before.
    func fits(
        _ after: [(Meter, Worth)], insteadOf before: [(Meter, Worth)] = [], _ levels: [SubjectID]
    ) -> Bool {
        levels.allSatisfy { level in
            after.allSatisfy { meter, worth in
                guard meter.aggregation == .sum else { return true }
                let used = worths(level, meter, [:], in: .lifetime).reduce(0) { $0 + $1.units }
                let known = before.first { $0.0.key == meter.key }?.1.units ?? 0
                return !(used - known).addingReportingOverflow(worth.units).overflow
            }
        }
    }

    /// What one event adds to a meter that is a sum or a count.
    func counting(_ worth: Worth, _ meter: Meter) -> Int64 {
        meter.aggregation == .count ? 1 : worth.units
    }
}
