import HTTPTypes

/// Operations of the hot path: may they, count it, and what has happened.
extension OpenAPIOperation {
    static let consuming: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .post, path: "/v1/consume", id: "consume",
            summary: "Check and count in one step",
            description: """
                Counts everything that the event moves, on the subject and on the teams above it, \
                or nothing. The same event id again gets the first answer again. Of several events \
                each is decided in its turn, and has its own result.
                """,
            parameters: [.dryRun, .idempotencyKey],
            body: [("application/json", "Events"), ("application/x-ndjson", "EventLines")],
            answers: [
                OpenAPIAnswer(
                    status: 200,
                    description: "Allowed, and counted. Of several: what became of each.",
                    schema: "ConsumeAnswers", headers: [.rateLimit, .rateLimitPolicy, .replayed])
            ],
            problems: [.insufficientCredits, .forbidden, .conflict, .limitExceeded]),
        OpenAPIOperation(
            method: .post, path: "/v1/check", id: "check",
            summary: "Ask what a consume or a reservation would answer now",
            description: "Changes nothing. An id that was counted is answered as a repeat of it.",
            parameters: [.idempotencyKey], body: [("application/json", "Check")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Allowed or not.", schema: "CheckAnswer")
            ], problems: [.forbidden, .conflict]),
    ]

    static let recording: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .post, path: "/v1/events", id: "recordEvents",
            summary: "Record what has happened",
            description: """
                One event, `{"events":[…]}`, an array, lines of JSON, or CloudEvents 1.0: \
                structured, as a batch, or in binary mode with header fields `ce-…`. Of several \
                events each has its own result, and a mistake in one holds up none of the others.
                """,
            parameters: [.dryRun, .idempotencyKey],
            body: [
                ("application/json", "Events"), ("application/cloudevents+json", "CloudEvent"),
                ("application/cloudevents-batch+json", "EventArray"),
                ("application/x-ndjson", "EventLines"),
            ],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "What became of the events.",
                    schema: "EventsAnswer", headers: [.replayed])
            ],
            problems: [.forbidden, .conflict]),
        OpenAPIOperation(
            method: .get, path: "/v1/events", id: "listAllEvents",
            summary: "Events of all subjects, newest first",
            description: """
                A page may be shorter than count, or empty, while nextCursor says that there is more.
                """,
            parameters: [
                .eventSubject, .eventType, .eventStatus, .eventSession, .from, .until, .count,
                .cursor,
            ],
            answers: [
                OpenAPIAnswer(status: 200, description: "A page of events.", schema: "EventList")
            ]),
        correction("void", "Void", "Take an event back"),
        correction("amend", "Amendment", "Let other quantities count instead"),
    ]

    private static func correction(
        _ verb: String, _ schema: String, _ summary: String
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .post, path: "/v1/events/{event}/\(verb)", id: verb + "Event",
            summary: summary,
            description: "The first fact stays, and the correction stands beside it.",
            parameters: [.event, .author], body: [("application/json", schema)],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Corrected.", schema: "CorrectionAnswer",
                    headers: [.replayed])
            ],
            problems: [.notFound, .conflict])
    }
}
