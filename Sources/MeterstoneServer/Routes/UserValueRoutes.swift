import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneStore

/// Variables and preferences of a person, under the paths of the chat flow builder.
struct UserValueRoutes: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case variables, preferences

        var path: String { "/api/user/\(rawValue)" }

        func values(of account: PersonAccount?) -> [String: JSONValue] {
            switch self {
            case .variables: account?.variables ?? [:]
            case .preferences: account?.preferences ?? [:]
            }
        }
    }

    let engine: MeterstoneEngine

    func add(to routes: inout Routes) {
        for kind in Kind.allCases {
            routes.on(.get, kind.path) { request, _ in
                let user = try await user(request, nil)
                let account = try await engine.subject(user)?.account
                return try answer(kind, kind.values(of: account))
            }
            routes.on(.post, kind.path) { request, _ in try await change(kind, request) }
            routes.on(.put, kind.path) { request, _ in try await change(kind, request) }
        }
    }

    private func user(_ request: Request, _ body: AdministrativeBody?) async throws -> SubjectID {
        let user = try ChatUser.required(in: request, told: body?.text(ChatUser.name))
        try await engine.requireOwn(user, field: ChatUser.name)
        return user
    }

    private struct OneBody: Decodable {
        let name: String?
        let key: String?
        let value: JSONValue?
    }

    /// Writes what the body names, one (`{"key":"theme","value":"dark"}`) or many
    /// (`{"variables":{"theme":"dark"}}`), and leaves the others; `null` takes one away.
    private func change(_ kind: Kind, _ request: Request) async throws -> Response {
        let json = try await request.json()
        let body = try AdministrativeBody(
            json, fields: [ChatUser.name, "name", "key", "value", kind.rawValue],
            free: ["value", kind.rawValue])
        let told = try body.decode(JSONValue.self)
        guard case .object(let members) = told else { throw Rejection.invalid("", "an object") }
        switch members[ChatUser.name] ?? .null {
        case .null, .text: break
        default: throw Rejection.invalid(ChatUser.name, SubjectID.expectation)
        }
        let user = try await user(request, body)
        var values: [String: JSONValue] = [:]
        if body.contains(kind.rawValue) {
            for name in ["name", "key", "value"] where body.contains(name) {
                throw Rejection.invalid(name, "nothing beside '\(kind.rawValue)'")
            }
            guard case .object(let many) = members[kind.rawValue] else {
                throw Rejection.invalid(kind.rawValue, "an object")
            }
            values = many
        } else {
            guard body.contains("name") != body.contains("key"),
                case .text(let name) = members["key"] ?? members["name"] ?? .null
            else { throw Rejection.missing("key", "a name, and its value") }
            guard let value = members["value"] else {
                throw Rejection.missing("value", "a value, or null to take it away")
            }
            values[name] = value
        }
        let patch = MergePatch(.account(user), .object([kind.rawValue: .object(values)]))
        let receipt = try await engine.change(try request.change(.patch(patch)))
        if case .rejected(let rejection) = receipt.outcome { throw rejection }
        let account = try receipt.after.map {
            try JSONText(text: $0).decoded(as: PersonAccount.self)
        }
        return try answer(kind, kind.values(of: account))
    }

    private func answer(_ kind: Kind, _ values: [String: JSONValue]) throws -> Response {
        Response(json: try encoded([kind.rawValue: values]))
    }
}
