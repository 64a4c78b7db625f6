import MeterstoneCore
import Yams

/// What plans say beside their numbers.
extension BlueprintReader {
    /// Name → on, off, or a value. A text in quotes is a text, whatever it looks like.
    mutating func features(_ value: Value?) -> [String: PlanFeature] {
        guard let value else { return [:] }
        var result: [String: PlanFeature] = [:]
        for entry in entries(value) {
            guard let feature = feature(entry.value) else { continue }
            result[entry.key] = feature
        }
        if result.count > PlanFeature.countMax {
            report(value, "expected at most \(PlanFeature.countMax) features")
        }
        return result
    }

    private mutating func feature(_ value: Value) -> PlanFeature? {
        guard case .scalar(let scalar) = value.node, !value.isNull,
            scalar.string.utf8.count <= PlanFeature.textBytesMax
        else {
            report(value, "expected \(PlanFeature.expectation), found \(value.kind)")
            return nil
        }
        guard scalar.style == .plain else { return .text(scalar.string) }
        switch scalar.string {
        case "true": return .flag(true)
        case "false": return .flag(false)
        case let text:
            return Int64(text.filter { $0 != "_" }).map { .number($0) } ?? .text(text)
        }
    }

    mutating func changePolicy(_ value: Value?) -> ChangePolicy? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value)
        let policy = ChangePolicy(
            at: choice(fields.take("at"), ChangePolicy.Time.self),
            usage: choice(fields.take("usage"), UsageAtChange.self),
            anchor: choice(fields.take("anchor"), AnchorAtChange.self),
            credits: choice(fields.take("credits"), CreditsAtChange.self))
        finish(fields)
        return policy
    }
}
