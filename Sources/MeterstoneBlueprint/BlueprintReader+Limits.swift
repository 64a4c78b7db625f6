import MeterstoneCore
import Yams

extension BlueprintReader {
    mutating func limit(_ entry: Entry, _ names: Names) -> Limit? {
        guard let key = LimitKey(entry.key) else { return nil }
        var fields = fields(entry.value, at: entry.keyPosition)
        let meter = meter(fields.take("meter"), names, in: fields)
        let window = window(fields.take("window"), in: fields, of: meter, names)
        let allowances = allowances(fields.take("allowances"), names)
        let defaultAllowance = allowance(fields.take("defaultAllowance"))
        let later = fields.take("scheduled")
        let scheduled = scheduledAllowances(later, names)
        let addOns = addOns(fields.take("addOns"))
        let dimensions = dimensions(fields.take("dimensions"))
        let subjects = subjects(fields.take("subjects"))
        let perValue = perValue(&fields, of: meter, window, names)
        let places = (rollover: fields.take("rollover"), debt: fields.take("debt"))
        let rollover = rollover(places.rollover)
        let debt = flag(places.debt) ?? false
        let mode = choice(fields.take("mode"), LimitMode.self) ?? .enforce
        let rollout = rollout(fields.take("rollout"), names)
        let failMode = choice(fields.take("failMode"), LimitFailMode.self) ?? .closed
        let fallback = fallback(fields.take("fallback"))
        let blocking = fields.take("blockWhenExceeded")
        let blocks = flag(blocking) ?? false
        if blocks, perValue != nil, let blocking {
            report(
                blocking, "expected false beside 'per': one full value says nothing of the others")
        }
        let active = flag(fields.take("active")) ?? true
        let description = text(fields.take("description"))
        finish(fields)
        guard let meter, let window else { return nil }
        let limit = Limit(
            key: key, meter: meter, window: window, allowances: allowances,
            defaultAllowance: defaultAllowance, addOns: addOns, dimensions: dimensions,
            subjects: subjects, perValue: perValue, rollover: rollover, debt: debt, mode: mode,
            rollout: rollout, failMode: failMode, fallback: fallback,
            blockWhenExceeded: blocks, active: active, description: description,
            scheduled: scheduled)
        let aggregation = names.unsummable(meter.text) ?? .sum
        if let place = places.rollover ?? places.debt,
            let (_, expectation) = limit.carryingMistake(
                of: Meter(key: meter, aggregation: aggregation))
        {
            report(place, "expected \(expectation)")
        }
        if let later {
            for next in limit.scheduled where !next.values.isEmpty {
                guard let expectation = limit.mistake(inValues: next) else { continue }
                report(later, "values: expected \(expectation)")
            }
        }
        return limit
    }

    mutating func subjects(_ value: Value?) -> [String] {
        let patterns = texts(value) ?? []
        if let value, LimitSubjects.mistake(in: patterns) != nil {
            report(value, "expected \(LimitSubjects.expectation)")
        }
        return patterns
    }

    private mutating func rollover(_ value: Value?) -> LimitRollover? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value, at: value.position)
        var result = LimitRollover()
        result.max = wholeNumber(fields.take("max"), in: LimitRollover.maxRange).map {
            Quantity($0)
        }
        let range = LimitRollover.windowsRange
        let windows = wholeNumber(
            fields.take("windows"), in: Int64(range.lowerBound)...Int64(range.upperBound))
        if let windows { result.windows = Int(windows) }
        finish(fields)
        return result
    }

    private mutating func perValue(
        _ fields: inout Fields, of meter: MeterKey?, _ window: Window?, _ names: Names
    ) -> PerValue? {
        let place = fields.take("per")
        let others = ["values", "valuesMax", "beyondValues"].map { fields.take($0) }
        guard let place, !place.isNull, let name = text(place) else {
            if let other = others.compactMap(\.self).first(where: { !$0.isNull }) {
                report(other, "expected 'per' beside it, which says what the values are of")
            }
            return nil
        }
        if let meter, let aggregation = names.unsummable(meter.text) {
            report(
                place,
                "a limit per value is for meters that sum or count;"
                    + " '\(meter)' has the aggregation \(aggregation.rawValue)")
        }
        var result = PerValue(name, allowances: valueAllowances(others[0], names))
        if let number = wholeNumber(others[1], in: PerValue.valuesRange) {
            result.valuesMax = Int(number)
        }
        result.beyond = choice(others[2], BeyondValues.self) ?? .refuse
        if let window, let (field, expectation) = result.mistake(in: window) {
            let places = ["values": others[0], "beyondValues": others[2]]
            report((places[field] ?? nil) ?? place, "expected \(expectation)")
        }
        return result
    }

    mutating func valueAllowances(
        _ value: Value?, _ names: Names
    ) -> [String: ValueAllowance] {
        guard let value else { return [:] }
        var result: [String: ValueAllowance] = [:]
        for entry in entries(value) {
            guard case .mapping = entry.value.node else {
                if let allowance = allowance(entry.value) {
                    result[entry.key] = ValueAllowance(allowance)
                }
                continue
            }
            var fields = fields(entry.value, at: entry.keyPosition)
            result[entry.key] = ValueAllowance(
                allowance(fields.take("defaultAllowance")),
                allowances: allowances(fields.take("allowances"), names))
            finish(fields)
        }
        return result
    }

    private mutating func meter(_ value: Value?, _ names: Names, in fields: Fields) -> MeterKey? {
        guard let value, !value.isNull else {
            missing("meter", in: fields)
            return nil
        }
        guard let key = identifier(value, MeterKey.self) else { return nil }
        if let message = names.unknownMeter(key.text) { report(value, message) }
        return key
    }

    private mutating func window(
        _ value: Value?, in fields: Fields, of meter: MeterKey?, _ names: Names
    ) -> Window? {
        guard let value, !value.isNull else {
            missing("window", in: fields)
            return nil
        }
        guard let word = text(value) else { return nil }
        guard let window = Window(word) else {
            let suggestion = Spelling.suggestion(for: word, among: Self.windowWords)
            report(value, "'\(word)': expected \(Window.expectation)\(suggestion)")
            return nil
        }
        if let meter, names.aggregation(meter.text) == .integral {
            report(
                value,
                "a limit bounds a gauge, and no integral, which grows without any event;"
                    + " '\(meter)' has the aggregation integral")
        } else if window.needsSum, let meter, let aggregation = names.unsummable(meter.text) {
            let message = "the window '\(window)' is for meters that sum or count;"
            report(value, "\(message) '\(meter)' has the aggregation \(aggregation.rawValue)")
        }
        return window
    }

    private static let windowWords = [
        "minute", "hour", "day", "week", "month", "quarter", "year", "lifetime", "billingMonth",
        "request", "concurrent",
    ]

    private mutating func fallback(_ value: Value?) -> String? {
        guard let value, let text = text(value) else { return nil }
        if SubjectID.isValid(text) { return text }
        report(value, "expected \(SubjectID.expectation)")
        return nil
    }

    /// Add-on → how much more each allows.
    private mutating func addOns(_ value: Value?) -> [AddOnKey: Quantity] {
        guard let value else { return [:] }
        var result: [AddOnKey: Quantity] = [:]
        for entry in entries(value) {
            guard let key = AddOnKey(entry.key) else {
                report(
                    entry.keyPosition, entry.value.field,
                    "'\(entry.key)' is not a key: expected \(AddOnKey.expectation)")
                continue
            }
            result[key] = neededNumber(entry.value, in: Limit.addOnUnitsRange).map { Quantity($0) }
        }
        return result
    }

    mutating func allowances(_ value: Value?, _ names: Names) -> [PlanKey: Allowance] {
        guard let value else { return [:] }
        var result: [PlanKey: Allowance] = [:]
        for entry in entries(value) {
            if !names.plans.contains(entry.key) {
                let suggestion = Spelling.suggestion(for: entry.key, among: names.plans)
                let message = "no plan is called '\(entry.key)'\(suggestion)"
                report(entry.keyPosition, entry.value.field, message)
            }
            if let plan = PlanKey(entry.key) { result[plan] = allowance(entry.value) }
        }
        return result
    }
}
