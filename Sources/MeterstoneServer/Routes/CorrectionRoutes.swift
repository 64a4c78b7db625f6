import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Events taken back, or put right. The first fact stays, and the correction is a fact beside it.
struct CorrectionRoutes: Sendable {
    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        routes.on(.post, "/v1/events/:event/void") { request, context in
            try await correct(request, context) { (json) throws(Rejection) in
                try CorrectionBody.voiding(json)
            }
        }
        routes.on(.post, "/v1/events/:event/amend") { request, context in
            try await correct(request, context) { (json) throws(Rejection) in
                try CorrectionBody.amending(json)
            }
        }
    }

    /// A correction needs no idempotency key: the same one again changes nothing.
    private func correct(
        _ request: Request, _ context: ServerContext,
        _ parse: (_ json: [UInt8]) throws(Rejection) -> CorrectionBody
    ) async throws -> Response {
        let id = try context.eventID("event")
        let author = try request.headers.author()
        let body = try parse(try await request.json())
        let correction = Correction(
            eventID: id, source: body.source, kind: body.kind, fields: body.fields,
            author: body.author ?? author, reason: body.reason)
        let outcome = try await engine.correct(correction)
        if case .rejected(let rejection) = outcome {
            throw Problem(rejection, missing: [.unknownEvent])
        }
        let isRepeat = outcome == .unchanged
        return Response(headers: isRepeat ? .replayed : [:]) { writer in
            writer.beginObject()
            writer.name("eventId")
            writer.string(id.text)
            writer.name("corrected")
            writer.boolean(true)
            writer.name("duplicate")
            writer.boolean(isRepeat)
            writer.endObject()
        }
    }
}
