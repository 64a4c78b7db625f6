package import MeterstoneCore

extension Shapes {
    /// An event as it stands in a list: the fact, and what was corrected since.
    package static let event = Shape<RecordedEvent>(
        "RecordedEvent",
        [
            Member("id", Wire<EventID>.name.orNull, \.event.id),
            Member("subject", .name, \.event.subject),
            Member(maybe: "type", .name, \.event.details?.type),
            Member(
                "occurredAt", Wire<Instant>.instant.orNull, \.event.occurredAt, "When it happened."),
            Member("recordedAt", .instant, \.recordedAt, "When it was told."),
            Member(maybe: "adjustment", adjustment.wire, \.adjustment, adjustmentSentence),
            Member("quantities", .quantities, \.event.quantities, "What counts of it now."),
            Member(
                "moved", Wire<MeterKey>.key.list(), \.moved,
                "Which meters count it, by the rules as they are."),
            Member("status", .choice, { $0.details.status }, "How it ended."),
            Member(maybe: "subtype", .name, \.event.details?.subtype),
            Member(
                maybe: "durationMs", .quantity, \.event.details?.durationMilliseconds,
                "How long it took, in milliseconds."),
            Member(
                maybe: "costMillionths", .quantity, \.event.details?.cost?.millionths,
                "What it cost you, in millionths of the currency unit."),
            Member(maybe: "errorMessage", .text, \.event.details?.errorMessage),
            Member(maybe: "project", .name, \.event.details?.project),
            Member(maybe: "scene", .name, \.event.details?.scene),
            Member(maybe: "session", .name, \.event.details?.session),
            Member(
                maybe: "source", .name, \.event.details?.source, "Whose ids its id is one of."),
            Member(
                maybe: "dimensions", Wire<String>.text.byName(), { $0.dimensions },
                "What usage is told apart by."),
            Member(
                maybe: "properties", .json(.type("object")), \.event.details?.properties,
                "What else was told."),
            Member(
                maybe: "levels", Wire<SubjectID>.name.list(),
                { $0.details.levels.isEmpty ? nil : $0.details.levels },
                "Further subjects that it counts for."),
            Member(
                maybe: "reservation", Shapes.standing.wire,
                { $0.reservation.map { Standing(status: $0.status, expiresAt: $0.expiresAt) } },
                "Where it stands, if it is or was a reservation."),
            Member(maybe: "credits", Shapes.charge.wire, \.credits),
            Member("voided", .flag, \.isVoided, "Whether it was taken back."),
            Member(
                "corrections", Shapes.correction.wire.list(), \.corrections,
                "Oldest first."),
        ]
    ) { fields throws(WireMismatch) in try RecordedEvent(fields) }
}

extension RecordedEvent {
    fileprivate init(_ fields: WireFields) throws(WireMismatch) {
        let id: EventID? = try fields("id")
        let quantities: Quantities = try fields("quantities")
        let dimensions: [String: String] = try fields("dimensions") ?? [:]
        let properties: WireJSON? = try fields("properties")
        let cost: Int64? = try fields("costMillionths")
        let details = EventDetails(
            source: try fields("source"), type: try fields("type"),
            subtype: try fields("subtype"), status: try fields("status"),
            durationMilliseconds: try fields("durationMs"),
            errorMessage: try fields("errorMessage"), cost: cost.map { Money(millionths: $0) },
            project: try fields("project"), scene: try fields("scene"),
            session: try fields("session"),
            dimensions: dimensions.map { Dimension(name: $0.key, value: $0.value) },
            properties: properties?.text,
            levels: try fields("levels") ?? [])
        let event = UsageEvent(
            id: id, subject: try fields("subject"), occurredAt: try fields("occurredAt"),
            quantities: quantities, details: details == .none ? nil : details)
        let recordedAt: Instant = try fields("recordedAt")
        let standing = try fields("reservation", maybe: Shapes.standing)
        // Its place among all facts and the terms of a reservation are not told in lists.
        self.init(
            event: event, sequence: 0, recordedAt: recordedAt,
            corrections: try fields("corrections", listOf: Shapes.correction),
            reservation: standing.map {
                Reservation(
                    id: id ?? .text("?"), source: details.source, subject: event.subject,
                    quantities: quantities, reported: nil, status: $0.status,
                    terms: ReservationTerms(), reservedAt: recordedAt, expiresAt: $0.expiresAt,
                    closedAt: nil)
            }, credits: try fields("credits", maybe: Shapes.charge),
            adjustment: try fields("adjustment", maybe: Shapes.adjustment),
            // A server of an earlier version does not say it.
            moved: try fields("moved") ?? [])
    }
}

extension RecordedEvent {
    fileprivate var details: EventDetails { event.details ?? .none }

    fileprivate var dimensions: [(name: String, value: String)]? {
        guard !details.dimensions.isEmpty else { return nil }
        return details.dimensions.map { ($0.name, $0.value) }
    }
}

extension Shapes {
    /// The event says what counts; of the reservation, where it stands is left to say.
    fileprivate static let standing = Shape<Standing>([
        Member("status", .choice, \.status), Member("expiresAt", .instant, \.expiresAt),
    ]) { fields throws(WireMismatch) in
        Standing(status: try fields("status"), expiresAt: try fields("expiresAt"))
    }
}

private struct Standing {
    let status: ReservationStatus
    let expiresAt: Instant
}

extension Shapes {
    fileprivate static let correction = Shape<CorrectionNote>([
        Member("kind", .oneOf(["void", "amend"]), \.kind.rawValue),
        Member("author", .text, \.author), Member("reason", .text, \.reason),
        Member("recordedAt", .instant, \.recordedAt),
    ]) { fields throws(WireMismatch) in
        CorrectionNote(
            kind: try fields("kind"), author: try fields("author"), reason: try fields("reason"),
            recordedAt: try fields("recordedAt"))
    }
}

extension Shapes {
    package static let events = page("EventList", "events", .events, of: event)
}

/// Usage of a subject, window by window.
package struct UsageAnswer: Sendable {
    package var subject: SubjectID
    package var series: UsageSeries

    package init(_ subject: SubjectID, _ series: UsageSeries) {
        self.subject = subject
        self.series = series
    }
}

extension Shapes {
    package static let usage = Shape<UsageAnswer>(
        "Usage",
        [
            Member("subject", .name, \.subject),
            Member("meter", .key, \.series.meter),
            Member("window", .ofUsage, \.series.window, "How long each point is."),
            Member(
                "timeZone", .text, \.series.timeZone, "The zone whose calendar cuts windows."),
            Member(
                "points", Shapes.usagePoint.wire.list(), \.series.points,
                "Oldest first."),
        ]
    ) { fields throws(WireMismatch) in
        UsageAnswer(
            try fields("subject"),
            UsageSeries(
                meter: try fields("meter"), window: try fields("window"),
                timeZone: try fields("timeZone"),
                points: try fields("points", listOf: usagePoint)))
    }
}

extension Shapes {
    fileprivate static let usagePoint = Shape<UsageSeries.Point>([
        Member("from", .instant, \.from), Member("until", .instant, \.until, "Not included."),
        Member("quantity", .units, \.quantity),
    ]) { fields throws(WireMismatch) in
        UsageSeries.Point(
            from: try fields("from"), until: try fields("until"),
            quantity: try fields("quantity"))
    }
}
