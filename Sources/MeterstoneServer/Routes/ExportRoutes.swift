import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import NIOCore

/// Everything that is stored about a subject, as one archive: lines of JSON, each with its kind, packed.
struct ExportRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let itemsAtOnce = 500

    func add(to routes: inout Routes) {
        routes.on(.get, "/v1/subjects/:subject/export") { _, context in
            let subject = try await engine.existingSubject(context)
            return try await export(subject)
        }
    }

    private func export(_ subject: Subject) async throws -> Response {
        let id = subject.id
        // What fails here is told as a problem; later the connection ends early, and so does the gzip.
        let opening = try await opening(of: subject)
        let engine = engine
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/gzip",
                .contentDisposition: #"attachment; filename="subject.ndjson.gz""#,
            ],
            body: ResponseBody { writer in
                let gzip = GzipEncoder()
                var packed = gzip.packed(opening)
                if !packed.isEmpty { try await writer.write(ByteBuffer(bytes: packed)) }
                var events: EventCursor?
                repeat {
                    let page = try await engine.events(
                        of: id, before: events, count: Self.itemsAtOnce)
                    packed = gzip.packed(Self.lines("event", page.events, Shapes.event))
                    if !packed.isEmpty { try await writer.write(ByteBuffer(bytes: packed)) }
                    events = page.next
                } while events != nil
                var entries: Int64?
                repeat {
                    let page = try await engine.ledger(
                        of: id, before: entries, count: Self.itemsAtOnce)
                    packed = gzip.packed(Self.lines("creditEntry", page.entries, Shapes.entry))
                    if !packed.isEmpty { try await writer.write(ByteBuffer(bytes: packed)) }
                    entries = page.next
                } while entries != nil
                let filter = ChangeFilter(subject: id)
                var last: Int64?
                repeat {
                    let page = try await engine.changes(
                        filter, before: last, count: Self.itemsAtOnce)
                    packed = gzip.packed(Self.lines("change", page, Shapes.change))
                    if !packed.isEmpty { try await writer.write(ByteBuffer(bytes: packed)) }
                    last = page.count == Self.itemsAtOnce ? page.last?.sequence : nil
                } while last != nil
                packed = gzip.packed([], isLast: true)
                try await writer.write(ByteBuffer(bytes: packed))
                try await writer.finish(nil)
            })
    }

    /// What comes first: the profile with the account, keys, limits and totals.
    private func opening(of subject: Subject) async throws -> [UInt8] {
        let id = subject.id
        let json = try encoded(subject)
        let times = try await engine.times(of: .subject(id))
        var lines = Self.line("subject", times?.adding(to: json) ?? json)
        let aliases = try await engine.aliases(of: id) ?? []
        lines += Self.lines("aliases", [aliases], Shapes.aliases)
        lines += Self.lines(
            "subscription", try await engine.subscriptions(of: id) ?? [], Shapes.subscriptionPeriod)
        let limits = SubjectLimits(id, try await engine.limits(of: id))
        lines += Self.lines("limits", [limits], Shapes.limits)
        if let lifetime = try await engine.lifetime(of: id) {
            lines += Self.lines("lifetime", [lifetime], Shapes.lifetime)
        }
        return lines
    }

    private static func lines<Value>(
        _ kind: String, _ values: some Sequence<Value>, _ shape: Shape<Value>
    ) -> [UInt8] {
        values.flatMap { value in
            var writer = JSONWriter()
            writer.object(value, shape)
            return line(kind, writer.bytes)
        }
    }

    private static func line(_ kind: String, _ json: [UInt8]) -> [UInt8] {
        Array(#"{"kind":"\#(kind)","value":"#.utf8) + json + Array("}\n".utf8)
    }
}

extension OpenAPIOperation {
    static let exports: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .get, path: "/v1/subjects/{subject}/export", id: "getSubjectExport",
            summary: "Everything that is stored about a subject, as one archive",
            description:
                "Lines of JSON, packed with gzip; each has a `kind` and a `value` in the form of its own path.",
            parameters: [.subject],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "The archive.", schema: "Text",
                    textTypes: ["application/gzip"], isJSON: false, headers: [.contentDisposition])
            ],
            problems: [.notFound])
    ]
}
