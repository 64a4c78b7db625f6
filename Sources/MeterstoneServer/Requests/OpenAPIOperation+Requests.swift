import HTTPTypes

/// Operations on tracked requests, those of the chat flow builder's own paths first.
extension OpenAPIOperation {
    static let requests: [OpenAPIOperation] = chat + tracked

    private static let chat: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .post, path: ChatTrackRoutes.trackPath, id: "startChatRequest",
            summary: "Start a request, if the limits let it",
            description: """
                Counts it and sets an estimate of its tokens aside. The same requestId again gets \
                the first answer again.
                """,
            parameters: [.chatUserHeader, .chatUserID, .idempotencyKey],
            body: [("application/json", "ChatRequestStart")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Started.", schema: "ChatRequestStarted",
                    headers: [.rateLimit, .rateLimitPolicy, .replayed])
            ],
            problems: [.forbidden, .conflict, .limitExceeded]),
        OpenAPIOperation(
            method: .put, path: ChatTrackRoutes.trackPath, id: "endChatRequest",
            summary: "Tell how a request ended, or rate it",
            description: """
                With a status it ends the request; with userRating alone it rates one that ended. \
                The same again gets the first answer again.
                """,
            parameters: [.chatUserHeader, .chatUserID],
            body: [("application/json", "ChatRequestEnd")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "The request as it stands.",
                    schema: "TrackedRequest", headers: [.rateLimit, .rateLimitPolicy, .replayed])
            ],
            problems: [.forbidden, .conflict]),
        OpenAPIOperation(
            method: .get, path: ChatTrackRoutes.dashboardPath, id: "getUserDashboard",
            summary: "A user's requests at a glance", parameters: [.chatUserHeader, .chatUserID],
            answers: [
                OpenAPIAnswer(status: 200, description: "As of now.", schema: "UserDashboard")
            ]),
        OpenAPIOperation(
            method: .post, path: ChatTrackRoutes.dashboardPath, id: "recalculateUserDashboard",
            summary: "A user's requests at a glance, and when that was computed",
            parameters: [.chatUserHeader, .chatUserID],
            body: [("application/json", "UserDashboardBody")],
            answers: [
                OpenAPIAnswer(status: 200, description: "As of now.", schema: "UserDashboard")
            ]),
    ]

    private static let tracked: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .get, path: "/v1/requests", id: "listAllRequests",
            summary: "Requests of all subjects, newest first",
            description: """
                A page may be shorter than count, or empty, while nextCursor says that there is more.
                """,
            parameters: [
                .eventSubject, .requestSession, .requestStatus, .requestModel, .requestCategory,
                .from, .until, .count, .cursor,
            ],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "A page of requests.", schema: "RequestList")
            ]),
        OpenAPIOperation(
            method: .get, path: "/v1/requests/unpriced", id: "listUnpricedRequests",
            summary: "Requests that ended and whose cost nobody knows",
            parameters: [.from, .until],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "At most 10,000.", schema: "UnpricedRequests")
            ]),
        OpenAPIOperation(
            method: .get, path: "/v1/requests/{request}", id: "getRequest",
            summary: "One tracked request", parameters: [.request],
            answers: [
                OpenAPIAnswer(status: 200, description: "The request.", schema: "TrackedRequest")
            ],
            problems: [.notFound]),
        OpenAPIOperation(
            method: .get, path: "/v1/subjects/{subject}/requests", id: "listRequests",
            summary: "The subject's requests, newest first",
            parameters: [
                .subject, .requestSession, .requestStatus, .requestModel, .requestCategory, .count,
                .cursor,
            ],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "A page of requests.", schema: "RequestList")
            ]),
    ]
}

extension OpenAPIParameter {
    private static let nameSchema = #"{"$ref":"Name"}"#

    fileprivate static let request = OpenAPIParameter(
        place: .path, name: "request", description: "The request's id.", schema: nameSchema)
    static let chatUserID = OpenAPIParameter(
        place: .query, name: ChatUser.name,
        description: "Whose request it is, where the header field and the body do not say.",
        schema: nameSchema)
    static let chatUserHeader = OpenAPIParameter(
        place: .header, name: "X-User-Id", description: "Whose request it is.",
        schema: headerSchema)
}
