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
            Member("quantities", .quantities, \.event.quantities, "What counts of it now."),
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
                maybe: "reservation", Shapes.standing.wire, \.reservation,
                "Where it stands, if it is or was a reservation."),
            Member(maybe: "credits", Shapes.charge.wire, \.credits),
            Member("voided", .flag, \.isVoided, "Whether it was taken back."),
            Member(
                "corrections", Shapes.correction.wire.list(), \.corrections,
                "Oldest first."),
        ])
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
    fileprivate static let standing = Shape<Reservation>([
        Member("status", .choice, \.status), Member("expiresAt", .instant, \.expiresAt),
    ])
}

extension Shapes {
    fileprivate static let correction = Shape<CorrectionNote>([
        Member("kind", .oneOf(["void", "amend"]), \.kind.rawValue),
        Member("author", .text, \.author), Member("reason", .text, \.reason),
        Member("recordedAt", .instant, \.recordedAt),
    ])
}

extension Shapes {
    package static let events = page("EventList", "events", of: event)
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
        ])
}

extension Shapes {
    fileprivate static let usagePoint = Shape<UsageSeries.Point>([
        Member("from", .instant, \.from), Member("until", .instant, \.until, "Not included."),
        Member("quantity", .units, \.quantity),
    ])
}
