import HTTPTypes

/// Operations on subjects: what they have used, and what is known of them.
extension OpenAPIOperation {
    static let subjects: [OpenAPIOperation] =
        profiles + keys + usage + subscriptions + overrides + additions

    private static let path = "/v1/subjects/{subject}"

    private static let profiles: [OpenAPIOperation] = [
        get(
            "/v1/subjects", "listSubjects", "All subjects, by id, or the one whose account says so",
            [.accountEmail, .accountID, .subjectPrefix, .subjectTotal, .count, .cursor],
            "SubjectList", []),
        get(path, "getSubject", "One subject", [.subject], "Subject").tagged,
        put(
            path: path, id: "putSubject", summary: "Replace a subject's profile",
            parameters: [.subject], body: "SubjectBody", answer: "Subject"),
        patch(
            path: path, id: "patchSubject", summary: "Change some members of a subject's profile",
            parameters: [.subject], body: "SubjectPatch", answer: "Subject", mayCreate: true),
        delete(
            path: path, id: "deleteSubject",
            summary: "Put a subject back to its defaults; its usage stays",
            parameters: [.subject]),
    ]

    private static let keys: [OpenAPIOperation] = [
        get(
            path + "/aliases", "listAliases", "Other keys that mean the subject", [.subject],
            "AliasList"),
        OpenAPIOperation(
            method: .post, path: path + "/aliases", id: "putAlias",
            summary: "Let another key mean the subject, too",
            parameters: [.subject, .idempotencyKey, .author, .ifMatch, .ifNoneMatch],
            body: [("application/json", "AliasBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "It meant the subject before.", schema: "AliasList",
                    headers: [.replayed, .tag, .outcome]),
                OpenAPIAnswer(
                    status: 201, description: "It means the subject now.", schema: "AliasList",
                    headers: [.replayed, .tag, .outcome]),
            ],
            problems: [.conflict, .preconditionFailed]),
        delete(
            path: path + "/aliases/{alias}", id: "deleteAlias",
            summary: "Let a key mean nobody any more", parameters: [.subject, .alias]),
        OpenAPIOperation(
            method: .post, path: path + "/rename", id: "renameSubject",
            summary: "Give the subject another key; the one it had goes on meaning it",
            parameters: [.subject, .idempotencyKey, .author, .ifMatch, .ifNoneMatch],
            body: [("application/json", "RenameBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "It is called so now.", schema: "Subject",
                    headers: [.replayed, .tag, .outcome])
            ],
            problems: [.notFound, .conflict, .preconditionFailed]),
        OpenAPIOperation(
            method: .post, path: path + "/erase", id: "eraseSubject",
            summary: "Forget a person for good; the numbers stay, under a key that means nothing",
            parameters: [.subject, .idempotencyKey, .author],
            body: [("application/json", "EraseBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "What is left.", schema: "Subject",
                    headers: [.replayed, .tag, .outcome])
            ],
            problems: [.notFound, .conflict]),
        OpenAPIOperation(
            method: .post, path: path + "/merge", id: "mergeSubject",
            summary: "Merge another subject into this one: its usage, its credits and its keys",
            description: "What was merged cannot be taken apart again.",
            parameters: [.subject, .idempotencyKey, .author],
            body: [("application/json", "MergeBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Both are one.", schema: "Subject",
                    headers: [.replayed, .outcome])
            ],
            problems: [.conflict]),
        OpenAPIOperation(
            method: .post, path: path + "/merge/preview", id: "previewMerge",
            summary: "What a merge would come to; nothing changes",
            parameters: [.subject], body: [("application/json", "MergeBody")],
            answers: [
                OpenAPIAnswer(status: 200, description: "What would be.", schema: "MergePreview")
            ],
            problems: [.conflict]),
    ]

    private static let usage: [OpenAPIOperation] = [
        get(
            path + "/usage", "getUsage", "Usage of a meter, window by window",
            [.subject, .meter, .window, .from, .until], "Usage", []),
        get(
            path + "/limits", "getLimits", "Where the subject stands with its limits", [.subject],
            "SubjectLimits", []),
        OpenAPIOperation(
            method: .post, path: path + "/limits/{limit}/reset", id: "resetLimit",
            summary: "Have a limit of the subject count anew from now on; its usage stays",
            parameters: [.subject, .limit, .idempotencyKey, .author],
            body: [("application/json", "ResetBody")], isBodyRequired: false,
            answers: [
                OpenAPIAnswer(
                    status: 201, description: "It counts anew.", schema: "LimitReset",
                    headers: [.replayed, .outcome])
            ],
            problems: [.notFound, .conflict]),
        get(
            path + "/events", "listEvents", "The subject's events, newest first",
            [
                .subject, .eventType, .eventStatus, .eventSession, .from, .until, .count, .cursor,
            ], "EventList", []),
        get(
            path + "/reservations", "listReservations",
            "What is open on the subject and those below it, in the order in which it expires",
            [.subject], "ReservationList", []),
    ]

    private static let subscriptions: [OpenAPIOperation] = [
        get(
            path + "/subscription", "getSubscription", "The plan that the subject is on",
            [.subject], "Subscription"
        ).tagged,
        get(
            path + "/subscriptions", "listSubscriptions",
            "The subject's subscriptions in time, those that are scheduled included", [.subject],
            "SubscriptionList"),
        OpenAPIOperation(
            method: .post, path: path + "/subscription", id: "changeSubscription",
            summary: "Change the plan, now or later",
            description: """
                What is left out comes from the policy of the plan. By default a plan of a higher rank \
                applies now, with the usage and the billing month that run, and the difference in \
                credits at once; one of a lower rank applies when the period ends.
                """,
            parameters: [.subject, .idempotencyKey, .author, .ifMatch, .ifNoneMatch],
            body: [("application/json", "SubscriptionChangeBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Changed, or scheduled.",
                    schema: "SubscriptionChangeAnswer", headers: [.replayed, .outcome]),
                OpenAPIAnswer(
                    status: 201, description: "Subscribed for the first time.",
                    schema: "SubscriptionChangeAnswer", headers: [.replayed, .outcome]),
            ],
            problems: [.conflict, .preconditionFailed]),
        OpenAPIOperation(
            method: .post, path: path + "/subscription/preview", id: "previewSubscription",
            summary: "What a change of plan would come to; nothing changes",
            parameters: [.subject], body: [("application/json", "SubscriptionChangeBody")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "What would be.", schema: "SubscriptionPreview")
            ]),
        delete(
            path: path + "/subscription/scheduled", id: "cancelScheduledSubscription",
            summary: "Cancel changes that are scheduled: the one with this start, or all",
            parameters: [.subject, .scheduledStart]),
        put(
            path: path + "/subscription", id: "putSubscription",
            summary: "Subscribe to a plan; replaces a subscription",
            parameters: [.subject], body: "SubscriptionBody", answer: "Subscription"),
        patch(
            path: path + "/subscription", id: "patchSubscription",
            summary: "Change some members of a subscription", parameters: [.subject],
            body: "SubscriptionPatch", answer: "Subscription"),
        delete(
            path: path + "/subscription", id: "deleteSubscription",
            summary: "End a subscription at once", parameters: [.subject]),
    ]

    private static let overrides: [OpenAPIOperation] = [
        get(
            path + "/overrides", "listOverrides", "Allowances of this subject alone", [.subject],
            "OverrideList"),
        get(
            path + "/overrides/{limit}", "getOverride", "This subject's allowance of a limit",
            [.subject, .limit], "Override"
        ).tagged,
        put(
            path: path + "/overrides/{limit}", id: "putOverride",
            summary: "Give this subject an allowance of its own",
            parameters: [.subject, .limit], body: "OverrideBody", answer: "Override",
            problems: [.notFound]),
        delete(
            path: path + "/overrides/{limit}", id: "deleteOverride",
            summary: "Let the plan's allowance apply again", parameters: [.subject, .limit]),
    ]

    private static let additions: [OpenAPIOperation] = [
        get(
            path + "/additions", "listAdditions",
            "What changes allowances of this subject for a time, now or later", [.subject],
            "AdditionList"),
        get(
            path + "/additions/{addition}", "getAddition", "One addition, now or later",
            [.subject, .addition], "Addition"
        ).tagged,
        put(
            path: path + "/additions/{addition}", id: "putAddition",
            summary: "Change an allowance of this subject for a time",
            parameters: [.subject, .addition], body: "AdditionBody", answer: "Addition"),
        delete(
            path: path + "/additions/{addition}", id: "endAddition",
            summary: "End an addition now; what it allowed before stays so",
            parameters: [.subject, .addition]),
    ]

    static func get(
        _ path: String, _ id: String, _ summary: String, _ parameters: [OpenAPIParameter],
        _ schema: String, _ problems: [OpenAPIProblem] = [.notFound]
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .get, path: path, id: id, summary: summary, parameters: parameters,
            answers: [OpenAPIAnswer(status: 200, description: summary + ".", schema: schema)],
            problems: problems)
    }
}

/// Operations for whoever runs the server.
extension OpenAPIOperation {
    static let operating: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .get, path: "/v1/changes", id: "listChanges",
            summary: "The audit log, newest first",
            description:
                "As CSV or lines of JSON all of it comes in one answer, unless count says how much. A file for "
                + "Excel has the newest \(ChangeRoutes.workbookLinesMax) lines.",
            parameters: ChangeRoutes.parameters + [.count, .cursor],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Who changed what.", schema: "ChangeList",
                    textTypes: ["text/csv", "application/x-ndjson"],
                    fileTypes: [AnalyticsFormat.workbookType],
                    headers: [.contentDisposition, .link])
            ]),
        OpenAPIOperation(
            method: .get, path: "/healthz", id: "isAlive", summary: "Whether the process is alive",
            isOpen: true,
            answers: [OpenAPIAnswer(status: 200, description: "It is.", schema: "Status")]),
        OpenAPIOperation(
            method: .get, path: "/readyz", id: "isReady", summary: "Whether the server serves",
            isOpen: true,
            answers: [OpenAPIAnswer(status: 200, description: "It does.", schema: "Status")],
            problems: [.unavailable]),
        OpenAPIOperation(
            method: .get, path: "/metrics", id: "getMetrics",
            summary: "What is counted and measured, for Prometheus",
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "All metrics.", schema: "Text",
                    textTypes: ["text/plain"], isJSON: false)
            ]),
        OpenAPIOperation(
            method: .get, path: "/docs/errors", id: "getErrors",
            summary: "The page of all error codes, for people", isOpen: true,
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "The page.", schema: "Text",
                    textTypes: ["text/html"], isJSON: false)
            ]),
        OpenAPIOperation(
            method: .get, path: "/openapi.json", id: "getDescription", summary: "This description",
            isOpen: true,
            answers: [OpenAPIAnswer(status: 200, description: "OpenAPI 3.1.", schema: "Object")]),
    ]
}
