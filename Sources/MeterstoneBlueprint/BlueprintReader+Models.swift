import MeterstoneCore
import Yams

extension BlueprintReader {
    mutating func model(_ entry: Entry) -> Model? {
        guard let key = ModelKey(entry.key) else { return nil }
        var fields = fields(entry.value, at: entry.keyPosition)
        let prices = fields.take("prices")
        finish(fields)
        guard let prices, !prices.isNull else {
            report(fields.position, "\(fields.field).prices", "missing; every model has some")
            return nil
        }
        guard let items = items(prices, of: "prices") else { return nil }
        if items.isEmpty { report(prices, "expected at least one price") }
        return Model(key: key, prices: modelPrices(items))
    }

    /// One price for each instant; the one without an instant applies from the beginning of time.
    private mutating func modelPrices(_ items: [Value]) -> [ModelPrice] {
        var firsts: [Instant: Position] = [:]
        return items.compactMap { item in
            var fields = fields(item)
            let effectiveAtValue = fields.take("effectiveAt")
            let effectiveAt = instant(effectiveAtValue)
            let rates = rates(&fields)
            let tiersValue = fields.take("tiers")
            let tiers = tiers(tiersValue)
            let image = money(fields.take("image"), in: ModelPrice.range)
            let batchPercent = wholeNumber(fields.take("batchPercent"), in: 0...100) ?? 100
            finish(fields)
            // An instant that cannot be read is not the beginning of time.
            let isReadable = effectiveAtValue?.isNull != false || effectiveAt != nil
            guard isReadable else { return nil }
            let start = effectiveAt ?? .earliest
            if let first = firsts[start] {
                let message = "only one price for each instant; another is on line \(first.line)"
                let place = effectiveAtValue?.position ?? fields.position
                report(place, "\(fields.field).effectiveAt", message)
                return nil
            }
            firsts[start] = item.position
            guard let rates else { return nil }
            let price = ModelPrice(
                effectiveAt: start, rates: rates, tiers: tiers, image: image,
                batchPercent: Int(batchPercent))
            if let (_, expectation) = price.mistake { report(tiersValue ?? item, expectation) }
            return price
        }
    }

    private mutating func rates(_ fields: inout Fields) -> TokenRates? {
        let input = neededMoney("input", &fields)
        let output = neededMoney("output", &fields)
        let others = TokenRates.fields.dropFirst(2).map { name in
            (name, money(fields.take(name), in: ModelPrice.range))
        }
        guard let input, let output else { return nil }
        let byName = Dictionary(others.map { ($0.0, $0.1) }, uniquingKeysWith: { $1 })
        func rate(_ name: String) -> Money? { byName[name] ?? nil }
        return TokenRates(
            input: input, output: output, cached: rate("cached"), cacheWrite: rate("cacheWrite"),
            cacheWriteLong: rate("cacheWriteLong"), audioInput: rate("audioInput"),
            reasoning: rate("reasoning"), audioOutput: rate("audioOutput"))
    }

    private mutating func tiers(_ value: Value?) -> [RateTier] {
        (items(value, of: "tiers") ?? []).compactMap { item in
            var fields = fields(item)
            let place = fields.take("above")
            let above = wholeNumber(place, in: 0...Int64.max)
            if place?.isNull ?? true { missing("above", in: fields, of: "tier") }
            let rates = rates(&fields)
            finish(fields)
            guard let above, let rates else { return nil }
            return RateTier(above: above, rates: rates)
        }
    }

    private mutating func neededMoney(_ name: String, _ fields: inout Fields) -> Money? {
        guard let value = fields.take(name), !value.isNull else {
            missing(name, in: fields, of: "price")
            return nil
        }
        return money(value, in: ModelPrice.range)
    }

    mutating func instant(_ value: Value?) -> Instant? {
        guard let value, let text = text(value) else { return nil }
        if let instant = Instant(rfc3339: text) { return instant }
        report(value, "'\(text)': expected \(Instant.expectation)")
        return nil
    }
}
