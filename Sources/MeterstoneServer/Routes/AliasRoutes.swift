import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// Other keys of a subject, another key of its own, and none any more.
struct AliasRoutes: Sendable {
    let engine: MeterstoneEngine

    private static let path = "/v1/subjects/:subject/aliases"

    func add(to routes: inout Routes) {
        routes.on(.get, Self.path) { _, context in
            let id: SubjectID = try context.parameter("subject")
            guard let aliases = try await engine.aliases(of: id) else {
                throw Problem.missing(.unknownSubject, "subject \(id)")
            }
            return Response(aliases, Shapes.aliases)
        }
        routes.on(.post, Self.path) { request, context in
            let id: SubjectID = try context.parameter("subject")
            let body = try AdministrativeBody(try await request.json(), fields: ["alias"])
            let alias = try body.decode(AliasBody.self).alias
            return try await engine.put(.putAlias(id, alias: alias), request) { _ in
                var writer = JSONWriter()
                writer.object(try await engine.aliases(of: id) ?? [], Shapes.aliases)
                return writer.bytes
            }
        }
        routes.on(.delete, Self.path + "/:alias") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let alias: SubjectID = try context.parameter("alias")
            return try await engine.delete(
                .deleteAlias(id, alias: alias), request,
                missing: .missing("unknown_alias", "alias \(alias) of \(id)"))
        }
        routes.on(.post, "/v1/subjects/:subject/erase") { request, context in
            try await erase(request, context)
        }
        routes.on(.post, "/v1/subjects/:subject/rename") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let body = try AdministrativeBody(try await request.json(), fields: ["to"])
            let key = try body.decode(RenameBody.self).to
            let change = Change.renameSubject(id, to: key)
            let receipt = try await engine.change(try request.change(change))
            switch receipt.outcome {
            case .missing: throw Problem.missing(.unknownSubject, "subject \(id)")
            case .rejected(let rejection): throw rejection
            case .created, .replaced, .unchanged, .deleted, .credited: break
            }
            let json = Array((receipt.after ?? "null").utf8)
            let times = try await engine.times(of: .subject(key))
            return Response(json: times?.adding(to: json) ?? json, headers: receipt.headers)
        }
        routes.on(.post, Self.merge) { request, context in try await merge(request, context) }
        routes.on(.post, Self.merge + "/preview") { request, context in
            let id: SubjectID = try context.parameter("subject")
            let from = try await Self.merged(request)
            switch try await engine.previewMerge(of: from, into: id) {
            case .rejected(let rejection): throw rejection
            case .preview(let preview): return Response(preview, Shapes.mergePreview)
            }
        }
    }

    private static let merge = "/v1/subjects/:subject/merge"

    private static func merged(_ request: Request) async throws -> SubjectID {
        let body = try AdministrativeBody(try await request.json(), fields: ["from"])
        return try body.decode(MergeBody.self).from
    }

    private func merge(_ request: Request, _ context: ServerContext) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let change = Change.mergeSubject(id, from: try await Self.merged(request))
        let receipt = try await engine.change(try request.change(change))
        if case .rejected(let rejection) = receipt.outcome { throw rejection }
        let json = Array((receipt.after ?? "null").utf8)
        let times = try await engine.times(of: .subject(id))
        return Response(json: times?.adding(to: json) ?? json, headers: receipt.headers)
    }

    /// Nothing brings back what is erased, so that the key has to be said twice.
    private func erase(_ request: Request, _ context: ServerContext) async throws -> Response {
        let id: SubjectID = try context.parameter("subject")
        let json = try await request.json()
        let body = try AdministrativeBody(json, fields: ["confirm"])
        guard try body.decode(EraseBody.self).confirm == id.text else {
            throw Rejection(
                code: .invalidField, field: "confirm",
                message: "expected the key of the subject, as it is in the path")
        }
        let change = Change.eraseSubject(id, Erasure())
        let receipt = try await engine.change(try request.change(change, told: json))
        switch receipt.outcome {
        case .missing: throw Problem.missing(.unknownSubject, "subject \(id)")
        case .rejected(let rejection): throw rejection
        case .created, .replaced, .unchanged, .deleted, .credited: break
        }
        return Response(json: Array((receipt.after ?? "null").utf8), headers: receipt.headers)
    }
}

private struct EraseBody: Decodable {
    let confirm: String
}

private struct AliasBody: Decodable {
    let alias: SubjectID
}

private struct RenameBody: Decodable {
    let to: SubjectID
}

private struct MergeBody: Decodable {
    let from: SubjectID
}
