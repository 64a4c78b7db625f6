/// Subjects, their events and what operators see.
extension OpenAPISchemas {
    static let subjects: [(name: String, schema: String)] = [
        ("SubjectBody", object([], profile)),
        (
            "Subject",
            object(
                ["id", "blocked"],
                #""id":{"$ref":"Name"},"# + profile
                    + #","overrides":{"type":"object","additionalProperties":"#
                    + #"{"$ref":"Allowance"}},"#
                    + #""subscription":{"$ref":"Subscription"}"#)
        ),
        ("SubjectList", list("subjects", of: "Subject")),
        (
            "SubjectLimits",
            object(
                ["subject", "limits"],
                #""subject":{"$ref":"Name"},"#
                    + #""limits":{"$ref":"LimitStatuses"}"#)
        ),
        ("SubscriptionBody", object(["plan"], subscription)),
        ("SubscriptionPatch", object([], subscription)),
        ("Subscription", object(["plan", "status", "startsAt"], subscription)),
        ("OverrideBody", object(["allowance"], allowance)),
        ("Override", object(["limit", "allowance"], override)),
        (
            "OverrideList",
            object(
                ["overrides"],
                #""overrides":{"type":"array","items":{"$ref":"Override"}}"#)
        ),
        ("EventList", list("events", of: "RecordedEvent")),
        (
            "RecordedEvent",
            object(
                [
                    "id", "subject", "occurredAt", "recordedAt", "quantities", "status", "voided",
                    "corrections",
                ], recordedEvent)
        ),
    ]

    static let operating: [(name: String, schema: String)] = [
        ("Status", object(["status"], #""status":{"enum":["alive","serving"]}"#)),
        ("ChangeList", list("changes", of: "Change")),
        (
            "Change",
            object(
                ["sequence", "recordedAt", "author", "kind", "key", "before", "after"],
                #"""
                "sequence":{"type":"integer","minimum":1},
                "recordedAt":{"$ref":"Instant"},"author":{"type":"string"},
                "kind":{"enum":["meter","plan","limit","subject","subscription","override",
                 "creditPolicy","statisticsPolicy","model","creditGrant","refund",
                 "appliedBlueprint","importedFile"]},
                "key":{"type":"string"},"before":true,"after":true
                """#)
        ),
    ]

    private static let profile = #"""
        "timeZone":{"$ref":"OptionalText"},
        "parent":{"$ref":"OptionalName"},
        "plan":{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
        "blocked":{"type":["boolean","null"]},
        "name":{"$ref":"OptionalText"},
        "metadata":{"$ref":"TextsByName"}
        """#

    private static let subscription = #"""
        "plan":{"$ref":"Key"},
        "status":{"enum":["trialing","active","pastDue","paused","cancelled","expired",null]},
        "startsAt":{"$ref":"Instant"},
        "expiresAt":{"$ref":"OptionalInstant"},
        "externalIds":{"$ref":"TextsByName"}
        """#

    private static let allowance = #""allowance":{"$ref":"Allowance"}"#

    private static let override = #""limit":{"$ref":"Key"},"# + allowance

    private static let recordedEvent = #"""
        "id":{"$ref":"Name"},"subject":{"$ref":"Name"},
        "type":{"$ref":"Name"},
        "occurredAt":{"$ref":"Instant"},
        "recordedAt":{"$ref":"Instant"},
        "quantities":{"type":"object","additionalProperties":{"$ref":"Quantity"}},
        "status":{"enum":["success","failed","cancelled"]},
        "subtype":{"$ref":"Name"},"durationMs":{"type":"integer","minimum":0},
        "costMillionths":{"type":"integer","minimum":0},
        "errorMessage":{"type":"string"},"project":{"$ref":"Name"},
        "scene":{"$ref":"Name"},"session":{"$ref":"Name"},
        "source":{"$ref":"Name"},
        "dimensions":{"type":"object","additionalProperties":{"type":"string"}},
        "properties":{"type":"object"},
        "reservation":{"type":"object","required":["status","expiresAt"],
         "additionalProperties":false,"properties":{
         "status":{"$ref":"ReservationStatus"},"expiresAt":{"$ref":"Instant"}}},
        "credits":{"$ref":"CreditCharge"},
        "voided":{"type":"boolean"},
        "corrections":{"type":"array","items":{"type":"object",
         "required":["kind","author","reason","recordedAt"],"additionalProperties":false,
         "properties":{
         "kind":{"enum":["void","amend"]},"author":{"type":"string"},"reason":{"type":"string"},
         "recordedAt":{"$ref":"Instant"}}}}
        """#
}
