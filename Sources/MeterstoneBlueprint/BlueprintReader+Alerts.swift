import MeterstoneCore
import Yams

extension BlueprintReader {
    mutating func alert(_ entry: Entry, _ names: Names, limits: [String]) -> Alert? {
        guard let key = AlertKey(entry.key) else { return nil }
        var fields = fields(entry.value, at: entry.keyPosition)
        var alert = Alert(key: key)
        alert.limits = known(fields.take("limits"), LimitKey.self, limits, "limit")
        alert.usedPercent = numbers(fields.take("usedPercent"))
        alert.remaining = numbers(fields.take("remaining"))
        alert.pacePercent = numbers(fields.take("pacePercent"))
        alert.refusedPerHour = numbers(fields.take("refusedPerHour"))
        alert.failedPercent = numbers(fields.take("failedPercent"))
        alert.credits = numbers(fields.take("credits"))
        alert.refill = refill(fields.take("refill"))
        alert.unusual = known(fields.take("unusual"), MeterKey.self, names.meters, "meter")
        alert.plans = known(fields.take("plans"), PlanKey.self, names.plans, "plan")
        // Webhooks have secrets, and stand in no file.
        alert.webhooks = identifiers(fields.take("webhooks"), WebhookKey.self) ?? []
        alert.active = flag(fields.take("active")) ?? true
        alert.description = text(fields.take("description"))
        finish(fields)
        if let mistake = alert.mistake {
            report(fields.position, "\(fields.field).\(mistake.field)", mistake.message)
        }
        return alert
    }

    /// `{amount: 1000, perMonth: 3, holdSeconds: 10}`.
    private mutating func refill(_ value: Value?) -> Refill? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value, at: value.position)
        let refill = Refill(
            amount: fields.take("amount").flatMap { wholeNumber($0) } ?? 0,
            perMonth: fields.take("perMonth").flatMap { wholeNumber($0) }.map { Int(clamping: $0) }
                ?? 0,
            holdSeconds: fields.take("holdSeconds").flatMap { wholeNumber($0) }
                .map { Int(clamping: $0) } ?? 0)
        finish(fields)
        return refill
    }

    private mutating func numbers(_ value: Value?) -> [Int64] {
        (items(value, of: "whole numbers") ?? []).compactMap { wholeNumber($0) }
    }

    /// Keys of things that the file has.
    private mutating func known<Key: TextIdentifier>(
        _ value: Value?, _ type: Key.Type, _ keys: [String], _ kind: String
    ) -> [Key] {
        (items(value, of: "keys") ?? []).compactMap { item in
            guard let key = identifier(item, type) else { return nil }
            if !keys.contains(key.text) {
                let suggestion = Spelling.suggestion(for: key.text, among: keys)
                report(item, "no \(kind) is called '\(key)'\(suggestion)")
            }
            return key
        }
    }
}
