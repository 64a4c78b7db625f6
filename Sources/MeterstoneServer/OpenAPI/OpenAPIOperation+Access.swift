import HTTPTypes
import MeterstoneAPI
import MeterstoneCore

/// Operations on keys and tokens, and what a caller who is bound to one subject reads of it.
extension OpenAPIOperation {
    static let access: [OpenAPIOperation] = [
        get("/v1/keys", "listKeys", "All keys, by how they begin", [], "APIKeyList", []),
        OpenAPIOperation(
            method: .post, path: "/v1/keys", id: "makeKey", summary: "Make a key",
            description: "The secret is in this answer and nowhere else.",
            parameters: [.author], body: [("application/json", "KeyBody")],
            answers: [
                OpenAPIAnswer(
                    status: 201, description: "The key and its secret.", schema: "MadeKey")
            ]),
        get("/v1/keys/{key}", "getKey", "One key", [.key], "APIKey").tagged,
        put(
            path: "/v1/keys/{key}", id: "putKey",
            summary: "Write a key whose secret was made elsewhere; replaces it",
            parameters: [.key], body: "KeyDigestBody", answer: "APIKey"),
        delete(
            path: "/v1/keys/{key}", id: "deleteKey", summary: "Revoke a key, at once",
            parameters: [.key]),
        OpenAPIOperation(
            method: .post, path: "/v1/keys/{key}/rotate", id: "rotateKey",
            summary: "Make another key with the same rights",
            description:
                "The old one is accepted for a while beside it: a day, if nothing is said.",
            parameters: [.key, .author], body: [("application/json", "RotateBody")],
            isBodyRequired: false,
            answers: [
                OpenAPIAnswer(
                    status: 201, description: "The new key and its secret.",
                    schema: "RotatedKey", headers: [.outcome])
            ],
            problems: [.notFound, .conflict]),
        OpenAPIOperation(
            method: .post, path: "/v1/tokens", id: "makeToken",
            summary: "Make a token with which a browser or an app shows one subject's usage",
            body: [("application/json", "TokenBody")],
            answers: [
                OpenAPIAnswer(status: 201, description: "The token.", schema: "MadeToken")
            ]),
    ]

    /// `/v1/subjects/:subject`, as the router has it.
    static let subjectRoute = "/v1/subjects/:subject"
    private static let subjectPath = "/v1/subjects/{subject}"

    /// The same of the caller's own subject: `/v1/me/limits` for `/v1/subjects/{subject}/limits`.
    var ofOwn: OpenAPIOperation? {
        guard method == .get, AccessRule.of(id)?.own == .path, path.hasPrefix(Self.subjectPath)
        else { return nil }
        return OpenAPIOperation(
            method: .get, path: "/v1/me" + path.dropFirst(Self.subjectPath.count),
            id: "my" + id.drop { $0.isLowercase }, summary: summary,
            description: "Of the subject that the key or token is for.", ownOf: id,
            parameters: parameters.filter { $0.name != "subject" }, answers: answers,
            problems: problems)
    }

    /// Who may call it; `nil`: everybody, or nobody says.
    var rule: AccessRule? {
        guard let ownOf else { return AccessRule.of(id) }
        return AccessRule.of(ownOf).map { AccessRule(scope: $0.scope, own: .named) }
    }
}

extension OpenAPISchemas {
    static let access: [(name: String, schema: String)] = [
        ("KeyBody", object(["scopes"], keySettings)),
        (
            "KeyDigestBody",
            object(
                ["scopes", "digest"],
                #""digest":{"type":"string","pattern":"^[0-9a-f]{64}$"},"#
                    + #""createdAt":{"$ref":"Instant"},"# + keySettings)
        ),
        ("RotatedKey", #"{"anyOf":[{"$ref":"MadeKey"},{"$ref":"APIKey"}]}"#),
        (
            "RotateBody",
            object(
                [],
                #""key":{"$ref":"OptionalKey"},"#
                    + #""digest":{"type":["string","null"],"pattern":"^[0-9a-f]{64}$"},"#
                    + #""overlapSeconds":{"type":["integer","null"],"minimum":0,"maximum":"#
                    + "\(KeyRoutes.overlapSecondsMax)}")
        ),
        (
            "TokenBody",
            object(
                ["subject"],
                #"""
                "subject":{"$ref":"Name"},
                "scopes":{"type":["array","null"],"minItems":1,"uniqueItems":true,
                 "items":{"enum":["ingest","consume","read"]}},
                "expiresInSeconds":{"type":["integer","null"],"minimum":1,"maximum":86400}
                """#)
        ),
    ]

    private static let keySettings = #"""
        "name":{"$ref":"OptionalText"},
        "scopes":{"type":"array","minItems":1,"uniqueItems":true,
         "items":{"enum":["ingest","consume","read","admin"]}},
        "subject":{"$ref":"OptionalName"},
        "addresses":{"type":["array","null"],"maxItems":64,"items":{"type":"string"}},
        "expiresAt":{"$ref":"OptionalInstant"},
        "requestsPerMinute":{"type":["integer","null"],"minimum":1,"maximum":1000000}
        """#
}
