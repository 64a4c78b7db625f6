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
                    + #""additions":{"type":"array","items":{"$ref":"Addition"}},"#
                    + #""resets":{"type":"object","additionalProperties":"#
                    + #"{"type":"array","items":{"$ref":"LimitReset"}}},"#
                    + #""subscription":{"$ref":"Subscription"}"#)
        ),
        ("SubjectList", list("subjects", of: "Subject")),
        ("SubscriptionBody", object(["plan"], subscription)),
        ("SubscriptionPatch", object([], subscription)),
        ("Subscription", object(["plan", "status", "startsAt"], subscription)),
        ("OverrideBody", object(["allowance"], allowance)),
        (
            "ResetBody",
            object(
                [],
                #""reason":{"type":["string","null"],"minLength":1,"maxLength":4096,"#
                    + #""pattern":"^[^\u0000]+$"}"#)
        ),
        (
            "LimitReset",
            object(
                ["at", "sequence", "author", "reason"],
                #""at":{"$ref":"Instant"},"sequence":{"type":"integer","minimum":1},"#
                    + #""author":{"$ref":"Text"},"reason":{"$ref":"Text"}"#)
        ),
        ("AdditionBody", object([], additionBody)),
        (
            "Addition",
            object(["id"], #""id":{"$ref":"Key"},"author":{"$ref":"Text"},"# + addition)
        ),
        (
            "AdditionList",
            object(["additions"], #""additions":{"type":"array","items":{"$ref":"Addition"}}"#)
        ),
    ]

    static let operating: [(name: String, schema: String)] = [
        ("Status", object(["status"], #""status":{"enum":["alive","serving"]}"#))
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

    private static let additionBody = #""id":{"$ref":"OptionalKey"},"# + addition

    private static let addition = #"""
        "limit":{"$ref":"OptionalKey"},
        "set":{"type":["integer","null"],"minimum":-1,"maximum":9223372036854775807},
        "add":{"type":["integer","null"],
         "minimum":-1000000000000000,"maximum":1000000000000000},
        "atLeast":{"type":["integer","null"],"minimum":-1,"maximum":9223372036854775807},
        "addOn":{"$ref":"OptionalKey"},
        "quantity":{"type":["integer","null"],"minimum":1,"maximum":1000000},
        "from":{"$ref":"OptionalInstant"},
        "until":{"$ref":"OptionalInstant"},
        "reason":{"$ref":"OptionalText"}
        """#

    private static let allowance = #""allowance":{"$ref":"Allowance"}"#
}
