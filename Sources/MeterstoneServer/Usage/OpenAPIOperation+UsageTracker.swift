import HTTPTypes
import MeterstoneAPI

/// Operations under the names of applications that tracked usage themselves.
extension OpenAPIOperation {
    private static let path = UsageTrackerRoutes.path

    static let usageTracking: [OpenAPIOperation] = ofUsers + ofEverybody

    private static let ofUsers: [OpenAPIOperation] = [
        OpenAPIOperation(
            method: .post, path: path + "/track", id: "trackUsage",
            summary: "Tell what a user did",
            parameters: [.chatUserHeader, .chatUserID, .idempotencyKey],
            body: [("application/json", "TrackedEvent")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "What it moved.", schema: "TrackedUsage",
                    headers: [.replayed])
            ],
            problems: [.forbidden, .conflict]),
        OpenAPIOperation(
            method: .get, path: path + "/limit", id: "checkUsageLimit",
            summary: "Where a user stands with a limit",
            description: "A limit that does not exist allows everything.",
            parameters: [.chatUserHeader, .chatUserID, limitType],
            answers: [
                OpenAPIAnswer(status: 200, description: "As of now.", schema: "LimitCheck")
            ],
            problems: [.forbidden]),
        OpenAPIOperation(
            method: .post, path: path + "/action", id: "checkAction",
            summary: "Whether a user may do something",
            description: "Counts nothing. What no limit is for is allowed.",
            parameters: [.chatUserHeader, .chatUserID],
            body: [("application/json", "CheckedAction")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Allowed, or not where that is no error.",
                    schema: "ActionAnswer")
            ],
            problems: [.insufficientCredits, .forbidden, .conflict, .limitExceeded]),
        OpenAPIOperation(
            method: .get, path: path + "/limits", id: "getUserLimits",
            summary: "A user's plan, and where they stand with every limit",
            description: """
                By limit under limits, and by meter beside it: there the limit with the shortest window.
                """,
            parameters: [.chatUserHeader, .chatUserID],
            answers: [
                OpenAPIAnswer(status: 200, description: "As of now.", schema: "UserLimits")
            ],
            problems: [.forbidden]),
        OpenAPIOperation(
            method: .get, path: path + "/stats", id: "getUserStats",
            summary: "What a user used on the last days, by type of usage",
            parameters: [
                .chatUserHeader, .chatUserID,
                query(
                    "days", "How many. Default: 30.",
                    #"{"type":"integer","minimum":1,"maximum":366}"#),
            ],
            answers: [
                OpenAPIAnswer(status: 200, description: "As of now.", schema: "UserStatistics")
            ],
            problems: [.forbidden]),
    ]

    private static let ofEverybody: [OpenAPIOperation] = [
        report(
            "top", "getTopUsers", "Who used most", "TopUsers",
            [
                query(
                    "usageType", "A type of events, or the name of a meter.", #"{"$ref":"Name"}"#,
                    isRequired: true)
            ]),
        report("trends", "getUsageTrends", "What was used on each day", "UsageTrends"),
        report(
            "funnel", "getConversionFunnel",
            "How many there are, and how many made a project, prompted and exported",
            "ConversionFunnel"),
        report(
            "errors", "getErrorRates", "How often operations fail", "OperationErrors",
            [.minimumEvents], days: 7),
    ]

    private static func report(
        _ name: String, _ id: String, _ summary: String, _ schema: String,
        _ parameters: [OpenAPIParameter] = [], days: Int = 30
    ) -> OpenAPIOperation {
        OpenAPIOperation(
            method: .get, path: "\(path)/\(name)", id: id, summary: summary,
            parameters: parameters + [
                query(
                    "days", "How many days up to today. Default: \(days).",
                    OpenAPIParameter.number(in: ReportBounds.days)),
                query("timeZone", "The zone whose calendar cuts days.", #"{"type":"string"}"#),
            ],
            answers: [OpenAPIAnswer(status: 200, description: "As of now.", schema: schema)],
            problems: [.forbidden])
    }

    private static let limitType = query(
        "limitType", "The limit's key.", #"{"$ref":"Key"}"#, isRequired: true)

    private static func query(
        _ name: String, _ description: String, _ schema: String, isRequired: Bool = false
    ) -> OpenAPIParameter {
        OpenAPIParameter(
            place: .query, name: name, description: description, isRequired: isRequired,
            schema: schema)
    }
}

extension OpenAPISchemas {
    static let usageTracking: [(name: String, schema: String)] =
        Shapes.usageTracking + [
            (
                "UserLimits",
                #"""
                {"type":"object","required":["tier","limits"],"properties":{
                 "tier":{"type":["string","null"]},
                 "limits":{"type":"object","additionalProperties":{"$ref":"LimitCheck"}}},
                 "additionalProperties":{"$ref":"LimitCheck"}}
                """#
            ),
            (
                "TrackedEvent",
                #"""
                {"type":"object","required":["usageType"],"additionalProperties":false,"properties":{
                 "id":{"$ref":"OptionalName"},"userId":{"$ref":"OptionalName"},
                 "usageType":{"$ref":"Name"},"eventSubtype":{"$ref":"OptionalName"},
                 "projectId":{"$ref":"OptionalName"},"sceneId":{"$ref":"OptionalName"},
                 "tokensUsed":{"$ref":"OptionalQuantity"},"creditsUsed":{"$ref":"OptionalQuantity"},
                 "durationMs":{"$ref":"OptionalQuantity"},
                 "status":{"enum":["success","failed","cancelled",null]},
                 "errorMessage":{"type":["string","null"],"maxLength":4096,"pattern":"^[^\u0000]*$"},
                 "metadata":{"type":["object","null"]},"occurredAt":{"$ref":"OptionalInstant"}},
                 "description":"Each name may also be in snake case: user_id."}
                """#
            ),
            (
                "CheckedAction",
                #"""
                {"type":"object","required":["action"],"additionalProperties":false,"properties":{
                 "userId":{"$ref":"OptionalName"},"action":{"$ref":"Name"},
                 "throwOnExceed":{"type":["boolean","null"]}}}
                """#
            ),
        ]
}
