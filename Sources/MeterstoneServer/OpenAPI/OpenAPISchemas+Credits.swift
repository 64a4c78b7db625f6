/// Credits of subjects, and what things cost.
extension OpenAPISchemas {
    static let credits: [(name: String, schema: String)] = [
        ("GrantBody", object(["amount"], grantBody)),
        ("ReasonBody", object([], #""reason":{"$ref":"Reason"}"#)),
        (
            "RefundBody",
            object(["reference"], #""reference":{"$ref":"Name"},"reason":{"$ref":"Reason"}"#)
        ),
        (
            "Reason",
            #"""
            {"type":["string","null"],"minLength":1,"maxLength":4096,"pattern":"^[^\u0000]+$"}
            """#
        ),
        ("CreditPolicyBody", object([], policy + effectivePolicy)),
        ("CreditPolicy", object(["enabled", "payment", "prices"], policy + effectivePolicy)),
        ("EffectiveCreditPolicy", object(["enabled", "payment", "prices"], policy)),
        ("RecurringGrant", object(["window", "amount"], recurringGrant)),
        ("ModelPrice", object(["input", "output"], price)),
        (
            "RateTier",
            object(
                ["above", "input", "output"],
                #""above":{"type":"integer","minimum":0,"maximum":9223372036854775807},"# + rates)
        ),
        (
            "Price",
            #"""
            {"type":"integer","minimum":0,"maximum":1000000000000,
             "description":"Millionths of the currency unit per million tokens."}
            """#
        ),
        (
            "OptionalPrice",
            #"{"type":["integer","null"],"minimum":0,"maximum":1000000000000}"#
        ),
    ]

    private static let grantBody = #"""
        "id":{"$ref":"OptionalName"},
        "amount":{"type":"integer","minimum":1,"maximum":1000000000000},
        "priority":{"type":["integer","null"],"minimum":0,"maximum":1000},
        "effectiveAt":{"$ref":"OptionalInstant"},"expiresAt":{"$ref":"OptionalInstant"},
        "source":{"enum":["purchase","plan","dailyRefill","refund","adjustment",null]},
        "reference":{"$ref":"OptionalName"},"metadata":{"$ref":"TextsByName"},
        "oncePerPerson":{"type":["boolean","null"]}
        """#

    private static let effectivePolicy = #"""
        ,"effective":{"$ref":"EffectiveCreditPolicy","readOnly":true},
         "overriddenBy":{"$ref":"OverriddenBy"}
        """#

    private static let policy = #"""
        "enabled":{"type":["boolean","null"]},
        "payment":{"enum":["creditsOnly","allowanceFirst",null]},
        "prices":{"type":["object","null"],
         "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
         "additionalProperties":{"type":"integer","minimum":0,"maximum":1000000000000}}
        """#

    private static let recurringGrant =
        #""window":{"type":"string","pattern":"^("# + repeatingWindows + #")$"},"# + #"""
            "amount":{"type":"integer","minimum":1,"maximum":1000000000000},
            "rolloverMax":{"type":["integer","null"],"minimum":1,"maximum":1000000000000},
            "priority":{"type":["integer","null"],"minimum":0,"maximum":1000}
            """#

    private static let price = #"""
        "effectiveAt":{"$ref":"OptionalInstant"},
        "tiers":{"type":["array","null"],"maxItems":16,"items":{"$ref":"RateTier"}},
        "image":{"$ref":"OptionalPrice"},
        "batchPercent":{"type":["integer","null"],"minimum":0,"maximum":100},
        """# + rates

    private static let rates = #"""
        "input":{"$ref":"Price"},"output":{"$ref":"Price"},
        "cached":{"$ref":"OptionalPrice"},"cacheWrite":{"$ref":"OptionalPrice"},
        "cacheWriteLong":{"$ref":"OptionalPrice"},"audioInput":{"$ref":"OptionalPrice"},
        "reasoning":{"$ref":"OptionalPrice"},"audioOutput":{"$ref":"OptionalPrice"}
        """#
}
