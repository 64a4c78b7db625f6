package import MeterstoneCore

extension Shapes {
    package static let whatIf = Shape<WhatIfAnswer>(
        "WhatIfAnswer",
        [
            Member("from", Wire<Instant>.instant.orNull, \.question.from),
            Member("until", Wire<Instant>.instant.orNull, \.question.until),
            Member("timeZone", .text, \.timeZone, "The zone of the days."),
            Member(
                "events", .count, \.events, "Those that move a meter of a limit that refuses."),
            Member("allowed", .count, \.allowed),
            Member("refused", .count, \.refused),
            Member("subjects", .count, \.subjects, "Whose events they are."),
            Member(
                "subjectsRefused", .count, \.subjectsRefused, "Who would have been refused."),
            Member("limits", Shapes.whatIfLimit.wire.list(), \.limits),
            Member("days", Shapes.whatIfDay.wire.list(), \.days),
            Member(
                "mostRefused", Shapes.whatIfSubject.wire.list(),
                \.mostRefused, "Who would have been refused most."),
            Member(
                "refusals", Shapes.whatIfRefusal.wire.list(), \.refusals,
                "The oldest."),
            Member("truncated", .flag, \.isTruncated, "Whether there are more than are told."),
        ])
}

extension Shapes {
    fileprivate static let whatIfLimit = Shape<WhatIfAnswer.RefusingLimit>([
        Member("limit", .key, \.limit), Member("refused", .count, \.refused),
        Member("subjects", .count, \.subjects),
    ])
}

extension Shapes {
    fileprivate static let whatIfDay = Shape<WhatIfAnswer.RefusingDay>([
        Member("day", .date, \.day), Member("refused", .count, \.refused),
    ])
}

extension Shapes {
    fileprivate static let whatIfSubject = Shape<WhatIfAnswer.RefusedSubject>([
        Member("subject", .name, \.subject), Member("refused", .count, \.refused),
        Member("firstRefusedAt", .instant, \.firstRefusedAt),
        Member("lastRefusedAt", .instant, \.lastRefusedAt),
    ])
}

extension Shapes {
    package static let whatIfRefusal = Shape<WhatIfAnswer.Refusal>(
        "WhatIfRefusal",
        [
            Member("subject", .name, \.subject),
            Member("occurredAt", .instant, \.occurredAt),
            Member(
                "limits", Wire<LimitKey>.key.list(#","minItems":1"#), \.limits,
                "The limits that refuse it."),
            Member("eventId", .name, \.eventID),
            Member(maybe: "source", .name, \.source),
        ])
}
