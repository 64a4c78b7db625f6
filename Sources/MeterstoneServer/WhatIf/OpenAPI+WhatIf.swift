import HTTPTypes

/// The operation that plays a past span again, and its schemas.
extension OpenAPIOperation {
    static let whatIf = [
        OpenAPIOperation(
            method: .post, path: "/v1/what-if", id: "whatIf",
            summary: "What would have been refused under other limits or plans",
            description: """
                Plays the usage of a past span again under the limits that the body names, by the \
                rules that decide, and changes nothing.
                """,
            body: [("application/json", "WhatIfQuestion")],
            answers: [
                OpenAPIAnswer(
                    status: 200, description: "Who would have been refused, by what, and when.",
                    schema: "WhatIfAnswer")
            ],
            problems: [.forbidden])
    ]
}

extension OpenAPISchemas {
    static let whatIf: [(name: String, schema: String)] = [
        (
            "WhatIfQuestion",
            object(
                [],
                #"""
                "from":{"$ref":"OptionalInstant"},"until":{"$ref":"OptionalInstant"},
                "limits":{"type":["array","null"],"items":{"$ref":"WhatIfLimit"}},
                "allowances":{"type":["array","null"],"items":{"$ref":"WhatIfAllowance"}},
                "plans":{"type":["array","null"],"maxItems":1000,"items":{"$ref":"WhatIfPlan"}},
                "allLimits":{"type":["boolean","null"]},
                "timeZone":{"$ref":"OptionalText"},
                "subjectsMax":{"type":["integer","null"],"minimum":0,"maximum":1000},
                "refusalsMax":{"type":["integer","null"],"minimum":0,"maximum":10000}
                """#)
        ),
        (
            "WhatIfLimit",
            object(["key", "meter", "window"], #""key":{"$ref":"Key"},"# + limit)
        ),
        (
            "WhatIfAllowance",
            object(
                ["limit"],
                #"""
                "limit":{"$ref":"Key"},
                "plan":{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
                "allowance":{"type":["integer","null"],"minimum":-1,"maximum":9223372036854775807}
                """#)
        ),
        (
            "WhatIfPlan",
            object(["subject", "plan"], #""subject":{"$ref":"Name"},"plan":{"$ref":"Key"}"#)
        ),
    ]
}
