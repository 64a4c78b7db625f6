import MeterstoneCore

extension Answers {
    /// What would have been refused: a sentence, and tables of what, when and whom.
    static func text(_ answer: WhatIfAnswer) -> String {
        var parts = [
            """
            \(answer.refused) of \(answer.events) events would have been refused, to \
            \(answer.subjectsRefused) of \(answer.subjects) subjects
            """,
            table(answer.limits),
        ]
        if !answer.days.isEmpty { parts.append(table(answer.days, in: answer.timeZone)) }
        if !answer.mostRefused.isEmpty { parts.append(table(answer.mostRefused)) }
        if !answer.refusals.isEmpty { parts.append(table(answer.refusals)) }
        return parts.joined(separator: "\n\n")
    }

    private static func table(_ limits: [WhatIfAnswer.RefusingLimit]) -> String {
        var table = TextTable(["limit", "refused>", "subjects>"])
        for limit in limits {
            table.add([limit.limit.text, String(limit.refused), String(limit.subjects)])
        }
        return table.text
    }

    private static func table(_ days: [WhatIfAnswer.RefusingDay], in zone: String) -> String {
        var table = TextTable(["day in \(zone)", "refused>"])
        for day in days { table.add([day.day.description, String(day.refused)]) }
        return table.text
    }

    private static func table(_ subjects: [WhatIfAnswer.RefusedSubject]) -> String {
        var table = TextTable(["subject", "refused>", "first", "last"])
        for subject in subjects {
            table.add([
                subject.subject.text, String(subject.refused), subject.firstRefusedAt.rfc3339,
                subject.lastRefusedAt.rfc3339,
            ])
        }
        return table.text
    }

    private static func table(_ refusals: [WhatIfAnswer.Refusal]) -> String {
        var table = TextTable(["occurred at", "subject", "refused by", "event id"])
        for refusal in refusals {
            table.add([
                refusal.occurredAt.rfc3339, refusal.subject.text,
                refusal.limits.map(\.text).joined(separator: ", "), refusal.eventID.text,
            ])
        }
        return table.text
    }
}
