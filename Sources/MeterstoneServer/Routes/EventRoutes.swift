import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Events that report what has happened: one, many as one JSON text, or a stream of lines.
struct EventRoutes: Sendable {
    static let eventsPath = "/v1/events"

    let engine: MeterstoneEngine
    let clock: @Sendable () -> Instant

    private static let mediaTypes = """
        application/json, application/cloudevents+json, application/cloudevents-batch+json or \
        application/x-ndjson
        """

    func add(to routes: inout Routes) {
        routes.on(.post, Self.eventsPath) { request, _ in try await record(request) }
        routes.on(.get, Self.eventsPath) { request, _ in try await list(request) }
    }

    private func list(_ request: Request) async throws -> Response {
        let query = try Query(request)
        let subject = try query.optional("subject", SubjectID.expectation) { SubjectID($0) }
        return try await engine.listEvents(try query.eventFilter(subject: subject), query)
    }

    private func record(_ request: Request) async throws -> Response {
        if request.headers[.cloudEventVersion] != nil || request.headers[.cloudEventID] != nil {
            return try await recordBinary(request)
        }
        let type = MediaTypeName(request.headers[.contentType] ?? "application/json")
        guard type.isUTF8 else { throw Problem.unsupportedMediaType(Self.mediaTypes) }
        if type.isLines { return try await recordLines(request) }
        switch type.text {
        case "application/cloudevents+json":
            return try await recordDocument(request, form: .cloudEvent)
        case "application/cloudevents-batch+json":
            return try await recordDocument(request, form: .cloudEventBatch)
        case "application/json", "text/json":
            return try await recordDocument(request, form: .plain)
        default:
            throw Problem.unsupportedMediaType(Self.mediaTypes)
        }
    }

    // MARK: One event

    /// A CloudEvent in binary mode.
    private func recordBinary(_ request: Request) async throws -> Response {
        let data = try await request.json()
        let isDryRun = try request.isDryRun()
        return try await recordOne(
            try UsageEvent(
                cloudEventHeaders: { name in
                    HTTPField.Name(name).flatMap { request.headers[$0] }
                }, data: data), from: data, isDryRun: isDryRun)
    }

    private func recordOne(
        _ event: UsageEvent, from json: [UInt8], isDryRun: Bool
    ) async throws -> Response {
        try await engine.requireOwn(event)
        let outcomes =
            isDryRun
            ? try await engine.dryRun(recording: [event]) : try await engine.record([event])
        guard let outcome = outcomes.first else { throw Problem.unexplained }
        var headers = HTTPFields()
        switch outcome {
        case .conflict(let id): throw try await engine.conflict(id, event)
        case .rejected(let rejection) where rejection.code != .trackingDisabled:
            throw rejection.naming(json)
        case .duplicate: headers = .replayed
        case .counted, .rejected: break
        }
        var answer = EventsAnswer(isDryRun: isDryRun, listsCounted: true, resultsMax: 1)
        answer.add(
            outcome, at: 0, id: event.id,
            suggestion: try await engine.suggestion(event, outcome))
        return Response(json: answer.json(), headers: headers)
    }

    // MARK: Many events

    private func recordDocument(_ request: Request, form: EventForm) async throws -> Response {
        let isDryRun = try request.isDryRun()
        let json = try await request.bytes(upTo: RequestLimits.eventsBodyBytesMax)
        let max = isDryRun ? RequestLimits.answeredEventsMax : RequestLimits.eventsPerBodyMax
        var document = try EventDocument(json, form: form, max: max)
        let key = try request.headers.idempotencyKey()
        if document.isSingle {
            var event = try document.single()
            if event.id == nil { event.id = key.flatMap { EventID($0) } }
            return try await recordOne(event, from: json, isDryRun: isDryRun)
        }
        var batch = EventBatch(
            .record, isDryRun: isDryRun, engine: engine, key: key,
            listsCounted: isDryRun || document.count <= RequestLimits.listedEventsMax, clock: clock)
        try await batch.add(allOf: document)
        return Response(json: try await batch.finish())
    }

    /// Records a stream while it arrives. A store that fails midway ends it with a problem; what
    /// was recorded stays, and repeating the stream counts nothing twice.
    private func recordLines(_ request: Request) async throws -> Response {
        let isDryRun = try request.isDryRun()
        var lines = try EventLineReader(request, upTo: RequestLimits.eventsBodyBytesMax)
        var batch = EventBatch(
            .record, isDryRun: isDryRun, engine: engine,
            key: try request.headers.idempotencyKey(), listsCounted: isDryRun, clock: clock)
        if isDryRun {
            let events = try await lines.all(upTo: RequestLimits.answeredEventsMax)
            for event in events { try await batch.add(event) }
        } else {
            while let event = try await lines.next(after: batch.committed) {
                let before = batch.committed
                try await batch.add(event)
                if batch.committed > before { BodyMemory.current?.release() }
            }
        }
        return Response(json: try await batch.finish())
    }
}

extension Query {
    /// Which events a list is to show.
    func eventFilter(subject: SubjectID?) throws(Rejection) -> EventFilter {
        let (from, until) = try span()
        return EventFilter(
            subject: subject, type: try name("type"),
            status: try optional("status", EventStatus.expectation) { EventStatus(rawValue: $0) },
            session: try name("session"), from: from, until: until)
    }
}

extension MeterstoneEngine {
    /// A page of the events that a filter lets through.
    func listEvents(_ filter: EventFilter, _ query: Query) async throws -> Response {
        let position = try query.cursor(.allEvents).map { (cursor) throws(Rejection) in
            try cursor.eventListPosition()
        }
        let page = try await events(matching: filter, after: position, count: try query.count())
        return Response(
            Page(page.events, next: page.next.map { Cursor($0) }), Shapes.events)
    }
}
