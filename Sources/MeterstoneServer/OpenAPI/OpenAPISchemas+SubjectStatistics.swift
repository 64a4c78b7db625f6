/// What subjects did, and documents of it.
extension OpenAPISchemas {
    static let subjectStatistics: [(name: String, schema: String)] = [
        ("QuantitiesByName", #"{"type":"object","additionalProperties":{"type":"integer"}}"#),
        ("OptionalKey", #"{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"}"#),
        ("OptionalNumber", #"{"type":["number","null"]}"#),
        (
            "Lifetime",
            object(
                [
                    "subject", "timeZone", "totals", "thisMonth", "daysActive", "currentStreak",
                    "longestStreak", "firstActivityAt", "lastActivityAt", "overages",
                    "planAtLastUse", "plan", "monthsSubscribed", "revenueMillionths",
                    "highestPlan",
                ], lifetime)
        ),
        (
            "Statistics",
            object(
                ["subject", "timeZone", "days", "daily", "totals", "recentEvents"],
                #"""
                "subject":{"$ref":"Name"},"timeZone":{"type":"string"},
                "days":{"type":"integer","minimum":1,"maximum":366},
                "daily":{"type":"object","additionalProperties":{"$ref":"QuantitiesByName"}},
                "totals":{"$ref":"QuantitiesByName"},
                "recentEvents":{"type":"array","maxItems":100,
                 "items":{"$ref":"RecordedEvent"}}
                """#)
        ),
        (
            "Pace",
            object(["subject", "timeZone", "calculatedAt", "limits", "month"], pace)
        ),
        ("UsageBody", usageBody),
        (
            "RecordedUsage",
            object(
                ["eventId", "counted", "duplicate"],
                #"""
                "eventId":{"$ref":"OptionalName"},"counted":{"type":"boolean"},
                "duplicate":{"type":"boolean"}
                """#)
        ),
        (
            "FeatureUse",
            object(
                [
                    "subject", "feature", "meter", "allowed", "used", "limit", "remaining",
                    "resetsAt",
                ],
                #"""
                "subject":{"$ref":"Name"},"feature":{"$ref":"Name"},"meter":{"$ref":"Key"},
                "allowed":{"type":"boolean"},"used":{"type":"integer"},
                "limit":{"$ref":"Allowance"},"remaining":{"type":"integer","minimum":-1},
                "resetsAt":{"$ref":"Instant"}
                """#)
        ),
    ]

    static let documents: [(name: String, schema: String)] = [
        (
            "DailyUsage",
            object(
                [
                    "userId", "date", "tokensUsed", "tokenLimit", "userType", "lastUpdated",
                    "resetAt",
                ],
                #"""
                "userId":{"$ref":"Name"},"date":{"type":"string","format":"date"},
                "tokensUsed":{"type":"integer"},"tokenLimit":{"$ref":"Allowance"},
                "userType":{"$ref":"OptionalKey"},"lastUpdated":{"$ref":"OptionalInstant"},
                "resetAt":{"$ref":"Instant"}
                """#)
        ),
        ("DailyUsageList", list("documents", of: "DailyUsage")),
        (
            "MonthlyUsage",
            object(
                [
                    "userId", "year", "month", "dailyUsage", "totalMonthlyTokens",
                    "averageDailyUsage", "peakUsageDate", "peakUsageTokens", "userType",
                    "createdAt", "updatedAt",
                ],
                #"""
                "userId":{"$ref":"Name"},"year":{"type":"integer"},
                "month":{"type":"integer","minimum":1,"maximum":12},
                "dailyUsage":{"type":"object","propertyNames":{"pattern":"^[0-3][0-9]$"},
                 "additionalProperties":{"type":"integer"}},
                "totalMonthlyTokens":{"type":"integer"},
                "averageDailyUsage":{"$ref":"OptionalNumber"},
                "peakUsageDate":{"type":["string","null"],"pattern":"^[0-3][0-9]$"},
                "peakUsageTokens":{"type":"integer"},"userType":{"$ref":"OptionalKey"},
                "createdAt":{"$ref":"Instant"},"updatedAt":{"$ref":"OptionalInstant"}
                """#)
        ),
        ("MonthlyUsageList", list("documents", of: "MonthlyUsage")),
    ]

    private static let lifetime = #"""
        "subject":{"$ref":"Name"},"timeZone":{"type":"string"},
        "totals":{"$ref":"QuantitiesByName"},"thisMonth":{"$ref":"QuantitiesByName"},
        "daysActive":{"type":"integer","minimum":0},
        "currentStreak":{"type":"integer","minimum":0},
        "longestStreak":{"type":"integer","minimum":0},
        "firstActivityAt":{"$ref":"OptionalInstant"},
        "lastActivityAt":{"$ref":"OptionalInstant"},
        "sessions":{"type":"object",
         "required":["completed","averageLength","longest","averagePerMonth"],
         "additionalProperties":false,"properties":{"completed":{"type":"integer"},
         "averageLength":{"$ref":"OptionalNumber"},"longest":{"type":["integer","null"]},
         "averagePerMonth":{"$ref":"OptionalNumber"}}},
        "overages":{"$ref":"QuantitiesByName"},"planAtLastUse":{"$ref":"OptionalKey"},
        "plan":{"$ref":"OptionalKey"},"monthsSubscribed":{"type":"integer","minimum":0},
        "revenueMillionths":{"type":"integer","minimum":0},
        "highestPlan":{"$ref":"OptionalKey"},
        "milestones":{"type":"array","items":{"type":"object","required":["key","reachedAt"],
         "additionalProperties":false,"properties":{"key":{"$ref":"Key"},
         "reachedAt":{"$ref":"Instant"}}}}
        """#

    private static let pace = #"""
        "subject":{"$ref":"Name"},"timeZone":{"type":"string"},"calculatedAt":{"$ref":"Instant"},
        "limits":{"type":"array","items":{"type":"object",
         "required":["limit","meter","window","allowance","used","projected","reachedAt","endsAt"],
         "additionalProperties":false,"properties":{"limit":{"$ref":"Key"},
         "meter":{"$ref":"Key"},"window":{"$ref":"Window"},"allowance":{"$ref":"Allowance"},
         "used":{"type":"integer"},"projected":{"type":["integer","null"]},
         "reachedAt":{"$ref":"OptionalInstant"},"endsAt":{"$ref":"OptionalInstant"}}}},
        "month":{"type":"object","required":["from","until","meters"],
         "additionalProperties":false,"properties":{"from":{"$ref":"Instant"},
         "until":{"$ref":"Instant"},"meters":{"type":"object","additionalProperties":{
         "type":"object","required":["used","projected"],"additionalProperties":false,
         "properties":{"used":{"type":"integer"},"projected":{"type":["integer","null"]}}}}}}
        """#

    private static let usageBody = #"""
        {"anyOf":[
         {"type":"object","required":["quantities"],"additionalProperties":false,"properties":{
          "id":{"$ref":"OptionalName"},"occurredAt":{"$ref":"OptionalInstant"},
          "quantities":{"type":"object","minProperties":1,"maxProperties":64,
           "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
           "additionalProperties":{"$ref":"Quantity"}}}},
         {"type":"object","minProperties":1,"propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
          "properties":{"id":{"$ref":"OptionalName"},"occurredAt":{"$ref":"OptionalInstant"},
          "quantities":{"type":"null"}},"additionalProperties":{"$ref":"OptionalQuantity"}}]}
        """#
}
