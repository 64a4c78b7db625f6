import HTTPTypes
import MeterstoneAPI
import MeterstoneCore

/// Operations on accounts of persons.
extension OpenAPIOperation {
    static let accounts: [OpenAPIOperation] =
        [
            get(
                "/v1/subjects/{subject}/account", "getAccount", "The person's account", [.subject],
                "Account"
            ).tagged,
            put(
                path: "/v1/subjects/{subject}/account", id: "putAccount",
                summary: "Write the whole account", parameters: [.subject], body: "AccountBody",
                answer: "Account"),
            patch(
                path: "/v1/subjects/{subject}/account", id: "patchAccount",
                summary: "Change some of the account, and leave the rest", parameters: [.subject],
                body: "AccountPatch", answer: "Account", mayCreate: true),
            delete(
                path: "/v1/subjects/{subject}/account", id: "deleteAccount",
                summary: "Take the account away; usage stays", parameters: [.subject]),
            OpenAPIOperation(
                method: .get, path: "/v1/subjects/{subject}/activity", id: "listActivity",
                summary:
                    "What was done to the account, and to all that is the subject's, newest first",
                parameters: [.subject] + AccountRoutes.activityParameters + [.count, .cursor],
                answers: [
                    OpenAPIAnswer(
                        status: 200, description: "Who changed what.", schema: "ChangeList")
                ],
                problems: [.notFound]),
            get(
                "/v1/subjects/{subject}/sessions", "listAccountSessions",
                "Where the person is, or was, signed in to the application", [.subject],
                "AccountSessionList"),
            OpenAPIOperation(
                method: .post, path: "/v1/subjects/{subject}/sessions", id: "startAccountSession",
                summary: "Note that the person signed in, or was seen again in a session",
                parameters: [.subject, .idempotencyKey, .author],
                body: [("application/json", "AccountSessionBody")],
                answers: [
                    OpenAPIAnswer(
                        status: 200, description: "It was known, and goes on.",
                        schema: "AccountSession", headers: [.replayed, .tag, .outcome]),
                    OpenAPIAnswer(
                        status: 201, description: "It is new.", schema: "AccountSession",
                        headers: [.replayed, .tag, .outcome]),
                ],
                problems: [.conflict, .preconditionFailed]),
            delete(
                path: "/v1/subjects/{subject}/sessions/{session}", id: "endAccountSession",
                summary: "Note that a session ended; tokens made before are refused",
                parameters: [.subject, .session]),
        ]
        + UserValueRoutes.Kind.allCases.flatMap { kind -> [OpenAPIOperation] in
            let name = kind == .variables ? "Variables" : "Preferences"
            func write(_ method: HTTPRequest.Method, _ id: String) -> OpenAPIOperation {
                OpenAPIOperation(
                    method: method, path: kind.path, id: id,
                    summary: "Write what the body names, and leave the others",
                    parameters: [.chatUserID, .chatUserHeader, .author, .idempotencyKey],
                    body: [("application/json", "\(name)Body")],
                    answers: [
                        OpenAPIAnswer(
                            status: 200, description: "All, as they are now.", schema: name)
                    ],
                    problems: [.conflict, .preconditionFailed])
            }
            return [
                get(
                    kind.path, "get\(name)", "The user's \(kind.rawValue)",
                    [.chatUserID, .chatUserHeader], name, []),
                write(.post, "set\(name)"), write(.put, "update\(name)"),
            ]
        }
}

extension OpenAPIParameter {
    static let accountEmail = OpenAPIParameter(
        place: .query, name: "email", description: "Only the subject with this address.",
        schema: OpenAPISchemas.email)
    static let subjectTotal = OpenAPIParameter(
        place: .query, name: "total",
        description: "true: the answer has `total`, how many there are on all pages together.",
        schema: #"{"type":"boolean"}"#)
    static let accountID = OpenAPIParameter(
        place: .query, name: "externalIds.",
        description: "Only the subject with this id, by kind: `externalIds.github=583231`.",
        schema: #"""
            {"type":"object","propertyNames":{"pattern":"^externalIds\\.[a-z][a-z0-9_]*$"},
             "additionalProperties":{"type":"string","minLength":1}}
            """#)
}

extension OpenAPISchemas {
    private static let valueName =
        #"{"minLength":1,"maxLength":64,"pattern":"^[^\u0000-\u001f\u007f]+$"}"#
    private static let values =
        #"{"type":"object","propertyNames":\#(valueName),"additionalProperties":true}"#
    private static let optionalValues =
        #"{"type":["object","null"],"propertyNames":\#(valueName),"additionalProperties":true}"#
    /// - Parameter id: an id elsewhere; a patch takes one away with `null`.
    private static func account(id: String) -> String {
        #"""
        "email":\#(optional(email)),"image":{"type":["string","null"],"minLength":1,"maxLength":2048},
        "externalIds":{"type":["object","null"],"additionalProperties":\#(id),
         "propertyNames":{"pattern":"^[a-z][a-z0-9_]{0,31}$"}},
        "active":{"type":["boolean","null"]},"lastLoginAt":{"$ref":"OptionalInstant"},
        "tokensFrom":{"$ref":"OptionalInstant"},
        "preferences":\#(optionalValues),"variables":\#(optionalValues)
        """#
    }

    private static func optional(_ schema: String) -> String {
        #"{"anyOf":[\#(schema),{"type":"null"}]}"#
    }

    static let accounts: [(name: String, schema: String)] =
        [
            (
                "Account",
                object(
                    ["active"],
                    #"""
                    "email":\#(email),"image":{"type":"string"},
                    "externalIds":{"type":"object","additionalProperties":{"type":"string"}},
                    "active":{"type":"boolean"},"lastLoginAt":{"$ref":"Instant"},
                    "tokensFrom":{"$ref":"Instant"},"preferences":\#(values),"variables":\#(values),
                    "sessions":{"type":"array","items":{"$ref":"AccountSession"}}
                    """#)
            ),
            (
                "AccountBody",
                object(
                    [],
                    account(id: #"{"type":"string","minLength":1,"maxLength":200}"#)
                        + #","sessions":{"type":["array","null"],"items":{"$ref":"AccountSession"}}"#
                )
            ),
            (
                "AccountPatch",
                object(
                    [], account(id: #"{"type":["string","null"],"minLength":1,"maxLength":200}"#))
            ),
            (
                "AccountSessionBody",
                object(
                    [],
                    #"""
                    "id":{"anyOf":[{"$ref":"Key"},{"type":"null"}]},
                    "device":{"type":["string","null"],"minLength":1,"maxLength":255},
                    "address":{"type":["string","null"],"minLength":1,"maxLength":255}
                    """#)
            ),
        ]
        + UserValueRoutes.Kind.allCases.flatMap { kind -> [(name: String, schema: String)] in
            let name = kind == .variables ? "Variables" : "Preferences"
            let user = #""userId":{"$ref":"OptionalName"}"#
            let text =
                #"{"type":"string","minLength":1,"maxLength":64,"pattern":"^[^\u0000-\u001f\u007f]+$"}"#
            return [
                (name, object([kind.rawValue], #""\#(kind.rawValue)":\#(values)"#)),
                (
                    "\(name)Body",
                    """
                    {"oneOf":[\(object([kind.rawValue], "\(user),\"\(kind.rawValue)\":\(values)")),
                     \(object(["key", "value"], "\(user),\"key\":\(text),\"value\":true")),
                     \(object(["name", "value"], "\(user),\"name\":\(text),\"value\":true"))]}
                    """
                ),
            ]
        }
}
