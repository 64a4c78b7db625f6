package import MeterstoneCore

extension Shapes {
    /// Usage of a closed month, which counts elsewhere.
    package static let adjustment = Shape<Adjustment>([
        Member("occurredAt", .instant, \.occurredAt, "When it occurred, as it was told."),
        Member("countedAt", .instant, \.countedAt, "Where it counts."),
    ]) { fields throws(WireMismatch) in
        Adjustment(
            occurredAt: try fields("occurredAt"), countedAt: try fields("countedAt"))
    }

    static let adjustmentSentence =
        "Its month was closed when it was told: it counts at the beginning of the first open one."
}
