package import MeterstoneCore

extension Shapes {
    private static let mergedMeter = Shape<MergedMeter>([
        Member("meter", .key, \.meter),
        Member("window", .window, \.window, "A window that runs, or `lifetime`."),
        Member(
            "start", Wire<Instant>.instant.orNull, \.span.fromText,
            "When the window begins; null: it has no beginning."),
        Member("until", Wire<Instant>.instant.orNull, \.span.untilText, "When it ends."),
        Member("from", .integer, \.from, "What the one has in its window that would be merged."),
        Member("into", .integer, \.into, "What the one has that stays."),
        Member("merged", .integer, \.merged, "What both come to. Only sums and counts add up."),
    ]) { fields throws(WireMismatch) in
        let start: Instant? = try fields("start")
        let until: Instant? = try fields("until")
        return MergedMeter(
            meter: try fields("meter"), window: try fields("window"),
            span: WindowSpan(
                from: start ?? WindowSpan.lifetime.from, until: until ?? WindowSpan.lifetime.until),
            from: try fields("from"), into: try fields("into"), merged: try fields("merged"))
    }

    private static let mergedCredits = Shape<MergedCredits>([
        Member("from", .integer, \.from, "The balance of the one that would be merged."),
        Member("into", .integer, \.into, "That of the one that stays."),
        Member("merged", .integer, \.merged, "What it comes to."),
    ]) { fields throws(WireMismatch) in
        MergedCredits(
            from: try fields("from"), into: try fields("into"), merged: try fields("merged"))
    }

    package static let mergePreview = Shape<MergePreview>(
        "MergePreview",
        [
            Member("from", .name, \.from, "Who would be merged."),
            Member("into", .name, \.into, "Who stays."),
            Member(
                "meters", mergedMeter.wire.list(), \.meters,
                "Each meter that any of them moved, in each calendar window that runs and in all."),
            Member(
                "limits", previewedLimit.wire.list(),
                { PreviewedLimit.pairs($0.before, $0.after) },
                "The own limits of the one that stays."),
            Member(
                "over", Wire<LimitKey>.key.list(), \.over,
                "Limits that are over with the merge, and not without it."),
            Member("credits", mergedCredits.wire, \.credits),
        ]
    ) { fields throws(WireMismatch) in
        let limits = try fields("limits", listOf: previewedLimit)
        return MergePreview(
            from: try fields("from"), into: try fields("into"),
            meters: try fields("meters", listOf: mergedMeter), before: limits.map(\.before),
            after: limits.map(\.after), credits: try fields("credits", mergedCredits))
    }
}
