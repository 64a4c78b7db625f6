import MeterstoneCore

/// What is used beyond an allowance: possible where a limit is soft, where credits pay, and where usage
/// is recorded whatever the limits say. It stands in the event, since allowances change.
extension WorkingSet {
    /// What goes beyond allowances once an event is corrected: what is taken back comes off what was
    /// beyond first, and what is added to it is beyond as far as the allowance does not reach now.
    func correctOverages(
        of record: inout CorrectionRecord, _ state: SubjectState
    ) throws(StoreError) {
        guard var after = record.after else { return }
        guard after.quantities != record.before.quantities || after.details != record.before.details
        else { return }
        let before = catalog.movements(of: record.before.event(subject: state.id))
        let movements = catalog.movements(of: after.event(subject: state.id))
        var corrected: [LimitOverage] = []
        for definition in (before.map(\.meter) + movements.map(\.meter)).unique.flatMap(\.limits)
        where definition.canHaveOverage
            && state.mode(of: definition, at: record.occurredAt, catalog: catalog) != .shadow
        {
            let value = definition.value(of: after.details)
            // What counts for another value than before was nothing of this one.
            let isMoved = value != definition.value(of: record.before.details)
            let was = isMoved ? 0 : definition.units(of: before, record.before.details)
            let change = definition.units(of: movements, after.details) - was
            let known =
                isMoved ? 0 : after.overages.first { $0.limit == definition.number }?.units ?? 0
            var units = max(0, known.addingSaturated(change))
            if known == 0, change > 0 {
                let reading = try read(
                    definition, value, of: state, adding: nil, at: record.occurredAt)
                units = reading.adding(change).overage ?? 0
            }
            if units > 0 { corrected.append(LimitOverage(limit: definition.number, units: units)) }
        }
        after.overages = corrected
        record.after = after
    }
}

extension LimitDefinition {
    /// Whether what is beyond it is told: of sums and counts over a time.
    var canHaveOverage: Bool {
        guard mode != .shadow, limit.window != .request, limit.window != .concurrent else {
            return false
        }
        return aggregation == .sum || aggregation == .count
    }

    /// What movements add to this limit.
    fileprivate func units(of movements: Movements, _ details: EventDetails?) -> Int64 {
        guard concerns(details),
            let movement = movements.first(where: { $0.meter.meter.key == limit.meter })
        else { return 0 }
        return aggregation == .count ? 1 : movement.units
    }
}

extension LimitReading {
    /// What of the movement goes beyond the allowance; `nil`: nothing.
    var overage: Int64? {
        guard case .units(let allowed) = allowance, after > max(allowed.units, before) else {
            return nil
        }
        return after - max(allowed.units, before)
    }

    fileprivate func adding(_ units: Int64) -> LimitReading {
        var result = self
        result.after = before.addingSaturated(units)
        return result
    }
}

extension [CompiledMeter] {
    /// Each once, where it stands first.
    var unique: [CompiledMeter] {
        reduce(into: []) { result, meter in
            if !result.contains(where: { $0 === meter }) { result.append(meter) }
        }
    }
}
