/// Credits of subjects, and what things cost.
extension OpenAPISchemas {
    static let credits: [(name: String, schema: String)] = [
        (
            "CreditCharge",
            object(
                ["amount", "balance"],
                #""amount":{"$ref":"Quantity"},"balance":{"type":"integer"},"#
                    + #""shortfall":{"type":"integer","minimum":1}"#)
        ),
        (
            "Credits",
            object(
                [
                    "balance", "held", "debt", "shortfall", "lifetimeEarned", "lifetimeSpent",
                    "expired", "voided", "grants",
                ], totals + #","grants":{"type":"array","items":{"$ref":"OpenGrant"}}"#)
        ),
        ("Grant", object(grantRequired, grant)),
        (
            "OpenGrant",
            object(
                grantRequired + ["remaining", "held", "scheduled", "number"],
                grant
                    + #","remaining":{"$ref":"Quantity"},"held":{"$ref":"Quantity"},"#
                    + #""scheduled":{"type":"boolean"},"number":{"type":"integer","minimum":1},"#
                    + #""rolloverMax":{"type":"integer","minimum":1}"#)
        ),
        ("GrantBody", object(["amount"], grantBody)),
        (
            "GrantAnswer",
            object(
                ["grant", "balance"],
                #""grant":{"$ref":"Grant"},"balance":{"type":"integer"}"#)
        ),
        ("ReasonBody", object([], #""reason":{"$ref":"Reason"}"#)),
        (
            "VoidAnswer",
            object(
                ["grant", "amount", "balance"],
                #""grant":{"$ref":"Grant"},"#
                    + #""amount":{"$ref":"Quantity"},"balance":{"type":"integer"}"#)
        ),
        (
            "RefundBody",
            object(["reference"], #""reference":{"$ref":"Name"},"reason":{"$ref":"Reason"}"#)
        ),
        (
            "RefundAnswer",
            object(
                ["amount", "balance"],
                #""amount":{"$ref":"Quantity"},"balance":{"type":"integer"}"#)
        ),
        (
            "Reason",
            #"""
            {"type":["string","null"],"minLength":1,"maxLength":4096,"pattern":"^[^\u0000]+$"}
            """#
        ),
        ("EntryList", list("entries", of: "Entry")),
        (
            "Entry",
            object(
                [
                    "sequence", "kind", "amount", "balanceAfter", "recordedAt", "occurredAt",
                    "seal", "previousSeal",
                ], entry)
        ),
        ("CreditPolicyBody", object([], policy + effectivePolicy)),
        ("CreditPolicy", object(["enabled", "payment", "prices"], policy + effectivePolicy)),
        ("EffectiveCreditPolicy", object(["enabled", "payment", "prices"], policy)),
        ("RecurringGrant", object(["window", "amount"], recurringGrant)),
        ("ModelPrice", object(["input", "output"], price)),
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
        ("Seal", #"{"type":"string","pattern":"^[0-9a-f]{64}$"}"#),
    ]

    private static let totals = #"""
        "balance":{"type":"integer"},"held":{"$ref":"Quantity"},"debt":{"$ref":"Quantity"},
        "shortfall":{"$ref":"Quantity"},
        "lifetimeEarned":{"$ref":"Quantity"},"lifetimeSpent":{"$ref":"Quantity"},
        "expired":{"$ref":"Quantity"},"voided":{"$ref":"Quantity"}
        """#

    private static let grantRequired = [
        "id", "amount", "priority", "effectiveAt", "expiresAt", "source",
    ]

    private static let grant = #"""
        "id":{"$ref":"Name"},"amount":{"$ref":"Quantity"},
        "priority":{"type":"integer","minimum":0,"maximum":1000},
        "effectiveAt":{"$ref":"Instant"},"expiresAt":{"$ref":"OptionalInstant"},
        "source":{"enum":["purchase","plan","dailyRefill","refund","adjustment"]},
        "reference":{"type":"string"},"metadata":{"$ref":"TextsByName"}
        """#

    private static let grantBody = #"""
        "id":{"$ref":"OptionalName"},
        "amount":{"type":"integer","minimum":1,"maximum":1000000000000},
        "priority":{"type":["integer","null"],"minimum":0,"maximum":1000},
        "effectiveAt":{"$ref":"OptionalInstant"},"expiresAt":{"$ref":"OptionalInstant"},
        "source":{"enum":["purchase","plan","dailyRefill","refund","adjustment",null]},
        "reference":{"$ref":"OptionalName"},"metadata":{"$ref":"TextsByName"}
        """#

    private static let entry = #"""
        "sequence":{"type":"integer","minimum":1},
        "kind":{"enum":["grant","schedule","spend","hold","settle","release","expire","void",
         "refund"]},
        "amount":{"type":"integer"},"balanceAfter":{"type":"integer"},
        "recordedAt":{"$ref":"Instant"},"occurredAt":{"$ref":"Instant"},
        "reference":{"type":"string"},"note":{"type":"string"},"author":{"type":"string"},
        "grant":{"$ref":"Grant"},"grantNumber":{"type":"integer","minimum":1},
        "shortfall":{"type":"integer","minimum":1},
        "allocations":{"type":"array","items":{"type":"object",
         "required":["grant","units","priority","expiresAt"],"additionalProperties":false,
         "properties":{"grant":{"type":"integer","minimum":1},"units":{"$ref":"Quantity"},
         "priority":{"type":"integer"},"expiresAt":{"$ref":"OptionalInstant"},
         "rolloverMax":{"type":"integer","minimum":1}}}},
        "seal":{"$ref":"Seal"},"previousSeal":{"$ref":"Seal"}
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
        "input":{"$ref":"Price"},"output":{"$ref":"Price"},
        "cached":{"$ref":"OptionalPrice"},"reasoning":{"$ref":"OptionalPrice"}
        """#
}
