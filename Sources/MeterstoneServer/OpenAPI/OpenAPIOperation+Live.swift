import HTTPTypes

/// Streams of what happens.
extension OpenAPIOperation {
    static let live: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .get, path: "/v1/subjects/{subject}/live", id: "streamLiveLimits",
            summary: "Where a subject stands with its limits, now and each time that it changes",
            description: stream + " Its data are as `getLimits` answers.",
            parameters: [.subject, lastEventID], answers: [events("limits")]),
        OpenAPIOperation(
            method: .get, path: "/v1/live", id: "streamChanges",
            summary: "Whether anything happened, for whoever shows all of it",
            description: stream + " Its data are `{\"sequence\"}`, the number of the last fact.",
            parameters: [lastEventID], answers: [events("changes")]),
    ]

    private static let stream = """
        Server-Sent Events. Each says how things stand, whole. A comment comes at least every 15 \
        seconds, and the stream ends after ten minutes: ask for the next one.
        """

    private static let lastEventID = OpenAPIParameter(
        place: .header, name: "Last-Event-ID",
        description: "The id of the event that was read last: it is not told again.",
        schema: OpenAPIParameter.headerSchema)

    private static func events(_ name: String) -> OpenAPIAnswer {
        OpenAPIAnswer(
            status: 200, description: "Events with the name `\(name)`.", schema: "Text",
            textTypes: ["text/event-stream"], isJSON: false)
    }
}
