import MeterstoneCore

extension BlueprintReader {
    /// `nil` where nothing is said of credits.
    mutating func creditPolicy(_ value: Value?, _ names: Names) -> CreditPolicy? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value)
        var policy = CreditPolicy()
        policy.isEnabled = flag(fields.take("enabled")) ?? true
        policy.payment = choice(fields.take("payment"), CreditPayment.self) ?? .creditsOnly
        policy.prices = prices(fields.take("prices"), names)
        finish(fields)
        return policy
    }

    /// Meter → credits per unit.
    private mutating func prices(_ value: Value?, _ names: Names) -> [MeterKey: Int64] {
        guard let value else { return [:] }
        var result: [MeterKey: Int64] = [:]
        for entry in entries(value) {
            if let message = names.unknownMeter(entry.key) {
                report(entry.keyPosition, entry.value.field, message)
            } else if let aggregation = names.unsummable(entry.key) {
                let message = "a price is for meters that sum or count;"
                report(
                    entry.keyPosition, entry.value.field,
                    "\(message) '\(entry.key)' has the aggregation \(aggregation.rawValue)")
            }
            let price = neededNumber(entry.value, in: CreditPolicy.priceRange)
            if let meter = MeterKey(entry.key) { result[meter] = price }
        }
        return result
    }

    /// A whole number where nothing is a mistake too.
    mutating func neededNumber(_ value: Value, in range: ClosedRange<Int64>) -> Int64? {
        if value.isNull { report(value, "expected a whole number \(range.inWords)") }
        return wholeNumber(value, in: range)
    }
}

extension BlueprintReader {
    /// Credit that a plan gives anew in every window; one grant for each window.
    mutating func recurringGrants(_ value: Value?) -> [RecurringGrant] {
        var firsts: [Window: Position] = [:]
        return (items(value, of: "grants") ?? []).compactMap { item in
            var fields = fields(item)
            let windowValue = fields.take("window")
            let window = repeatingWindow(windowValue, in: fields)
            let amount = grantAmount(fields.take("amount"), in: fields)
            let rolloverMax = rolloverMax(fields.take("rolloverMax"), amount: amount)
            let priority = priority(fields.take("priority"))
            finish(fields)
            guard let windowValue, let window else { return nil }
            if let first = firsts[window] {
                let message = "only one grant for each window; another is on line \(first.line)"
                report(windowValue, message)
                return nil
            }
            firsts[window] = windowValue.position
            guard let amount else { return nil }
            return RecurringGrant(
                window: window, amount: amount, rolloverMax: rolloverMax, priority: priority)
        }
    }

    private mutating func repeatingWindow(_ value: Value?, in fields: Fields) -> Window? {
        guard let value, !value.isNull else {
            missing("window", in: fields, of: Self.grantKind)
            return nil
        }
        guard let word = text(value) else { return nil }
        if let window = Window(word), window.isRepeating, window != .minute, window != .quarter {
            return window
        }
        let words = ["hour", "day", "week", "month", "year", "billingMonth"]
        let suggestion = Spelling.suggestion(for: word, among: words)
        let expected = "hour, day, week, week:WEEKDAY, month, year or billingMonth"
        report(value, "'\(word)': expected \(expected)\(suggestion)")
        return nil
    }

    private mutating func grantAmount(_ value: Value?, in fields: Fields) -> Int64? {
        guard let value, !value.isNull else {
            missing("amount", in: fields, of: Self.grantKind)
            return nil
        }
        return wholeNumber(value, in: 1...CreditPolicy.priceRange.upperBound)
    }

    /// Less than the amount would take from what was given a moment before.
    private mutating func rolloverMax(_ value: Value?, amount: Int64?) -> Int64? {
        wholeNumber(value, in: (amount ?? 1)...CreditPolicy.priceRange.upperBound)
    }

    private mutating func priority(_ value: Value?) -> Int {
        let range = CreditGrant.priorityRange
        let number = wholeNumber(value, in: Int64(range.lowerBound)...Int64(range.upperBound))
        return number.map { Int($0) } ?? RecurringGrant.priorityDefault
    }

    private static let grantKind = "grant"
}
