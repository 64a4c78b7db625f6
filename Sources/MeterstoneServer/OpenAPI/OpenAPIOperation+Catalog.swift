import HTTPTypes

/// Operations on meters, plans, limits and models.
extension OpenAPIOperation {
    static let catalog: [OpenAPIOperation] =
        collection("meters", "Meter", "meter") + collection("plans", "Plan", "plan")
        + collection("limits", "Limit", "limit")
        + collection("models", "Model", "model", key: .modelKey) + blueprint

    private static let blueprint = [
        OpenAPIOperation(
            method: .get, path: "/v1/blueprint", id: "getBlueprint",
            summary: "Meters, plans, limits, prices, models and statistics as one set",
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "As it is stored.", schema: "Blueprint")
            ]),
        OpenAPIOperation(
            method: .put, path: "/v1/blueprint", id: "applyBlueprint",
            summary: "Write every part of a blueprint",
            description: """
                What it does not name stays as it is; doing it again changes nothing. Where a part is \
                not accepted, nothing is written. With a name, it is noted in the audit log what was \
                applied. With merge=true only what changed since then is written, and what somebody changed \
                by hand meanwhile stays.
                """,
            parameters: [.blueprintName, .merge, .dryRun, .author],
            body: [("application/json", "Blueprint")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "What became of each part.",
                    schema: "BlueprintAnswer")
            ]),
        OpenAPIOperation(
            method: .get, path: "/v1/imports", id: "listImports",
            summary: "Files that were imported",
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Each as it was noted last.",
                    schema: "ImportedFileList")
            ]),
        OpenAPIOperation(
            method: .post, path: "/v1/imports", id: "noteImport",
            summary: "Note that a file is imported, as `meterstone import` does",
            parameters: [.idempotencyKey, .author, .ifMatch, .ifNoneMatch],
            body: [("application/json", "ImportNote")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "It was noted before.", schema: "ImportNote",
                    headers: [.replayed, .tag, .outcome]),
                OpenAPIAnswer(
                    status: 201, description: "It is noted.", schema: "ImportNote",
                    headers: [.replayed, .tag, .outcome]),
            ],
            problems: [.conflict, .preconditionFailed]),
    ]

    static func collection(
        _ name: String, _ schema: String, _ singular: String, key: OpenAPIParameter = .key
    ) -> [OpenAPIOperation] {
        let path = "/v1/\(name)"
        let item = OpenAPIAnswer(status: 200, description: "The \(singular).", schema: schema)
        return [
            OpenAPIOperation(
                method: .get, path: path, id: "list\(schema)s", summary: "All \(name), by key",
                parameters: [.count, .cursor],
                answers: [
                    OpenAPIAnswer(
                        status: 200, description: "The \(name).", schema: schema + "List")
                ]),
            OpenAPIOperation(
                method: .get, path: path + "/{key}", id: "get\(schema)",
                summary: "One \(singular)", parameters: [key], answers: [item],
                problems: [.notFound]
            ).tagged,
            put(
                path: path + "/{key}", id: "put\(schema)",
                summary: "Write a \(singular); replaces it",
                parameters: [key], body: schema + "Body", answer: schema),
            patch(
                path: path + "/{key}", id: "patch\(schema)",
                summary: "Change some members of a \(singular)", parameters: [key],
                body: schema + "Patch", answer: schema),
            delete(
                path: path + "/{key}", id: "delete\(schema)", summary: "Delete a \(singular)",
                parameters: [key]),
        ]
    }

    static func put(
        path: String, id: String, summary: String, parameters: [OpenAPIParameter], body: String,
        answer: String, problems: [OpenAPIProblem] = []
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .put, path: path, id: id, summary: summary,
            parameters: parameters + [.idempotencyKey, .author, .ifMatch, .ifNoneMatch],
            body: [("application/json", body)],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "It was there, and is so now.", schema: answer,
                    headers: [.replayed, .tag, .outcome]),
                OpenAPIAnswer(
                    status: 201, description: "It is new.", schema: answer,
                    headers: [.replayed, .tag, .outcome]),
            ],
            problems: [.conflict, .preconditionFailed] + problems)
    }

    /// A change of some members, which leaves the others (RFC 7396).
    static func patch(
        path: String, id: String, summary: String, parameters: [OpenAPIParameter], body: String,
        answer: String, mayCreate: Bool = false
    ) -> OpenAPIOperation {
        var answers = [
            OpenAPIAnswer(
                status: 200, description: "It is so now; here is the whole.", schema: answer,
                headers: [.replayed, .tag, .outcome])
        ]
        if mayCreate {
            answers.append(
                OpenAPIAnswer(
                    status: 201, description: "Nothing was known of it; here is the whole.",
                    schema: answer, headers: [.replayed, .tag, .outcome]))
        }
        return OpenAPIOperation(
            method: .patch, path: path, id: id, summary: summary,
            parameters: parameters + [.idempotencyKey, .author, .ifMatch, .ifNoneMatch],
            body: [("application/merge-patch+json", body), ("application/json", body)],
            answers: answers,
            problems: [.conflict, .preconditionFailed] + (mayCreate ? [] : [.notFound]))
    }

    static func delete(
        path: String, id: String, summary: String, parameters: [OpenAPIParameter]
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .delete, path: path, id: id, summary: summary,
            parameters: parameters + [.idempotencyKey, .author, .ifMatch, .ifNoneMatch],
            answers: [
                OpenAPIAnswer(
                    status: 204, description: "It is gone.", headers: [.replayed, .outcome])
            ],
            problems: [.notFound, .conflict, .preconditionFailed])
    }

    /// The same operation of something that can be written, which has a tag.
    var tagged: OpenAPIOperation {
        var operation = self
        operation.parameters += [.ifMatch, .ifNoneMatch]
        operation.answers[0].headers.append(.tag)
        operation.answers.append(
            OpenAPIAnswer(status: 304, description: "The caller has it.", headers: [.tag]))
        operation.problems.append(.preconditionFailed)
        return operation
    }
}
