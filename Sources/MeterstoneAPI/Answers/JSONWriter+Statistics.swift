package import MeterstoneCore

extension JSONWriter {
    package mutating func lifetime(_ statistics: LifetimeStatistics) {
        beginObject()
        member("subject", statistics.subject.text)
        member("timeZone", statistics.timeZone)
        quantities("totals", statistics.meters.map { ($0.meter.text, $0.lifetime) })
        quantities("thisMonth", statistics.meters.map { ($0.meter.text, $0.thisMonth) })
        member("daysActive", statistics.streaks.daysActive)
        member("currentStreak", statistics.streaks.currentStreak)
        member("longestStreak", statistics.streaks.longestStreak)
        member("firstActivityAt", statistics.firstActivityAt)
        member("lastActivityAt", statistics.lastActivityAt)
        if let sessions = statistics.sessions { self.sessions(sessions) }
        let overages = statistics.overages.sorted { $0.key < $1.key }
        quantities("overages", overages.map { ($0.key.text, $0.value) })
        member("planAtLastUse", statistics.planAtLastUse?.text)
        member("plan", statistics.plan?.text)
        member("monthsSubscribed", statistics.monthsSubscribed)
        member("revenueMillionths", statistics.revenue.millionths)
        member("highestPlan", statistics.highestPlan?.text)
        if let milestones = statistics.milestones { self.milestones(milestones) }
        endObject()
    }

    private mutating func sessions(_ sessions: SessionStatistics) {
        name("sessions")
        beginObject()
        member("completed", sessions.completed.units)
        member("averageLength", sessions.averageLength)
        member("longest", sessions.longest?.units)
        member("averagePerMonth", sessions.averagePerMonth)
        endObject()
    }

    private mutating func milestones(_ milestones: [Milestone]) {
        name("milestones")
        beginArray()
        for milestone in milestones {
            beginObject()
            member("key", milestone.rule.key.text)
            member("reachedAt", milestone.reachedAt)
            endObject()
        }
        endArray()
    }

    package mutating func recent(_ statistics: RecentStatistics) {
        beginObject()
        member("subject", statistics.subject.text)
        member("timeZone", statistics.timeZone)
        member("days", Int64(statistics.dayCount))
        name("daily")
        beginObject()
        for day in statistics.days {
            quantities(day.date.description, day.quantities.map { ($0.name.text, $0.quantity) })
        }
        endObject()
        quantities("totals", statistics.totals.map { ($0.name.text, $0.quantity) })
        name("recentEvents")
        beginArray()
        for event in statistics.events { self.event(event) }
        endArray()
        endObject()
    }

    package mutating func projection(_ projection: UsageProjection) {
        beginObject()
        member("subject", projection.subject.text)
        member("timeZone", projection.timeZone)
        member("calculatedAt", projection.calculatedAt)
        name("limits")
        beginArray()
        for pace in projection.limits { self.pace(pace) }
        endArray()
        name("month")
        beginObject()
        member("from", projection.month.from)
        member("until", projection.month.until)
        name("meters")
        beginObject()
        for pace in projection.meters {
            name(text: pace.meter.text)
            beginObject()
            member("used", pace.used.units)
            member("projected", pace.projected?.units)
            endObject()
        }
        endObject()
        endObject()
        endObject()
    }

    private mutating func pace(_ pace: LimitPace) {
        beginObject()
        member("limit", pace.limit.text)
        member("meter", pace.meter.text)
        member("window", pace.window.text)
        member("allowance", pace.allowance.wire)
        member("used", pace.used.units)
        member("projected", pace.projected?.units)
        member("reachedAt", pace.reachedAt)
        member("endsAt", pace.endsAt)
        endObject()
    }

    package mutating func feature(_ use: FeatureUse, _ feature: String, of subject: SubjectID) {
        beginObject()
        member("subject", subject.text)
        member("feature", feature)
        member("meter", use.meter.text)
        name("allowed")
        boolean(use.isAllowed)
        member("used", use.used.units)
        member("limit", use.limit.wire)
        member("remaining", use.remaining)
        member("resetsAt", use.resetsAt)
        endObject()
    }

    private mutating func quantities(_ name: String, _ quantities: [(String, Quantity)]) {
        self.name(text: name)
        beginObject()
        for (name, quantity) in quantities {
            self.name(text: name)
            integer(quantity.units)
        }
        endObject()
    }
}

/// Members that are `null` where there is no value.
extension JSONWriter {
    mutating func member(_ name: StaticString, _ text: String?) {
        self.name(name)
        if let text { string(text) } else { null() }
    }

    mutating func member(_ name: StaticString, _ number: Int64?) {
        self.name(name)
        if let number { integer(number) } else { null() }
    }

    mutating func member(_ name: StaticString, _ instant: Instant?) {
        self.name(name)
        self.instant(instant)
    }

    mutating func member(_ name: StaticString, _ ratio: Ratio?) {
        self.name(name)
        if let ratio { json(ratio.decimal) } else { null() }
    }
}
