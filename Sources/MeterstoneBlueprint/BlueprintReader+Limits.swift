import MeterstoneCore

extension BlueprintReader {
    mutating func limit(_ entry: Entry, _ names: Names) -> Limit? {
        guard let key = LimitKey(entry.key) else { return nil }
        var fields = fields(entry.value, at: entry.keyPosition)
        let meter = meter(fields.take("meter"), names, in: fields)
        let window = window(fields.take("window"), in: fields, of: meter, names)
        let allowances = allowances(fields.take("allowances"), names)
        let defaultAllowance = allowance(fields.take("defaultAllowance"))
        let addOns = addOns(fields.take("addOns"))
        let dimensions = dimensions(fields.take("dimensions"))
        let mode = choice(fields.take("mode"), LimitMode.self) ?? .enforce
        let fallback = fallback(fields.take("fallback"))
        let blocks = flag(fields.take("blockWhenExceeded")) ?? false
        let active = flag(fields.take("active")) ?? true
        let description = text(fields.take("description"))
        finish(fields)
        guard let meter, let window else { return nil }
        return Limit(
            key: key, meter: meter, window: window, allowances: allowances,
            defaultAllowance: defaultAllowance, addOns: addOns, dimensions: dimensions, mode: mode,
            fallback: fallback, blockWhenExceeded: blocks, active: active, description: description)
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
        if window.needsSum, let meter, let aggregation = names.unsummable(meter.text) {
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

    private mutating func allowances(_ value: Value?, _ names: Names) -> [PlanKey: Allowance] {
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
