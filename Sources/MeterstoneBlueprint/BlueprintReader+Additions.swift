import MeterstoneCore

extension BlueprintReader {
    /// What a plan gives beside allowances: `[{ id: spring, limit: calls, add: 50, until: 2026-04-01T00:00:00Z }]`.
    mutating func additions(_ value: Value?) -> [Addition] {
        var firsts: [AdditionID: Position] = [:]
        return (items(value, of: "additions") ?? []).compactMap { item in
            var fields = fields(item)
            let idValue = fields.take("id")
            let id = identifier(idValue, AdditionID.self)
            let content = additionContent(&fields)
            let from = instant(fields.take("from"))
            let untilValue = fields.take("until")
            let until = instant(untilValue)
            let reason = text(fields.take("reason"))
            finish(fields)
            guard let idValue else {
                missing("id", in: fields, of: Self.additionKind)
                return nil
            }
            guard let id, let content else { return nil }
            if let first = firsts[id] {
                report(idValue, "only one addition has this id; another is on line \(first.line)")
                return nil
            }
            firsts[id] = idValue.position
            if let from, let until, let untilValue, until <= from {
                report(untilValue, "expected later than from")
                return nil
            }
            return Addition(id: id, content, from: from, until: until, reason: reason)
        }
    }

    private static let additionKind = "addition"

    private mutating func additionContent(_ fields: inout Fields) -> Addition.Content? {
        let limit = identifier(fields.take("limit"), LimitKey.self)
        let set = optionalAllowance(fields.take("set"))
        let addValue = fields.take("add")
        let add = wholeNumber(addValue, in: Addition.unitsRange)
        let least = optionalAllowance(fields.take("atLeast"))
        let addOnValue = fields.take("addOn")
        let addOn = identifier(addOnValue, AddOnKey.self)
        let quantityValue = fields.take("quantity")
        let quantity = wholeNumber(quantityValue, in: Addition.quantityRange)
        let changes: [AllowanceChange] = [
            set.map { .set($0) }, add.map { .add($0) }, least.map { .atLeast($0) },
        ].compactMap(\.self)
        if let addOn, let addOnValue {
            guard limit == nil, changes.isEmpty else {
                report(addOnValue, "expected a limit or an add-on, and not both")
                return nil
            }
            return .addOn(addOn, quantity: quantity ?? 1)
        }
        guard let limit else {
            missing("limit", in: fields, of: Self.additionKind)
            return nil
        }
        if let quantityValue { report(quantityValue, "belongs to an add-on only") }
        if add == 0, let addValue { report(addValue, "expected a number other than 0") }
        guard changes.count == 1 else {
            report(fields.position, fields.field, "expected one of set, add and atLeast")
            return nil
        }
        return .limit(limit, changes[0])
    }

    private mutating func optionalAllowance(_ value: Value?) -> Allowance? {
        guard let value, !value.isNull else { return nil }
        return allowance(value)
    }
}
