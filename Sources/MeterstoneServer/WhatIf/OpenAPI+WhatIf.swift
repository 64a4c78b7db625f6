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
        (
            "WhatIfAnswer",
            object(
                [
                    "from", "until", "timeZone", "events", "allowed", "refused", "subjects",
                    "subjectsRefused", "limits", "days", "mostRefused", "refusals", "truncated",
                ], answer)
        ),
        (
            "WhatIfRefusal",
            object(
                ["subject", "occurredAt", "limits", "eventId"],
                #"""
                "subject":{"$ref":"Name"},"occurredAt":{"$ref":"Instant"},
                "limits":{"type":"array","minItems":1,"items":{"$ref":"Key"}},
                "eventId":{"$ref":"Name"},"source":{"$ref":"Name"}
                """#)
        ),
    ]

    private static let answer = #"""
        "from":{"$ref":"OptionalInstant"},"until":{"$ref":"OptionalInstant"},
        "timeZone":{"type":"string"},"events":{"$ref":"Quantity"},"allowed":{"$ref":"Quantity"},
        "refused":{"$ref":"Quantity"},"subjects":{"$ref":"Quantity"},
        "subjectsRefused":{"$ref":"Quantity"},
        "limits":{"type":"array","items":{"type":"object",
         "required":["limit","refused","subjects"],"additionalProperties":false,"properties":{
         "limit":{"$ref":"Key"},"refused":{"$ref":"Quantity"},"subjects":{"$ref":"Quantity"}}}},
        "days":{"type":"array","items":{"type":"object","required":["day","refused"],
         "additionalProperties":false,"properties":{"day":{"type":"string","format":"date"},
         "refused":{"$ref":"Quantity"}}}},
        "mostRefused":{"type":"array","items":{"type":"object",
         "required":["subject","refused","firstRefusedAt","lastRefusedAt"],
         "additionalProperties":false,"properties":{"subject":{"$ref":"Name"},
         "refused":{"$ref":"Quantity"},"firstRefusedAt":{"$ref":"Instant"},
         "lastRefusedAt":{"$ref":"Instant"}}}},
        "refusals":{"type":"array","items":{"$ref":"WhatIfRefusal"}},
        "truncated":{"type":"boolean"}
        """#
}
