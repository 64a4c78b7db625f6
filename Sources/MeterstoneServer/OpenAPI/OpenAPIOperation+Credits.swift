import HTTPTypes

/// Operations on the credits of subjects, and on how usage is paid with them.
extension OpenAPIOperation {
    static let credits: [OpenAPIOperation] = [
        get(
            path, "getCredits", "What the subject has in credits", [.subject], "Credits", []),
        get(
            path + "/entries", "listEntries", "The subject's ledger, newest first",
            [.subject, .count, .cursor], "EntryList", []),
        OpenAPIOperation(
            method: .post, path: path + "/grants", id: "grantCredit", summary: "Give credit",
            parameters: [.subject, .idempotencyKey, .author],
            body: [("application/json", "GrantBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "It was given before.", schema: "GrantAnswer",
                    headers: [.replayed, .outcome]),
                OpenAPIAnswer(
                    status: 201, description: "It is given.", schema: "GrantAnswer",
                    headers: [.replayed, .outcome]),
            ],
            problems: [.conflict]),
        OpenAPIOperation(
            method: .delete, path: path + "/grants/{grant}", id: "voidGrant",
            summary: "Take back what is left of a grant",
            description: "Needs a reason, in the body or in the query.",
            parameters: [.subject, .grant, .reason, .idempotencyKey, .author],
            body: [("application/json", "ReasonBody")], isBodyRequired: false,
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Nothing is left of it.", schema: "VoidAnswer",
                    headers: [.replayed, .outcome])
            ],
            problems: [.notFound, .conflict]),
        OpenAPIOperation(
            method: .post, path: path + "/refunds", id: "refundCredit",
            summary: "Give back what was spent under a reference, once",
            parameters: [.subject, .idempotencyKey, .author],
            body: [("application/json", "RefundBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Given back.", schema: "RefundAnswer",
                    headers: [.replayed, .outcome])
            ],
            problems: [.notFound, .conflict]),
        get(
            "/v1/credits/policy", "getCreditPolicy", "How usage is paid with credits", [],
            "CreditPolicy"
        ).tagged,
        put(
            path: "/v1/credits/policy", id: "putCreditPolicy",
            summary: "Say how usage is paid with credits", parameters: [],
            body: "CreditPolicyBody", answer: "CreditPolicy"),
        delete(
            path: "/v1/credits/policy", id: "deleteCreditPolicy",
            summary: "Say nothing about credits, so that nothing costs any", parameters: []),
    ]

    private static let path = "/v1/subjects/{subject}/credits"
}
