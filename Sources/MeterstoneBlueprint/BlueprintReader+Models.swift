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
            let input = neededMoney("input", &fields)
            let output = neededMoney("output", &fields)
            let cached = money(fields.take("cached"), in: ModelPrice.range)
            let reasoning = money(fields.take("reasoning"), in: ModelPrice.range)
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
            guard let input, let output else { return nil }
            return ModelPrice(
                effectiveAt: start, input: input, output: output, cached: cached,
                reasoning: reasoning)
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
