import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

/// Limits per value: from a list of everything that counts, each time anew.
extension Model {
    /// What an event tells of what a limit tells apart.
    func value(_ source: PerValue?, _ details: EventDetails?) -> String? {
        switch source?.name {
        case nil: nil
        case "session": details?.session
        case "project": details?.project
        case let name: details?.dimensions.first { $0.name == name }?.value
        }
    }

    /// Whether a limit's allowances are for a subject, or were at an instant.
    func isFor(_ id: SubjectID, _ limit: Limit, at instant: Instant) -> Bool {
        let then = limitPast[limit.key]?.first { instant < $0.until }?.limit ?? limit
        let taken = then.subjects.filter { !$0.hasPrefix("!") }
        let left = then.subjects.filter { $0.hasPrefix("!") }
        return (taken.isEmpty || taken.contains { Self.matches($0[...], id.text[...]) })
            && !left.contains { Self.matches($0.dropFirst(), id.text[...]) }
    }

    /// Whether a limit refuses a subject what goes beyond: of one that is being rolled out, not all.
    func enforces(_ limit: Limit, _ id: SubjectID, at instant: Instant) -> Bool {
        limit.mode == .enforce && isIn(limit.rollout, id, at: instant)
            && isOn(blueprint.switches?.limits, id, at: instant)
    }

    /// Whether something that is switched is on for a subject.
    func isOn(_ one: Switch?, _ id: SubjectID, at instant: Instant) -> Bool {
        guard let one else { return true }
        return one.state == .on && isIn(one.rollout, id, at: instant)
    }

    private func isIn(_ rollout: Rollout?, _ id: SubjectID, at instant: Instant) -> Bool {
        guard let rollout else { return true }
        let levels = timeline.levels(id, at: instant)
        func isNamed(_ patterns: [String]) -> Bool {
            levels.contains { level in
                patterns.contains { Self.matches($0[...], level.text[...]) }
            }
        }
        let out = rollout.subjects.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
        if isNamed(out) { return false }
        return isNamed(rollout.subjects.filter { !$0.hasPrefix("!") })
            || plan(id, at: instant).map { rollout.plans.contains($0) } ?? false
            || Rollout.share(of: levels[levels.count - 1]) < rollout.percent
    }

    func concerns(_ limit: Limit, _ details: EventDetails?) -> Bool {
        accepts(limit.dimensions, details ?? .none)
            && (limit.perValue == nil || value(limit.perValue, details) != nil)
    }

    /// What the best pattern says; `nil`: none does.
    func allowance(
        _ limit: Limit, of value: String?, under plan: PlanKey?, at instant: Instant
    ) -> Allowance? {
        guard let value, let perValue = limit.perValue else { return nil }
        let allowances = limit.scheduled.filter { $0.effectiveAt <= instant }
            .reduce(into: perValue.allowances) { $0.merge($1.values) { $1 } }
        let best = allowances.filter { Self.matches($0.key[...], value[...]) }
            .max { one, other in
                (Self.weight(one.key), other.key) < (Self.weight(other.key), one.key)
            }
        return best.flatMap { best in
            plan.flatMap { best.value.allowances[$0] } ?? best.value.defaultAllowance
        }
    }

    private static func weight(_ pattern: String) -> Int {
        pattern.contains("*") ? pattern.count { $0 != "*" } : 1_000
    }

    private static func matches(_ pattern: Substring, _ text: Substring) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return text.indices.contains { matches(pattern.dropFirst(), text[$0...]) }
                || matches(pattern.dropFirst(), "")
        }
        return text.first == first && matches(pattern.dropFirst(), text.dropFirst())
    }

    /// - Parameter value: `nil`: any that has no counter yet.
    func valueReading(
        _ limit: Limit, _ meter: Meter, _ id: SubjectID, at instant: Instant, of value: String?,
        adding more: Worth?
    ) -> ModelReading {
        guard let perValue = limit.perValue else { return ModelReading(before: 0, after: 0) }
        let isForIt =
            isFor(id, limit, at: instant) || timeline.override(limit.key, id, at: instant) != nil
        let counted = counted(limit, meter, id, at: instant)
        let seen = Set(counted.compactMap(\.value)).sorted()
        let isFull = seen.count >= perValue.valuesMax
        let isSeen = value.map { seen.contains($0) } ?? false
        var reading = ModelReading(before: 0, after: 0)
        if case .rolling(let seconds) = limit.window {
            reading = rollingReading(
                counted.filter { $0.value == value }, meter, instant, seconds * 1_000, nil)
            reading.isBeyondValues = isFull && !isSeen
        } else if limit.window == .concurrent {
            reading.before = sum(counted, meter) { $0 == value }
            reading.isBeyondValues = isFull && !isSeen
        } else {
            let own = seen.prefix(perValue.valuesMax)
            let until = span(limit.window, id, at: instant).until
            reading.resetsAt = until == WindowSpan.lifetime.until ? nil : until
            if let value, own.contains(value) {
                reading.before = sum(counted, meter) { $0 == value }
            } else {
                reading.isBeyondValues = isFull && perValue.beyond == .refuse
                let takesAPlace = value.map { !isFull || $0 < own[own.endIndex - 1] } ?? false
                if !takesAPlace { reading.before = sum(counted, meter) { !own.contains($0) } }
                reading.isTogether = !takesAPlace && perValue.beyond == .together
            }
        }
        reading.isBeyondValues = reading.isBeyondValues && isForIt
        if reading.isBeyondValues { reading.before = 0 }
        reading.after = reading.before + (more.map { counting($0, meter) } ?? 0)
        return reading
    }

    /// Values that are listed, and then the one that stands for all others.
    func values(
        _ limit: Limit, _ meter: Meter, _ id: SubjectID, at instant: Instant
    ) -> [String?] {
        guard let perValue = limit.perValue, limit.window != .request else { return [nil] }
        let seen = Set(counted(limit, meter, id, at: instant).compactMap(\.value)).sorted()
        let hasBound = !limit.window.isRolling && limit.window != .concurrent
        return seen.prefix(hasBound ? perValue.valuesMax : .max).map { Optional($0) } + [nil]
    }

    private func counted(
        _ limit: Limit, _ meter: Meter, _ id: SubjectID, at instant: Instant
    ) -> [Worth] {
        let span =
            switch limit.window {
            case .rolling(let seconds): reach(instant, seconds * 1_000)
            case .concurrent: WindowSpan.lifetime
            default: span(limit.window, id, at: instant)
            }
        return worths(
            id, meter, limit.dimensions, in: span, isOpen: limit.window == .concurrent,
            per: limit.perValue,
            near: limit.window == .concurrent ? nil : (limit.key, instant))
    }

    private func sum(
        _ worths: [Worth], _ meter: Meter, where isAsked: (String) -> Bool
    ) -> Int64 {
        worths.filter { $0.value.map(isAsked) ?? false }.reduce(0) { $0 + counting($1, meter) }
    }
}
