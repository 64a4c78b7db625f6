package import MeterstoneCore

extension JSONWriter {
    package mutating func whatIf(_ answer: WhatIfAnswer) {
        beginObject()
        name("from")
        instant(answer.question.from)
        name("until")
        instant(answer.question.until)
        name("timeZone")
        string(answer.timeZone)
        name("events")
        integer(Int64(answer.events))
        name("allowed")
        integer(Int64(answer.allowed))
        name("refused")
        integer(Int64(answer.refused))
        name("subjects")
        integer(Int64(answer.subjects))
        name("subjectsRefused")
        integer(Int64(answer.subjectsRefused))
        limits(answer.limits)
        days(answer.days)
        subjects(answer.mostRefused)
        refusals(answer.refusals)
        name("truncated")
        boolean(answer.isTruncated)
        endObject()
    }

    private mutating func limits(_ limits: [WhatIfAnswer.RefusingLimit]) {
        name("limits")
        beginArray()
        for limit in limits {
            beginObject()
            name("limit")
            string(limit.limit.text)
            name("refused")
            integer(Int64(limit.refused))
            name("subjects")
            integer(Int64(limit.subjects))
            endObject()
        }
        endArray()
    }

    private mutating func days(_ days: [WhatIfAnswer.RefusingDay]) {
        name("days")
        beginArray()
        for day in days {
            beginObject()
            name("day")
            string(day.day.description)
            name("refused")
            integer(Int64(day.refused))
            endObject()
        }
        endArray()
    }

    private mutating func subjects(_ subjects: [WhatIfAnswer.RefusedSubject]) {
        name("mostRefused")
        beginArray()
        for subject in subjects {
            beginObject()
            name("subject")
            string(subject.subject.text)
            name("refused")
            integer(Int64(subject.refused))
            name("firstRefusedAt")
            instant(subject.firstRefusedAt)
            name("lastRefusedAt")
            instant(subject.lastRefusedAt)
            endObject()
        }
        endArray()
    }

    private mutating func refusals(_ refusals: [WhatIfAnswer.Refusal]) {
        name("refusals")
        beginArray()
        for refusal in refusals {
            beginObject()
            name("subject")
            string(refusal.subject.text)
            name("occurredAt")
            instant(refusal.occurredAt)
            name("limits")
            beginArray()
            for limit in refusal.limits { string(limit.text) }
            endArray()
            name("eventId")
            string(refusal.eventID.text)
            if let source = refusal.source {
                name("source")
                string(source)
            }
            endObject()
        }
        endArray()
    }
}
