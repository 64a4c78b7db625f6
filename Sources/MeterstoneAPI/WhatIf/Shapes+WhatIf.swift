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
        ]
    ) { fields throws(WireMismatch) in
        WhatIfAnswer(
            from: try fields("from"), until: try fields("until"), timeZone: try fields("timeZone"),
            events: try fields("events"), refused: try fields("refused"),
            subjects: try fields("subjects"), subjectsRefused: try fields("subjectsRefused"),
            limits: try fields("limits", listOf: whatIfLimit),
            days: try fields("days", listOf: whatIfDay),
            mostRefused: try fields("mostRefused", listOf: whatIfSubject),
            refusals: try fields("refusals", listOf: whatIfRefusal))
    }
}

extension Shapes {
    fileprivate static let whatIfLimit = Shape<WhatIfAnswer.RefusingLimit>([
        Member("limit", .key, \.limit), Member("refused", .count, \.refused),
        Member("subjects", .count, \.subjects),
    ]) { fields throws(WireMismatch) in
        WhatIfAnswer.RefusingLimit(
            limit: try fields("limit"), refused: try fields("refused"),
            subjects: try fields("subjects"))
    }
}

extension Shapes {
    fileprivate static let whatIfDay = Shape<WhatIfAnswer.RefusingDay>([
        Member("day", .date, \.day), Member("refused", .count, \.refused),
    ]) { fields throws(WireMismatch) in
        WhatIfAnswer.RefusingDay(day: try fields("day"), refused: try fields("refused"))
    }
}

extension Shapes {
    fileprivate static let whatIfSubject = Shape<WhatIfAnswer.RefusedSubject>([
        Member("subject", .name, \.subject), Member("refused", .count, \.refused),
        Member("firstRefusedAt", .instant, \.firstRefusedAt),
        Member("lastRefusedAt", .instant, \.lastRefusedAt),
    ]) { fields throws(WireMismatch) in
        WhatIfAnswer.RefusedSubject(
            subject: try fields("subject"), refused: try fields("refused"),
            firstRefusedAt: try fields("firstRefusedAt"),
            lastRefusedAt: try fields("lastRefusedAt"))
    }
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
        ]
    ) { fields throws(WireMismatch) in
        WhatIfAnswer.Refusal(
            subject: try fields("subject"), occurredAt: try fields("occurredAt"),
            limits: try fields("limits"), eventID: try fields("eventId"),
            source: try fields("source"))
    }
}
