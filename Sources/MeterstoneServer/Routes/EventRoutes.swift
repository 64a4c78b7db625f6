import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Events that report what has happened: one, many as one JSON text, or a stream of lines.
struct EventRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let mediaTypes = """
        application/json, application/cloudevents+json, application/cloudevents-batch+json or \
        application/x-ndjson
        """

    func add(to routes: inout Routes) {
        routes.on(.post, "/v1/events") { request, _ in try await record(request) }
    }

    private func record(_ request: Request) async throws -> Response {
        if request.headers[.cloudEventVersion] != nil || request.headers[.cloudEventID] != nil {
            return try await recordBinary(request)
        }
        let type = MediaTypeName(request.headers[.contentType] ?? "application/json")
        guard type.isUTF8 else { throw Problem.unsupportedMediaType(Self.mediaTypes) }
        switch type.text {
        case "application/x-ndjson", "application/ndjson", "application/jsonl",
            "application/x-jsonlines", "application/json-lines":
            return try await recordLines(request)
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
        return try await recordOne(
            try UsageEvent(
                cloudEventHeaders: { name in
                    HTTPField.Name(name).flatMap { request.headers[$0] }
                }, data: data), from: data)
    }

    private func recordOne(_ event: UsageEvent, from json: [UInt8]) async throws -> Response {
        guard let outcome = try await engine.record([event]).first else { throw Problem.notFound }
        switch outcome {
        case .conflict(let id): throw try await engine.conflict(id, event)
        case .rejected(let rejection) where rejection.code == .trackingDisabled:
            return answer(outcome, id: event.id)
        case .rejected(let rejection): throw rejection.naming(json)
        case .duplicate: return answer(outcome, headers: .replayed)
        case .counted: return answer(outcome)
        }
    }

    private func answer(
        _ outcome: RecordOutcome, id: EventID? = nil, headers: HTTPFields = HTTPFields()
    ) -> Response {
        var answer = EventsAnswer(listsCounted: true, resultsMax: 1)
        answer.add(outcome, at: 0, id: id)
        return Response(json: answer.json(), headers: headers)
    }

    // MARK: Many events

    private func recordDocument(_ request: Request, form: EventForm) async throws -> Response {
        let json = try await request.bytes(upTo: RequestLimits.eventsBodyBytesMax)
        var document = try EventDocument(json, form: form, max: RequestLimits.eventsPerBodyMax)
        let key = try request.headers.idempotencyKey()
        if document.isSingle {
            var event = try document.single()
            if event.id == nil { event.id = key.flatMap { EventID($0) } }
            return try await recordOne(event, from: json)
        }
        var recording = EventRecording(
            engine: engine, key: key,
            listsCounted: document.count <= RequestLimits.listedEventsMax)
        while let event = document.next() {
            try await recording.add(event)
            // Events that break rules never wait for anything, and others are to have their turn.
            if event.index % RequestLimits.eventsPerTurnMax == 0 { await Task.yield() }
        }
        return Response(json: try await recording.finish())
    }

    /// Records a stream while it arrives. A store that fails midway ends it with a problem; what
    /// was recorded stays, and repeating the stream counts nothing twice.
    private func recordLines(_ request: Request) async throws -> Response {
        var reader = try BodyReader(request, upTo: RequestLimits.eventsBodyBytesMax)
        var recording = EventRecording(
            engine: engine, key: try request.headers.idempotencyKey(), listsCounted: false)
        var lines = EventLines()
        while let buffer = try await reader.next(after: recording.committed) {
            let before = recording.committed
            try BodyMemory.current?.take(buffer.readableBytes)
            lines.append(buffer.readableBytesView)
            while let event = lines.next() { try await recording.add(event) }
            if recording.committed > before { BodyMemory.current?.release() }
        }
        while let event = lines.next(isLast: true) { try await recording.add(event) }
        return Response(json: try await recording.finish())
    }
}

/// Many events on their way into the engine, some thousand with each commit.
private struct EventRecording {
    private let engine: MeterstoneEngine
    private let key: String?
    private var answer: EventsAnswer
    private var waiting: [ReadEvent] = []
    private var events: [UsageEvent] = []
    /// Events that the engine has answered for.
    private(set) var committed = 0

    init(engine: MeterstoneEngine, key: String?, listsCounted: Bool) {
        self.engine = engine
        self.key = key
        answer = EventsAnswer(
            listsCounted: listsCounted, resultsMax: RequestLimits.resultsMax)
    }

    mutating func add(_ read: ReadEvent) async throws {
        let read = read.identified(by: key)
        switch read.event {
        case .success(let event):
            waiting.append(read)
            events.append(event)
            if events.count == RequestLimits.eventsPerCommitMax { try await commit() }
        case .failure(let rejection):
            answer.addRejected(rejection, at: read.index, id: read.id)
        }
    }

    private mutating func commit() async throws {
        guard !events.isEmpty else { return }
        let outcomes = try await engine.record(events)
        for (index, outcome) in outcomes.enumerated() {
            var fields: [String] = []
            if case .conflict = outcome, answer.hasRoom {
                fields = try await engine.differences(of: events[index])
            }
            answer.add(
                outcome, at: waiting[index].index, id: waiting[index].id, differs: fields)
        }
        committed += events.count
        waiting.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
    }

    /// Commits the rest and gives the answer for all.
    consuming func finish() async throws -> [UInt8] {
        try await commit()
        return answer.json()
    }
}
