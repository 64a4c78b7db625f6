import HTTPTypes
import MeterstoneAPI

/// The OpenAPI 3.1 description of the server, as it answers `/openapi.json`.
///
/// A route takes from its operation who may call it and which query it has, so that none is without; a
/// test finds operations without a route. Requests are generated from it against a running server, so a
/// schema here is as strict as the server, and no stricter.
package enum OpenAPIDocument {
    package static let operations: [OpenAPIOperation] = all + all.compactMap(\.ofOwn)

    private static let all: [OpenAPIOperation] =
        OpenAPIOperation.consuming + OpenAPIOperation.reserving + OpenAPIOperation.recording
        + OpenAPIOperation.catalog + OpenAPIOperation.subjects + OpenAPIOperation.credits
        + OpenAPIOperation.subjectStatistics + OpenAPIOperation.documents
        + OpenAPIOperation.statistics
        + OpenAPIOperation.switches + OpenAPIOperation.usageTracking
        + OpenAPIOperation.requests + OpenAPIOperation.analytics
        + OpenAPIOperation.whatIf + OpenAPIOperation.operating
        + OpenAPIOperation.access + OpenAPIOperation.accounts + OpenAPIOperation.exports
        + OpenAPIOperation.administrators + OpenAPIOperation.backups + OpenAPIOperation.webhooks
        + OpenAPIOperation.live + OpenAPIOperation.months

    private static let operationsByRoute = Dictionary(
        operations.map { ($0.route, $0) }, uniquingKeysWith: { first, _ in first })

    /// The operation of a route, whose path has parameters as the router writes them: `:key`.
    static func operation(_ method: HTTPRequest.Method, _ path: String) -> OpenAPIOperation? {
        operationsByRoute["\(method.rawValue) \(path)"]
    }

    /// - Parameter isGuarded: whether the server asks for an administrator key.
    package static func json(isGuarded: Bool) -> [UInt8] {
        var writer = JSONWriter(capacity: 65_536)
        writer.beginObject()
        writer.name("openapi")
        writer.string("3.1.0")
        writer.name("info")
        writer.json(info)
        if isGuarded {
            writer.name("security")
            writer.json(#"[{"key":[]},{"token":[]},{"session":[]}]"#)
        }
        writer.name("paths")
        writePaths(&writer)
        writer.name("components")
        writeComponents(&writer)
        writer.endObject()
        return writer.bytes
    }

    private static let info = #"""
        {"title":"Meterstone","version":"1",
         "description":"What has this user used, may they use more, and what is left?",
         "license":{"name":"Apache-2.0","identifier":"Apache-2.0"}}
        """#

    private static let securitySchemes = #"""
        {"key":{"type":"http","scheme":"bearer",
          "description":"The administrator's key, or one that begins with mk_live_."},
         "token":{"type":"http","scheme":"bearer","bearerFormat":"JWT",
          "description":"A token of one subject."},
         "session":{"type":"apiKey","in":"cookie","name":"meterstone_session",
          "description":"An administrator who signed in. What writes has to come from a page of this server."}}
        """#

    private static func writePaths(_ writer: inout JSONWriter) {
        writer.beginObject()
        var paths: [String] = []
        for operation in operations where !paths.contains(operation.path) {
            paths.append(operation.path)
        }
        for path in paths {
            writer.name(text: path)
            writer.beginObject()
            for operation in operations where operation.path == path {
                operation.write(to: &writer)
            }
            writer.endObject()
        }
        writer.endObject()
    }

    private static func writeComponents(_ writer: inout JSONWriter) {
        writer.beginObject()
        writer.name("securitySchemes")
        writer.json(securitySchemes)
        writer.name("schemas")
        writer.beginObject()
        for (name, schema) in OpenAPISchemas.all {
            writer.name(text: name)
            writer.json(OpenAPISchemas.resolved(schema))
        }
        writer.endObject()
        writer.name("responses")
        writer.beginObject()
        for problem in OpenAPIProblem.allCases {
            writer.name(text: problem.rawValue)
            problem.write(to: &writer)
        }
        writer.endObject()
        writer.endObject()
    }
}
