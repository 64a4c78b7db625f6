import MeterstoneCore

/// Subjects, their events and what operators see.
extension OpenAPISchemas {
    static let subjects: [(name: String, schema: String)] = [
        ("SubjectBody", object([], profile + times)),
        ("SubjectPatch", object([], profile)),
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
                    + #""account":{"$ref":"Account"},"erasedAt":{"$ref":"Instant"},"#
                    + #""subscription":{"$ref":"Subscription"},"# + scheduled + times)
        ),
        ("FeatureAnswer", #"{"anyOf":[{"$ref":"FeatureUse"},{"$ref":"FeatureOfPlan"}]}"#),
        ("PlanFeature", #"{"type":["boolean","integer","string"],"maxLength":255}"#),
        ("SubscriptionChangeBody", object(["plan"], subscriptionChange)),
        ("AliasBody", object(["alias"], #""alias":{"$ref":"Name"}"#)),
        ("RenameBody", object(["to"], #""to":{"$ref":"Name"}"#)),
        ("EraseBody", object(["confirm"], #""confirm":{"type":"string"}"#)),
        ("MergeBody", object(["from"], #""from":{"$ref":"Name"}"#)),
        (
            "SubjectList",
            list("subjects", of: "Subject", and: #""total":{"type":"integer","minimum":0}"#)
        ),
        ("SubscriptionBody", object(["plan"], subscriptionBody + times)),
        ("SubscriptionPatch", object([], subscriptionBody)),
        ("Subscription", object(["plan", "status", "startsAt"], subscription + times)),
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

    private static let dates = #"""
        "plan":{"$ref":"Key"},
        "startsAt":{"$ref":"Instant"},
        "expiresAt":{"$ref":"OptionalInstant"},
        "externalIds":{"$ref":"TextsByName"},
        "metadata":{"$ref":"TextsByName"},
        "graceUntil":{"$ref":"OptionalInstant"},
        "billingAnchor":{"$ref":"OptionalInstant"},
        "versionAt":{"$ref":"OptionalInstant"}
        """#

    private static func status(_ texts: [String]) -> String {
        let list = texts.map { "\"\($0)\"" }.joined(separator: ",")
        return #","status":{"enum":[\#(list),null]}"#
    }

    private static let statuses = SubscriptionStatus.allCases.map(\.rawValue)
    private static let statusTold = status(
        statuses + SubscriptionStatus.spellings.map(\.text))

    private static let newer = #"""
        ,"ifNewerThan":{"type":["string","null"],"format":"date-time",
         "description":"When the cause happened. Nothing changes when a later cause was told before."}
        """#

    private static let subscriptionBody = dates + statusTold + newer

    private static let subscription =
        dates + status(statuses)
            + #"""
            ,"causedAt":{"$ref":"Instant"},
            "change":{"type":"object","readOnly":true,
             "required":["usage","anchor","credits"],"additionalProperties":false,
             "description":"How it came about, where that was a change of plan.","properties":{
              "usage":{"enum":["keep","reset"]},"anchor":{"enum":["keep","new"]},
              "credits":{"enum":["difference","full","nextWindow"]}}}
            """#

    private static let subscriptionChange =
        #"""
        "plan":{"$ref":"Key"},
        "at":{"anyOf":[{"enum":["now","periodEnd",null]},{"$ref":"Instant"}]},
        "usage":{"enum":["keep","reset",null]},
        "anchor":{"enum":["keep","new",null]},
        "credits":{"enum":["difference","full","nextWindow",null]},
        "expiresAt":{"$ref":"OptionalInstant"},
        "externalIds":{"$ref":"TextsByName"},
        "metadata":{"$ref":"TextsByName"}
        """# + statusTold + newer

    private static let scheduled = #"""
        "formerZones":{"type":"array","readOnly":true,
         "description":"The time zones that it had before; the last may still count.",
         "items":{"type":"object","required":["until"],"additionalProperties":false,
          "properties":{"timeZone":{"type":"string"},"until":{"$ref":"Instant"}}}},
        "scheduled":{"type":"array","readOnly":true,
         "description":"Subscriptions that follow, by their start.",
         "items":{"type":"object","required":["subscription","grants"],
          "additionalProperties":false,"properties":{"subscription":{"$ref":"Subscription"},
          "grants":{"type":"array","items":{"$ref":"Name"}}}}},
        "billing":{"type":"object","readOnly":true,"required":["turns","given"],
         "additionalProperties":false,
         "description":"How changes of plan cut billing months, and what credits they gave.",
         "properties":{"base":{"$ref":"Instant"},
          "turns":{"type":"array","items":{"type":"object",
           "required":["at","opensWindow","plans"],"additionalProperties":false,
           "properties":{"at":{"$ref":"Instant"},"anchor":{"$ref":"Instant"},
            "opensWindow":{"type":"boolean"},"plans":{"type":"array","items":{"$ref":"Key"}}}}},
          "given":{"type":"array","items":{"type":"object",
           "required":["window","from","amount"],"additionalProperties":false,
           "properties":{"window":{"$ref":"Window"},"from":{"$ref":"Instant"},
            "amount":{"$ref":"Quantity"}}}}}}
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
