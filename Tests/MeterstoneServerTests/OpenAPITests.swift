import Foundation
import HTTPTypes
import Logging
import Meterstone
import MeterstoneTesting
import Testing

import MeterstoneServer

/// The description is true: each route has an operation, each operation a route, and each reference
/// an end.
@Suite struct OpenAPITests {
    private let document: [String: Any]

    init() throws {
        let json = Data(OpenAPIDocument.json(isGuarded: true))
        document = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    }

    @Test func `routes and operations are the same`() throws {
        let engine = MeterstoneEngine(store: MemoryStore())
        let routes = makeRoutes(
            engine: engine, options: ServerOptions(), logger: Logger(label: "test"))
        var served: Set<String> = []
        for (pattern, methods) in routes.patterns {
            let path = pattern.split(separator: "/").map { part in
                part.hasPrefix(":") ? "{\(part.dropFirst())}" : String(part)
            }
            for method in methods where method != .head {
                served.insert("\(method.rawValue) /\(path.joined(separator: "/"))")
            }
        }
        let described = OpenAPIDocument.operations.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(described) == served)
        #expect(Set(described).count == described.count)
        let ids = OpenAPIDocument.operations.map(\.id)
        #expect(Set(ids).count == ids.count)
    }

    @Test func `every reference has an end`() throws {
        let text = String(decoding: OpenAPIDocument.json(isGuarded: true), as: UTF8.self)
        let references = Set(text.matches(of: /"\$ref":"#\/([^"]+)"/).map { String($0.1) })
        #expect(references.count > 50)
        for reference in references {
            var node: Any? = document
            for step in reference.split(separator: "/") {
                node = (node as? [String: Any])?[String(step)]
            }
            #expect(node != nil, "\(reference)")
        }
    }

    @Test func `every schema is referred to`() throws {
        let text = String(decoding: OpenAPIDocument.json(isGuarded: true), as: UTF8.self)
        let components = try #require(document["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: Any])
        for name in schemas.keys {
            #expect(text.contains("\"#/components/schemas/\(name)\""), "\(name)")
        }
    }

    @Test func `every parameter of a path is described`() {
        for operation in OpenAPIDocument.operations {
            let names = operation.path.matches(of: /\{(\w+)\}/).map { String($0.1) }
            let described = operation.parameters.filter { $0.place == .path }.map(\.name)
            #expect(names == described, "\(operation.id)")
        }
    }

    @Test func `security is described where there is a key`() throws {
        #expect(document["security"] != nil)
        let open = try JSONSerialization.jsonObject(
            with: Data(OpenAPIDocument.json(isGuarded: false)))
        #expect((open as? [String: Any])?["security"] == nil)
    }
}
