import MeterstoneCore

extension BlueprintReader {
    /// What a limit allows from instants to come on:
    /// `[{ effectiveAt: 2027-01-01T00:00:00Z, allowances: { pro: 200 } }]`.
    mutating func scheduledAllowances(_ value: Value?, _ names: Names) -> [ScheduledAllowances] {
        scheduled(value) { reader, fields, effectiveAt in
            let allowances = reader.allowances(fields.take("allowances"), names)
            let others = fields.take("defaultAllowance")
            let values = reader.valueAllowances(fields.take("values"), names)
            let isOfOthers = others.map { !$0.isNull } ?? false
            let defaultAllowance = isOfOthers ? reader.allowance(others) : nil
            guard !allowances.isEmpty || isOfOthers || !values.isEmpty else {
                reader.report(
                    fields.position, fields.field,
                    "expected allowances, defaultAllowance or values")
                return nil
            }
            return ScheduledAllowances(
                effectiveAt: effectiveAt, allowances: allowances,
                defaultAllowance: defaultAllowance, values: values)
        }
    }

    /// What a plan costs from instants to come on: `[{ effectiveAt: 2027-01-01T00:00:00Z, price: 12.50 }]`.
    mutating func scheduledPrices(_ value: Value?) -> [ScheduledPrice] {
        scheduled(value) { reader, fields, effectiveAt in
            let place = fields.take("price")
            guard let place, !place.isNull else {
                reader.missing("price", in: fields, of: Self.scheduledKind)
                return nil
            }
            return reader.money(place, in: Plan.priceRange).map {
                ScheduledPrice(effectiveAt: effectiveAt, price: $0)
            }
        }
    }

    private static let scheduledKind = "scheduled change"

    private mutating func scheduled<Item>(
        _ value: Value?,
        _ read: (inout BlueprintReader, inout Fields, Instant) -> Item?
    ) -> [Item] {
        var firsts: [Instant: Position] = [:]
        let items = items(value, of: "scheduled") ?? []
        if let value, items.count > ScheduledAllowances.countMax {
            report(value, "expected at most \(ScheduledAllowances.countMax)")
        }
        return items.compactMap { item in
            var fields = fields(item)
            let place = fields.take("effectiveAt")
            let effectiveAt = instant(place)
            let result = read(&self, &fields, effectiveAt ?? .earliest)
            finish(fields)
            guard let place, !place.isNull else {
                missing("effectiveAt", in: fields, of: Self.scheduledKind)
                return nil
            }
            guard let effectiveAt else { return nil }
            if let first = firsts[effectiveAt] {
                report(place, "only one for each instant; another is on line \(first.line)")
                return nil
            }
            firsts[effectiveAt] = place.position
            return result
        }
    }
}
