package import MeterstoneCore

/// A piece of a store on its way into another one.
///
/// Stores keep the same facts in the same encodings, and refer to subjects, facts, names, limits and
/// series by the same numbers. So a copy takes rows as they are. Counters and the index of event ids
/// do not travel: the store that is filled computes them from the events.
public struct StorePart: Sendable {
    /// Rows in one part, at most: what a copy keeps in memory at once.
    package static let rowsMax = 20_000

    package enum Content: Sendable {
        /// Comes first, and once.
        case opening(Opening)
        case subjects([StoredSubject])
        /// Rows that point from a team to the usage of one below it included.
        case events([EventRow])
        case entries([EntryRow])
        case changes([ChangeRecord])
    }

    /// What everything else refers to.
    package struct Opening: Sendable {
        package let blueprint: Blueprint
        package let registry: Registry
        /// Which calendar the counters of subjects follow that name no time zone.
        package let defaultTimeZone: String
        /// The UTC days on which something is stored, ascending: stores that keep months apart make
        /// them ready first.
        package let days: [Int64]
        /// What was archived of it.
        package let archive: ArchiveLog?

        package init(
            _ catalog: Catalog, defaultTimeZone: String, days: [Int64], archive: ArchiveLog?
        ) {
            self.archive = archive
            blueprint = catalog.blueprint
            registry = catalog.registry
            self.defaultTimeZone = defaultTimeZone
            self.days = days
        }
    }

    package let content: Content

    package init(_ content: Content) {
        self.content = content
    }
}

extension Blueprint {
    /// Each part as its row in `catalog` tells it: kind, key and JSON.
    package func rows() throws(StoreError) -> [(kind: String, key: String, body: String)] {
        var rows: [(kind: String, key: String, body: String)] = []
        for meter in meters { rows.append(("meter", meter.key.text, try JSONText(meter).text)) }
        for plan in plans { rows.append(("plan", plan.key.text, try JSONText(plan).text)) }
        for limit in limits { rows.append(("limit", limit.key.text, try JSONText(limit).text)) }
        if let credits { rows.append(("creditPolicy", "credits", try JSONText(credits).text)) }
        if let statistics {
            rows.append(("statisticsPolicy", "statistics", try JSONText(statistics).text))
        }
        if let switches { rows.append(("switches", "switches", try JSONText(switches).text)) }
        for model in models { rows.append(("model", model.key.text, try JSONText(model).text)) }
        for key in keys { rows.append(("key", key.key.text, try JSONText(key).text)) }
        for alert in alerts { rows.append(("alert", alert.key.text, try JSONText(alert).text)) }
        for webhook in webhooks {
            rows.append((Webhook.kind, webhook.key.text, try JSONText(webhook).text))
        }
        for administrator in administrators {
            let body = try JSONText(administrator).text
            rows.append(("administrator", administrator.email.text, body))
        }
        for session in sessions {
            rows.append(("session", session.id.text, try JSONText(session).text))
        }
        if let uses { rows.append(("uses", "access", try JSONText(uses).text)) }
        for closed in closedMonths {
            rows.append((ClosedMonth.kind, closed.month.text, try JSONText(closed).text))
        }
        return rows
    }

    /// Takes in a row of `catalog`.
    package mutating func add(kind: String, body: String) throws(StoreError) {
        let body = JSONText(text: body)
        switch kind {
        case "meter": meters.append(try body.decoded(as: Meter.self))
        case "plan": plans.append(try body.decoded(as: Plan.self))
        case "limit": limits.append(try body.decoded(as: Limit.self))
        case "creditPolicy": credits = try body.decoded(as: CreditPolicy.self)
        case "statisticsPolicy": statistics = try body.decoded(as: StatisticsPolicy.self)
        case "switches": switches = try body.decoded(as: Switches.self)
        case "model": models.append(try body.decoded(as: Model.self))
        case "key": keys.append(try body.decoded(as: APIKey.self))
        case "alert": alerts.append(try body.decoded(as: Alert.self))
        case Webhook.kind: webhooks.append(try body.decoded(as: Webhook.self))
        case "administrator": administrators.append(try body.decoded(as: Administrator.self))
        case "session": sessions.append(try body.decoded(as: AdministratorSession.self))
        case "uses": uses = try body.decoded(as: AccessUses.self)
        case ClosedMonth.kind: closedMonths.append(try body.decoded(as: ClosedMonth.self))
        default:
            throw StoreError(code: .corrupt, message: "the catalog has a row of kind '\(kind)'")
        }
    }
}

extension InspectionSource {
    /// Visits every subject, in parts.
    package func getSubjectExports(
        _ visit: (StorePart) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last: SubjectID?
        while true {
            let subjects = try subjects(after: last, count: StorePart.rowsMax)
            guard let next = subjects.last?.profile.id else { return }
            try visit(StorePart(.subjects(subjects)))
            last = next
        }
    }

    /// Visits every ledger entry, in parts, by subject and sequence.
    package func exportEntries(
        _ visit: (StorePart) throws(StoreError) -> Void
    ) throws(StoreError) {
        var rows: [EntryRow] = []
        try scanEntries(pass: 0, of: 1) { (subject, fact) throws(StoreError) in
            rows.append(try EntryRow(subject: subject, fact))
            guard rows.count == StorePart.rowsMax else { return }
            try visit(StorePart(.entries(rows)))
            rows.removeAll(keepingCapacity: true)
        }
        if !rows.isEmpty { try visit(StorePart(.entries(rows))) }
    }

    /// Visits every event, in parts, in the order in which the source scans them.
    package func exportEvents(
        _ visit: (StorePart) throws(StoreError) -> Void
    ) throws(StoreError) {
        var rows: [EventRow] = []
        try scan(days: Int64.min...Int64.max) { (day, subject, fact) throws(StoreError) in
            rows.append(
                EventRow(
                    location: EventLocation(day: day, subject: subject, sequence: fact.sequence),
                    body: fact.body))
            guard rows.count == StorePart.rowsMax else { return }
            try visit(StorePart(.events(rows)))
            rows.removeAll(keepingCapacity: true)
        }
        if !rows.isEmpty { try visit(StorePart(.events(rows))) }
    }
}
