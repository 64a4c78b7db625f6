/// Meters, plans, limits and models. What is sent may leave out what has a default; what comes back does
/// not.
extension OpenAPISchemas {
    static let catalog: [(name: String, schema: String)] =
        schemas("Meter", "meters", required: [], always: ["aggregation", "eventTypes"], meter)
        + schemas("Plan", "plans", required: [], always: ["rank", "isDefault"], plan)
        + schemas(
            "Limit", "limits", required: ["meter", "window"],
            always: ["meter", "window", "mode", "active"], limit)
        + [
            (
                "ChangePolicy",
                object(
                    [],
                    #"""
                    "at":{"enum":["now","periodEnd",null]},"usage":{"enum":["keep","reset",null]},
                    "anchor":{"enum":["keep","new",null]},
                    "credits":{"enum":["difference","full","nextWindow",null]}
                    """#)
            ),
            (
                "OverriddenBy",
                #"""
                {"type":"array","items":{"type":"string"},"readOnly":true,
                 "description":"The variables that come before what is stored."}
                """#
            ),
        ]
        + schemas("Model", "models", key: "Name", required: ["prices"], always: ["prices"], model)
        + [("Blueprint", blueprint), ("ImportNote", importNote)]

    private static let blueprint = object(
        ["meters", "plans", "limits"],
        [
            parts("meters", meter), parts("plans", plan),
            parts("limits", required: ["meter", "window"], limit),
            parts("models", key: "Name", required: ["prices"], model, isOptional: true),
            parts("alerts", alert, isOptional: true),
            part("credits", "CreditPolicyBody"), part("statistics", "StatisticsPolicyBody"),
            part("switches", "SwitchesBody"),
        ].joined(separator: ","))

    /// Things of one kind within a blueprint, each with its key.
    private static func parts(
        _ name: String, key: String = "Key", required: [String] = [], _ properties: String,
        isOptional: Bool = false
    ) -> String {
        let item = object(["key"] + required, #""key":{"$ref":"\#(key)"},"# + properties)
        let type = isOptional ? #"["array","null"]"# : #""array""#
        return #""\#(name)":{"type":\#(type),"items":\#(item)}"#
    }

    private static func part(_ name: String, _ schema: String) -> String {
        #""\#(name)":{"anyOf":[{"$ref":"\#(schema)"},{"type":"null"}]}"#
    }

    private static let importNote = object(
        ["name", "bytes", "digest", "scope", "mapping"],
        #"""
        "name":{"$ref":"Text"},"source":{"$ref":"OptionalName"},"bytes":{"$ref":"Quantity"},
        "digest":{"$ref":"Text"},"scope":{"$ref":"Text"},"mapping":{"$ref":"Text"},
        "counted":{"$ref":"OptionalQuantity"}
        """#)

    /// The body of a write and of a change, the thing itself, and a page of them.
    static func schemas(
        _ name: String, _ plural: String, key: String = "Key", required: [String], always: [String],
        _ properties: String
    ) -> [(name: String, schema: String)] {
        let key = #""key":{"$ref":"\#(key)"},"#
        return [
            (name + "Body", object(required, properties + times)),
            (name + "Patch", object([], properties)),
            (name, object(["key"] + always, key + properties + times)),
            (name + "List", list(plural, of: name)),
        ]
    }

    /// Since when a thing is there, and when it was written about last: more properties.
    static let times =
        #","createdAt":{"$ref":"Instant"},"updatedAt":{"$ref":"Instant"}"#

    static func object(_ required: [String], _ properties: String) -> String {
        let names = required.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"type":"object","required":["# + names
            + #"],"additionalProperties":false,"properties":{"# + properties + "}}"
    }

    static func list(_ plural: String, of name: String, and more: String? = nil) -> String {
        object(
            [plural, "nextCursor"],
            #""\#(plural)":{"type":"array","items":{"$ref":"\#(name)"}},"#
                + #""nextCursor":{"type":["string","null"]}"# + (more.map { "," + $0 } ?? ""))
    }

    private static let meter = #"""
        "aliases":{"type":["array","null"],"maxItems":16,"items":{"$ref":"Key"},
         "description":"Other names of the meter: in quantities, as a type of events, and in questions."},
        "aggregation":{"enum":["sum","count","max","latest","uniqueCount","gauge","integral",null]},
        "eventTypes":{"type":["array","null"],"items":{"$ref":"Text"}},
        "dimensions":{"$ref":"ValuesByDimension"},
        "quantityName":{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
        "alongside":{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$",
         "description":"An event without a type that names this quantity matches as event types do."},
        "uniqueDimension":{"$ref":"OptionalText"},
        "countedStatuses":{"type":["array","null"],"minItems":1,
         "items":{"enum":["success","failed","cancelled"]}},
        "counts":{"enum":["quantities","cost",null],
         "description":"Quantities, or what events cost, in billionths of the currency unit."},
        "withoutCost":{"anyOf":[{"enum":["nothing","refuse",null]},
         {"type":"integer","minimum":0,"maximum":1000000000000}],
         "description":"What an event counts that names a model and tells no cost; a number is millionths."},
        "onAbort":{"enum":["nothing","told","reserved",null],
         "description":"What counts of a reservation that failed or was cancelled."},
        "abortMinimum":{"type":["integer","null"],"minimum":0,"maximum":9223372036854775807,
         "description":"What counts at least of it."},
        "unit":{"$ref":"OptionalText"},
        "description":{"$ref":"OptionalText"}
        """#

    private static let plan = #"""
        "name":{"$ref":"OptionalText"},
        "description":{"$ref":"OptionalText"},
        "rank":{"type":["integer","null"],"minimum":-9223372036854775808,
         "maximum":9223372036854775807},
        "isDefault":{"type":["boolean","null"]},
        "recurringGrants":{"type":["array","null"],"items":{"$ref":"RecurringGrant"}},
        "additions":{"type":["array","null"],"items":{"$ref":"Addition"}},
        "overdraft":{"type":["integer","null"],"minimum":0,"maximum":1000000000000},
        "price":{"type":["integer","null"],"minimum":0,"maximum":1000000000000,
         "description":"Millionths of the currency unit per billing period."},
        "scheduled":{"type":["array","null"],"maxItems":24,
         "description":"What it costs from instants to come on.",
         "items":{"type":"object","required":["effectiveAt","price"],
          "additionalProperties":false,"properties":{"effectiveAt":{"$ref":"Instant"},
           "price":{"type":"integer","minimum":0,"maximum":1000000000000}}}},
        "billingPeriod":{"enum":["month","year",null]},
        "features":{"type":["object","null"],
         "propertyNames":{"minLength":1,"maxLength":255,"pattern":"^[^\u0000]*$"},
         "additionalProperties":{"$ref":"PlanFeature"}},
        "keepsVersion":{"type":["boolean","null"]},
        "pastDueGraceDays":{"type":["integer","null"],"minimum":0,"maximum":366},
        "onUpgrade":{"anyOf":[{"$ref":"ChangePolicy"},{"type":"null"}]},
        "onDowngrade":{"anyOf":[{"$ref":"ChangePolicy"},{"type":"null"}]},
        "effectiveRecurringGrants":{"type":"array","items":{"$ref":"RecurringGrant"},
         "readOnly":true,"description":"What is in force, where the environment says otherwise."},
        "overriddenBy":{"$ref":"OverriddenBy"}
        """#

    private static let model =
        #""prices":{"type":"array","minItems":1,"items":{"$ref":"ModelPrice"}}"#

    private static let valueAllowances = #"""
        {"type":["object","null"],
         "description":"Allowances of some values, by a pattern in which * stands for any text.",
         "additionalProperties":{"anyOf":[{"$ref":"Allowance"},{"type":"object",
          "additionalProperties":false,"properties":{
           "allowances":{"type":["object","null"],
            "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
            "additionalProperties":{"$ref":"Allowance"}},
           "defaultAllowance":{"type":["integer","null"],"minimum":-1,
            "maximum":9223372036854775807}}}]}}
        """#

    static let limit = #"""
        "meter":{"$ref":"Key"},
        "window":{"$ref":"Window"},
        "allowances":{"type":["object","null"],
         "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
         "additionalProperties":{"$ref":"Allowance"}},
        "defaultAllowance":{"type":["integer","null"],"minimum":-1,"maximum":9223372036854775807},
        "scheduled":{"type":["array","null"],"maxItems":24,
         "description":"What it allows from instants to come on.",
         "items":{"type":"object","required":["effectiveAt"],"additionalProperties":false,
          "properties":{"effectiveAt":{"$ref":"Instant"},
           "allowances":{"type":["object","null"],
            "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
            "additionalProperties":{"$ref":"Allowance"}},
           "defaultAllowance":{"type":["integer","null"],"minimum":-1,
            "maximum":9223372036854775807},
           "values":\#(valueAllowances)}}},
        "addOns":{"type":["object","null"],
         "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
         "additionalProperties":{"type":"integer","minimum":1,"maximum":1000000000000000},
         "description":"Add-on, and how much more one of it allows."},
        "dimensions":{"$ref":"ValuesByDimension"},
        "per":{"type":["string","null"],"minLength":1,"maxLength":255,
         "description":"Count each value by itself: session, project or the name of a dimension."},
        "values":\#(valueAllowances),
        "subjects":{"type":["array","null"],"maxItems":50,
         "items":{"type":"string","minLength":1,"maxLength":256},
         "description":"Whom the allowances are for: patterns of keys, as session/*; ! before takes them out."},
        "valuesMax":{"type":["integer","null"],"minimum":1,"maximum":10000,
         "description":"How many values of a window have a counter of their own."},
        "beyondValues":{"enum":["refuse","together",null],
         "description":"What becomes of further values."},
        "rollover":{"type":["object","null"],"additionalProperties":false,"properties":{
          "max":{"type":["integer","null"],"minimum":1,"maximum":1000000000000000},
          "windows":{"type":["integer","null"],"minimum":1,"maximum":24}},
         "description":"What is left of a window and may be used in the next ones."},
        "debt":{"type":["boolean","null"],
         "description":"Whether what goes beyond is taken off the windows that follow."},
        "mode":{"enum":["enforce","soft","shadow","off",null]},
        "rollout":{"anyOf":[{"$ref":"Rollout"},{"type":"null"}],
         "description":"For whom mode holds already; the limit is a shadow for all others."},
        "failMode":{"enum":["open","closed",null],
         "description":"What whoever asks about it does while no server answers; closed unless told."},
        "fallback":{"$ref":"OptionalName"},
        "blockWhenExceeded":{"type":["boolean","null"],
         "description":"Whether the subject is blocked for everything while the limit is full."},
        "active":{"type":["boolean","null"]},
        "description":{"$ref":"OptionalText"},
        "effectiveAllowances":{"type":"object","readOnly":true,
         "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
         "additionalProperties":{"$ref":"Allowance"},
         "description":"What is in force by plan, where the environment says otherwise."},
        "effectiveMode":{"enum":["shadow","off"],"readOnly":true},
        "overriddenBy":{"$ref":"OverriddenBy"},
        "unknownPlans":{"type":"array","readOnly":true,"items":{"$ref":"Key"},
         "description":"Plans of rollout that do not exist (yet): nobody is on them."}
        """#
}
