/// Adds up what becomes of events that are played again.
package struct WhatIfTally {
    private let limits: [LimitKey]
    private let zone: ZoneRules
    private var answer: WhatIfAnswer
    /// By place of the subject.
    private var isConcerned: [Bool]
    private var refusedSubjects: [Int: SubjectTally] = [:]
    private var days: [Instant: Int] = [:]
    /// The day that was counted last; most refusals fall on the same as the one before.
    private var day = WindowSpan(from: .latest, until: .latest)
    private var oldest: [PlacedRefusal] = []

    private struct SubjectTally {
        let subject: SubjectID
        var refused = 0
        var first: Instant
        var last: Instant
        /// Places of the limits that refused.
        var limits: Set<Int> = []
    }

    private struct PlacedRefusal {
        let refusal: WhatIfAnswer.Refusal
        let sequence: Int64

        func isBefore(_ other: PlacedRefusal) -> Bool {
            (refusal.occurredAt, sequence) < (other.refusal.occurredAt, other.sequence)
        }
    }

    /// One refused event.
    package struct RefusedEvent {
        package var subject: SubjectID
        package var sequence: Int64
        package var occurredAt: Instant
        /// Places of the limits that refuse it, each once.
        package var limits: [Int]
        package var eventID: EventID
        package var source: String?

        package init(
            subject: SubjectID, sequence: Int64, occurredAt: Instant, limits: [Int],
            eventID: EventID, source: String?
        ) {
            self.subject = subject
            self.sequence = sequence
            self.occurredAt = occurredAt
            self.limits = limits
            self.eventID = eventID
            self.source = source
        }
    }

    /// - Parameters:
    ///   - limits: all that can refuse; events name them by their places here.
    ///   - subjects: how many there are.
    package init(
        _ question: WhatIfQuestion, limits: [LimitKey], subjects: Int, zone: ZoneRules
    ) {
        self.limits = limits
        self.zone = zone
        answer = WhatIfAnswer(question: question, timeZone: zone.name)
        answer.limits = limits.map { WhatIfAnswer.RefusingLimit(limit: $0) }
        isConcerned = Array(repeating: false, count: subjects)
    }

    /// Counts an event of the span, whatever becomes of it.
    @inline(__always)
    package mutating func count(subject place: Int) {
        answer.events += 1
        if !isConcerned[place] {
            isConcerned[place] = true
            answer.subjects += 1
        }
    }

    /// Counts that an event, which was counted before, is refused.
    package mutating func refuse(_ event: RefusedEvent, subject place: Int) {
        answer.refused += 1
        var tally =
            refusedSubjects[place]
            ?? SubjectTally(subject: event.subject, first: event.occurredAt, last: event.occurredAt)
        tally.refused += 1
        tally.first = min(tally.first, event.occurredAt)
        tally.last = max(tally.last, event.occurredAt)
        for limit in event.limits {
            answer.limits[limit].refused += 1
            if tally.limits.insert(limit).inserted { answer.limits[limit].subjects += 1 }
        }
        refusedSubjects[place] = tally
        if !day.contains(event.occurredAt) {
            day = Window.day.span(containing: event.occurredAt, in: zone, anchor: nil)
        }
        days[day.from, default: 0] += 1
        remember(event)
    }

    private mutating func remember(_ event: RefusedEvent) {
        let max = answer.question.refusalsMax
        guard max > 0 else { return }
        oldest.append(
            PlacedRefusal(
                refusal: WhatIfAnswer.Refusal(
                    subject: event.subject, occurredAt: event.occurredAt,
                    limits: event.limits.map { limits[$0] }, eventID: event.eventID,
                    source: event.source),
                sequence: event.sequence))
        // Twice as many as are told, so that sorting is rare.
        if oldest.count >= 2 * max + 64 { dropNewest() }
    }

    private mutating func dropNewest() {
        oldest.sort { $0.isBefore($1) }
        oldest.removeLast(max(0, oldest.count - answer.question.refusalsMax))
    }

    package consuming func finished() -> WhatIfAnswer {
        dropNewest()
        answer.refusals = oldest.map(\.refusal)
        answer.subjectsRefused = refusedSubjects.count
        answer.limits.sort { $0.limit < $1.limit }
        answer.days = days.sorted { $0.key < $1.key }.map { from, refused in
            WhatIfAnswer.RefusingDay(day: date(from), refused: refused)
        }
        answer.mostRefused = refusedSubjects.values
            .sorted { ($1.refused, $0.subject) < ($0.refused, $1.subject) }
            .prefix(answer.question.subjectsMax)
            .map { tally in
                WhatIfAnswer.RefusedSubject(
                    subject: tally.subject, refused: tally.refused, firstRefusedAt: tally.first,
                    lastRefusedAt: tally.last)
            }
        return answer
    }

    /// The date that a day which starts at this instant has in the zone.
    private func date(_ from: Instant) -> CivilDate {
        let local = Instant(millisecondsSince1970: zone.localMilliseconds(at: from))
        return CivilDate(daysSince1970: local.utcDay)
    }
}
