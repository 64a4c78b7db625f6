import MeterstoneCore

/// The tables that people query. What stands in them is told in docs/reference/mirror.md.
package enum MirrorTables {
    package static let all = [
        state, events, corrections, usage, days, subjects, subscriptions, overrides, meters,
        usageTypes,
        plans, limits, allowances, limitSubjects, ledger, changes,
    ]

    /// The name of the index that is made last.
    package static var lastIndex: String {
        all.last { !$0.indexes.isEmpty }.flatMap { table in
            table.indexes.last.map { table.name(ofIndex: $0) }
        } ?? ""
    }

    /// One row: how far the mirror is, and what it has been made by.
    package static let state = MirrorTable(
        "mirror_state",
        [
            MirrorColumn("id", .integer), MirrorColumn("version", .integer),
            MirrorColumn("watermark", .integer), MirrorColumn("last_fact", .text),
            MirrorColumn("default_time_zone", .text), MirrorColumn("updated_at", .instant),
        ], key: ["id"])

    package static let events = MirrorTable(
        "events",
        [
            MirrorColumn("sequence", .integer), MirrorColumn("id", .text),
            MirrorColumn("source", .text), MirrorColumn("subject", .text),
            MirrorColumn("subject_number", .integer), MirrorColumn("teams", .json),
            MirrorColumn("type", .text), MirrorColumn("subtype", .text),
            MirrorColumn("status", .text), MirrorColumn("occurred_at", .instant),
            MirrorColumn("occurred_ms", .integer), MirrorColumn("recorded_at", .instant),
            MirrorColumn("duration_ms", .integer), MirrorColumn("error_message", .text),
            MirrorColumn("project", .text), MirrorColumn("scene", .text),
            MirrorColumn("session", .text), MirrorColumn("cost_billionths", .integer),
            MirrorColumn("plan", .text), MirrorColumn("credits", .integer),
            MirrorColumn("quantities", .json), MirrorColumn("dimensions", .json),
            MirrorColumn("properties", .json), MirrorColumn("overages", .json),
            MirrorColumn("reservation", .text), MirrorColumn("closed_at", .instant),
            MirrorColumn("counts", .boolean), MirrorColumn("counts_when_aborted", .boolean),
            MirrorColumn("voided", .boolean),
            MirrorColumn("corrected_at", .instant), MirrorColumn("corrected_by", .text),
            MirrorColumn("correction_reason", .text),
        ], key: ["sequence"],
        indexes: [["subject", "occurred_at"], ["type", "occurred_at"]])

    package static let corrections = MirrorTable(
        "corrections",
        [
            MirrorColumn("sequence", .integer), MirrorColumn("event_sequence", .integer),
            MirrorColumn("event_id", .text), MirrorColumn("subject", .text),
            MirrorColumn("subject_number", .integer), MirrorColumn("kind", .text),
            MirrorColumn("author", .text), MirrorColumn("reason", .text),
            MirrorColumn("recorded_at", .instant), MirrorColumn("quantities_before", .json),
            MirrorColumn("quantities_after", .json),
        ], key: ["sequence"], indexes: [["event_sequence"]])

    /// What each event adds to each meter, for its subject and for each team above.
    package static let usage = MirrorTable(
        "usage",
        [
            MirrorColumn("sequence", .integer), MirrorColumn("meter", .text),
            MirrorColumn("level", .integer), MirrorColumn("subject", .text),
            MirrorColumn("subject_number", .integer), MirrorColumn("day", .date),
            MirrorColumn("occurred_at", .instant), MirrorColumn("occurred_ms", .integer),
            MirrorColumn("subtype", .text), MirrorColumn("quantity", .integer),
            MirrorColumn("value", .text),
        ], key: ["sequence", "meter", "level"],
        indexes: [["subject", "meter", "day"], ["day", "meter"]])

    /// When each day on which something was used begins and ends, in each zone.
    package static let days = MirrorTable(
        "days",
        [
            MirrorColumn("zone", .text), MirrorColumn("day", .date),
            MirrorColumn("starts_at", .instant), MirrorColumn("ends_at", .instant),
        ], key: ["zone", "day"])

    package static let subjects = MirrorTable(
        "subjects",
        [
            MirrorColumn("number", .integer), MirrorColumn("id", .text),
            MirrorColumn("name", .text), MirrorColumn("parent", .text),
            MirrorColumn("time_zone", .text), MirrorColumn("calendar", .text),
            MirrorColumn("plan", .text), MirrorColumn("blocked", .boolean),
            MirrorColumn("metadata", .json), MirrorColumn("email", .text),
            MirrorColumn("image", .text), MirrorColumn("external_ids", .json),
            MirrorColumn("active", .boolean), MirrorColumn("last_login_at", .instant),
            MirrorColumn("preferences", .json), MirrorColumn("variables", .json),
            MirrorColumn("created_at", .instant), MirrorColumn("updated_at", .instant),
        ], key: ["number"], indexes: [["id"]])

    /// What each subject is subscribed to now, and what is scheduled.
    package static let subscriptions = MirrorTable(
        "subscriptions",
        [
            MirrorColumn("subject_number", .integer), MirrorColumn("place", .integer),
            MirrorColumn("subject", .text), MirrorColumn("plan", .text),
            MirrorColumn("status", .text), MirrorColumn("starts_at", .instant),
            MirrorColumn("expires_at", .instant), MirrorColumn("gives_plan_until", .instant),
            MirrorColumn("gives_plan", .boolean), MirrorColumn("is_scheduled", .boolean),
            MirrorColumn("external_ids", .json), MirrorColumn("metadata", .json),
        ], key: ["subject_number", "place"], indexes: [["subject"]])

    package static let overrides = MirrorTable(
        "subject_overrides",
        [
            MirrorColumn("subject_number", .integer), MirrorColumn("limit_key", .text),
            MirrorColumn("subject", .text), MirrorColumn("allowance", .integer),
        ], key: ["subject_number", "limit_key"], indexes: [["subject"]])

    package static let meters = MirrorTable(
        "meters",
        [
            MirrorColumn("key", .text), MirrorColumn("aggregation", .text),
            MirrorColumn("unit", .text), MirrorColumn("description", .text),
            MirrorColumn("definition", .json),
        ], key: ["key"])

    /// What usage is called in the tables of applications: the meter's key, and the type of its events.
    package static let usageTypes = MirrorTable(
        "usage_types",
        [MirrorColumn("usage_type", .text), MirrorColumn("meter", .text)], key: ["usage_type"],
        indexes: [["meter"]])

    package static let plans = MirrorTable(
        "plans",
        [
            MirrorColumn("key", .text), MirrorColumn("name", .text), MirrorColumn("rank", .integer),
            MirrorColumn("is_default", .boolean), MirrorColumn("price_millionths", .integer),
            MirrorColumn("billing_period", .text), MirrorColumn("description", .text),
            MirrorColumn("features", .json), MirrorColumn("definition", .json),
        ], key: ["key"])

    package static let limits = MirrorTable(
        "limits",
        [
            MirrorColumn("key", .text), MirrorColumn("meter", .text), MirrorColumn("period", .text),
            MirrorColumn("mode", .text), MirrorColumn("active", .boolean),
            MirrorColumn("default_allowance", .integer), MirrorColumn("description", .text),
            MirrorColumn("definition", .json),
        ], key: ["key"])

    package static let allowances = MirrorTable(
        "limit_allowances",
        [
            MirrorColumn("limit_key", .text), MirrorColumn("plan", .text),
            MirrorColumn("allowance", .integer),
        ], key: ["limit_key", "plan"])

    /// Whom a limit is for: `matching` is the pattern as GLOB in SQLite and LIKE in PostgreSQL take it.
    package static let limitSubjects = MirrorTable(
        "limit_subjects",
        [
            MirrorColumn("limit_key", .text), MirrorColumn("pattern", .text),
            MirrorColumn("taken", .boolean), MirrorColumn("matching", .text),
        ], key: ["limit_key", "pattern"])

    package static let ledger = MirrorTable(
        "ledger",
        [
            MirrorColumn("sequence", .integer), MirrorColumn("subject", .text),
            MirrorColumn("subject_number", .integer), MirrorColumn("kind", .text),
            MirrorColumn("amount", .integer), MirrorColumn("balance_after", .integer),
            MirrorColumn("spent", .integer), MirrorColumn("earned", .integer),
            MirrorColumn("source", .text), MirrorColumn("recurrence", .text),
            MirrorColumn("reference", .text), MirrorColumn("note", .text),
            MirrorColumn("author", .text), MirrorColumn("occurred_at", .instant),
            MirrorColumn("recorded_at", .instant),
        ], key: ["sequence"], indexes: [["subject", "sequence"]])

    /// Whose rows name a subject by key and by number.
    package static let ofSubjects = [events, corrections, usage, ledger]

    /// What may tell of a person, beside who it is.
    package static let texts: [(MirrorTable, [String])] = [
        (
            events,
            [
                "id", "error_message", "project", "scene", "session", "dimensions", "properties",
                "corrected_by", "correction_reason",
            ]
        ),
        (corrections, ["event_id", "author", "reason"]),
        (usage, ["value"]),
        (ledger, ["reference", "note", "author"]),
    ]

    /// Kinds of changes that are about one subject, as SQL.
    package static let kindsOfSubjects = ChangeEntry.subjectKinds.map { "'\($0)'" }
        .joined(separator: ", ")

    package static let changes = MirrorTable(
        "changes",
        [
            MirrorColumn("sequence", .integer), MirrorColumn("recorded_at", .instant),
            MirrorColumn("author", .text), MirrorColumn("kind", .text), MirrorColumn("key", .text),
            MirrorColumn("before", .json), MirrorColumn("after", .json),
        ], key: ["sequence"], indexes: [["kind", "key"]])
}
