package import MeterstoneCore

extension Shapes {
    /// What became of events that have happened.
    package static let eventsAnswer = Shape<EventsAnswer>(
        "EventsAnswer",
        [
            dryRun,
            Member("counted", .integer(from: 0), \.counted, "How many were counted."),
            Member(
                "duplicate", .integer(from: 0), \.duplicate, "How many had been counted before."),
            Member(
                "conflict", .integer(from: 0), \.conflict,
                "How many have the id of another event."),
            Member("rejected", .integer(from: 0), \.rejected, "How many break a rule."),
            notRecorded,
            Member(
                maybe: "omitted", .integer(from: 1), { $0.omitted > 0 ? $0.omitted : nil },
                "How many results are not listed."),
            Member("results", .results([eventResult.definition]), \.results),
        ])

    /// What became of events that were to happen if the limits allow it.
    package static let consumesAnswer = Shape<EventsAnswer>(
        "ConsumesAnswer",
        [
            dryRun,
            Member("counted", .integer(from: 0), \.counted, "How many were allowed and counted."),
            Member(
                "duplicate", .integer(from: 0), \.duplicate, "How many were answered before."),
            Member("denied", .integer(from: 0), \.denied, "How many were refused."),
            Member(
                "conflict", .integer(from: 0), \.conflict,
                "How many have the id of another event."),
            Member("rejected", .integer(from: 0), \.rejected, "How many break a rule."),
            notRecorded,
            Member(
                "results", .results([decidedResult.definition, refusedResult.definition]),
                \.results, "One for each event, in their order."),
        ])

    private static let dryRun = Member<EventsAnswer>(
        maybe: "dryRun", .always(true), { $0.isDryRun ? true : nil }, nothingRecorded)

    static let nothingRecorded = "This is what would be answered: nothing was recorded."

    private static let notRecorded = Member<EventsAnswer>(
        maybe: "notRecorded", .integer(from: 1), { $0.notRecorded > 0 ? $0.notRecorded : nil },
        "How many were not recorded since tracking is off.")
}

extension Shapes {
    /// Of an event that was reported.
    static let eventResult = Shape<EventResult>(
        placed(.counted, .duplicate, .conflict, .rejected, .notRecorded)
            + [moved, adjusted, suggestion, error])

    /// Of a consume that was decided.
    static let decidedResult = Shape<DecidedResult>(
        Shape(placed(.counted, .duplicate, .denied, .notRecorded)).members(of: \.event)
            + checked.members(of: \.answer))

    /// Of a consume that could not be decided; written as an ``eventResult``.
    private static let refusedResult = Shape<EventResult>(
        placed(.conflict, .rejected) + [moved, error])

    /// Of an event that came alone.
    package static let recorded = Shape<EventResult>(
        identified(.counted, .duplicate, .notRecorded) + [moved, adjusted])

    private static func placed(_ verdicts: EventVerdict...) -> [Member<EventResult>] {
        [Member("index", .integer(from: 0), { Int64($0.index) }, "Its place, from 0.")]
            + identified(verdicts)
    }

    private static func identified(_ verdicts: EventVerdict...) -> [Member<EventResult>] {
        identified(verdicts)
    }

    private static func identified(_ verdicts: [EventVerdict]) -> [Member<EventResult>] {
        [
            Member("id", Wire<EventID>.name.orNull, \.id),
            Member(
                "status", .oneOf(verdicts.map(\.rawValue)), \.verdict.rawValue,
                "What became of it."),
        ]
    }

    private static let moved = Member<EventResult>("moved", .keys, \.moved, movedSentence)

    private static let adjusted = Member<EventResult>(
        maybe: "adjustment", adjustment.wire, \.adjustment, adjustmentSentence)

    private static let suggestion = Member<EventResult>(
        maybe: "suggestion", .text, \.suggestion, "What may help when no meter counts it.")

    static let movedSentence = "The meters that it moves: none when nothing counts it."

    private static let error = Member<EventResult>(
        maybe: "error", resultError.wire, \.error, "Why it was not counted.")

    private static let resultError = Shape<ResultError>([
        Member("code", .text, \.code), Member("field", .text, \.field),
        Member("detail", .text, \.detail),
    ])
}

/// What a subject used of features, told at once.
package struct UsageResult: Sendable {
    /// `nil`: usage is not recorded.
    package var id: EventID?
    package var isDuplicate: Bool
    package var moved: [MeterKey]

    package init(_ id: EventID?, isDuplicate: Bool, moved: [MeterKey]) {
        self.id = id
        self.isDuplicate = isDuplicate
        self.moved = moved
    }
}

extension Shapes {
    package static let recordedUsage = Shape<UsageResult>(
        "RecordedUsage",
        [
            Member("eventId", Wire<EventID>.name.orNull, \.id, "Null when nothing is recorded."),
            Member("counted", .flag, { $0.id != nil }, "Whether usage is recorded."),
            Member("duplicate", .flag, \.isDuplicate, "Whether it was told before."),
            Member("moved", .keys, \.moved, movedSentence),
        ])
}

extension Wire<[MeterKey]> {
    static var keys: Wire { Wire<MeterKey>.key.list() }
}

extension Wire<[UInt8]> {
    /// Results that are JSON already, and of one of these schemas.
    fileprivate static func results(_ schemas: [String]) -> Wire {
        let items =
            schemas.count == 1 ? schemas[0] : #"{"anyOf":[\#(schemas.joined(separator: ","))]}"#
        return Wire(.type("array", #","items":\#(items)"#)) { $1.json($0) }
    }
}
