import ArgumentParser
import MeterstoneAPI
package import MeterstoneCore

/// One usage event, in arguments or as JSON.
package struct EventArguments: ParsableArguments {
    @Argument(
        help: "Who or what uses it.", transform: { try ArgumentText.identifier($0) as SubjectID })
    var subject: SubjectID?

    @Argument(
        help: ArgumentHelp(
            "What is used, and how much of it: prompts or seconds=300.", valueName: "meter[=n]"),
        transform: { try ArgumentText.namedQuantity($0) })
    var quantities: [NamedQuantity] = []

    @Option(
        help: ArgumentHelp(
            "The whole event as JSON, as POST /v1/events takes it.", valueName: "json"))
    var event: String?

    @Option(
        help: "The event id; the same id counts once.",
        transform: { try ArgumentText.eventID($0) })
    var id: EventID?

    @Option(
        help: ArgumentHelp("When it happened (default: now).", valueName: "time"),
        transform: { try ArgumentText.instant($0) })
    var at: Instant?

    @Option(
        help: "The event's type, which moves the meters that match it.",
        transform: { try ArgumentText.name($0) })
    var type: String?

    @Option(help: "A finer type: gpt-4, mp4.", transform: { try ArgumentText.name($0) })
    var subtype: String?

    @Option(help: "success, failed or cancelled.", transform: { try ArgumentText.choice($0) })
    var status: EventStatus = .success

    @Option(
        help: ArgumentHelp("A value to filter on; repeat for more.", valueName: "name=value"),
        transform: { try ArgumentText.dimension($0) })
    var dimension: [Dimension] = []

    @Option(help: ArgumentHelp("How long the operation took.", valueName: "milliseconds"))
    var durationMs: Int64?

    @Option(help: ArgumentHelp("What it cost, in millionths.", valueName: "millionths"))
    var costMillionths: Int64?

    @Option(help: ArgumentHelp("What went wrong.", valueName: "text"))
    var errorMessage: String?

    @Option(
        help: ArgumentHelp("The project it belongs to.", valueName: "id"),
        transform: { try ArgumentText.name($0) })
    var project: String?

    @Option(
        help: ArgumentHelp("The scene it belongs to.", valueName: "id"),
        transform: { try ArgumentText.name($0) })
    var scene: String?

    @Option(
        help: ArgumentHelp("The session it belongs to.", valueName: "id"),
        transform: { try ArgumentText.name($0) })
    var session: String?

    @Option(
        help: ArgumentHelp("Where event ids are unique.", valueName: "text"),
        transform: { try ArgumentText.name($0) })
    var source: String?

    @Option(
        help: ArgumentHelp(
            "A further subject that it counts for; repeat for more.", valueName: "subject"),
        transform: { try ArgumentText.identifier($0) as SubjectID })
    var level: [SubjectID] = []

    package init() {}

    package func validate() throws {
        switch (subject, event) {
        case (nil, nil): throw ValidationError("Missing expected argument '<subject>'")
        case (_?, _?): throw ValidationError("--event holds the whole event; leave <subject> out")
        case (nil, _?):
            guard id == nil, at == nil, !hasDetails else {
                throw ValidationError("--event holds the whole event; leave other options out")
            }
        default: break
        }
    }

    /// - Parameter isNamed: whether something else says what is used: the name of a limit or a feature.
    package func usageEvent(isNamed: Bool = false) throws(Rejection) -> UsageEvent {
        if let event { return try UsageEvent(json: Array(event.utf8).withoutByteOrderMark) }
        guard let subject else {
            throw Rejection(code: .missingField, field: "subject", message: "missing")
        }
        guard isNamed || !quantities.isEmpty || type != nil else {
            throw .missing("quantities", "a meter or --type")
        }
        return UsageEvent(
            id: id, subject: subject, occurredAt: at, quantities: Quantities(quantities),
            details: hasDetails ? details : nil)
    }

    private var hasDetails: Bool {
        details != .none
    }

    private var details: EventDetails {
        EventDetails(
            source: source, type: type, subtype: subtype, status: status,
            durationMilliseconds: durationMs, errorMessage: errorMessage,
            cost: costMillionths.map { Money(millionths: $0) }, project: project, scene: scene,
            session: session, dimensions: dimension, levels: level)
    }
}
