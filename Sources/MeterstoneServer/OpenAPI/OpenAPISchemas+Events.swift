/// What comes in: events, and corrections of events.
extension OpenAPISchemas {
    static let events: [(name: String, schema: String)] = [
        (
            "Event",
            #"{"type":"object","required":["subject"],"additionalProperties":false,"properties":{"#
                + eventMembers + #"},"allOf":["# + oneNotation + "," + movesSomething
                + "]}"
        ),
        (
            "EventData",
            #"{"type":["object","null"],"properties":{"# + details + "," + levels
                + #"},"allOf":["# + oneNotation
                + "]}"
        ),
        (
            "CloudEvent",
            #"""
            {"type":"object","required":["specversion","id","source","type","subject"],
             "additionalProperties":false,"patternProperties":{"^[a-z0-9]+$":true},
             "properties":{"specversion":{"const":"1.0"},
             "id":{"$ref":"Name"},"source":{"$ref":"Name"},
             "type":{"$ref":"Name"},
             "subject":{"$ref":"Name"},
             "time":{"$ref":"OptionalInstant"},
             "datacontenttype":{"enum":["application/json",null]},
             "dataschema":{"type":["string","null"],"minLength":1,"maxLength":4096},
             "data":{"$ref":"EventData"}}}
            """#
        ),
        (
            "Events",
            #"""
            {"anyOf":[{"$ref":"Event"},
             {"type":"object","required":["events"],"additionalProperties":false,
              "properties":{"events":{"$ref":"EventArray"}}},
             {"$ref":"EventArray"}]}
            """#
        ),
        (
            "EventArray",
            #"""
            {"type":"array","items":true,
             "description":"Events. One that breaks a rule is rejected in its result."}
            """#
        ),
        (
            "EventLines",
            #"{"type":"string","description":"One event a line; each line has its own verdict."}"#
        ),
        (
            "Void",
            #"{"type":"object","required":["reason"],"additionalProperties":false,"properties":{"#
                + correction + "}}"
        ),
        (
            "Amendment",
            #"{"type":"object","required":["reason"],"additionalProperties":false,"properties":{"#
                + correction + #","type":{"$ref":"OptionalName"},"# + details
                + #"},"allOf":["# + oneNotation + "," + amendsSomething + "]}"
        ),
    ]

    /// Members of an event that a reserve takes as well.
    static let eventMembers = identity + "," + details + "," + levels
    /// What no member of an event says alone.
    static let eventRules = oneNotation + "," + movesSomething
    /// The same of a check, which may name a limit instead of a meter.
    static let checkRules =
        #"{"anyOf":[{"allOf":["# + eventRules
        + #",{"properties":{"limit":{"type":"null"}}}]},{"required":["limit"],"properties":"#
        + #"{"limit":{"type":"string"},"meter":{"type":"null"},"quantities":{"type":"null"}}},"#
        + #"{"required":["feature"],"properties":{"feature":{"type":"string"},"limit":{"type":"null"},"#
        + #""meter":{"type":"null"},"quantity":{"type":"null"},"quantities":{"type":"null"},"#
        + #""type":{"type":"null"}}}]}"#
    /// What is told when a reservation ends.
    static let closingMembers = notationMembers + "," + releaseMembers
    static let closingRules = oneNotation
    static let releaseMembers = #""type":{"$ref":"OptionalName"},"# + telling

    private static let notationMembers = #"""
        "meter":{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
        "quantity":{"$ref":"OptionalQuantity"},
        "quantities":{"$ref":"Quantities"}
        """#

    private static let identity = #"""
        "id":{"$ref":"OptionalName"},
        "subject":{"$ref":"Name"},
        "type":{"$ref":"OptionalName"},
        "occurredAt":{"$ref":"OptionalInstant"},
        "source":{"$ref":"OptionalName"}
        """#

    private static let levels = #"""
        "levels":{"type":["array","null"],"maxItems":8,"uniqueItems":true,
         "items":{"$ref":"Name"},
         "description":"Further subjects that it counts for, beside its own and the teams above that."}
        """#

    private static let details = notationMembers + "," + telling

    private static let telling = #"""
        "status":{"enum":["success","failed","cancelled",null]},
        "subtype":{"$ref":"OptionalName"},
        "durationMs":{"$ref":"OptionalQuantity"},
        "costMillionths":{"$ref":"OptionalQuantity"},
        "errorMessage":{"type":["string","null"],"maxLength":4096,"pattern":"^[^\u0000]*$"},
        "project":{"$ref":"OptionalName"},
        "scene":{"$ref":"OptionalName"},
        "session":{"$ref":"OptionalName"},
        "dimensions":{"type":["object","null"],"maxProperties":64,
         "propertyNames":{"minLength":1,"maxLength":255,"pattern":"^[^\u0000-\u001f\u007f]+$"},
         "additionalProperties":{"type":"string","maxLength":255,
          "pattern":"^[^\u0000-\u001f\u007f]*$"}},
        "properties":{"type":["object","null"]}
        """#

    private static let correction = #"""
        "author":{"type":["string","null"],"minLength":1,"maxLength":255,"pattern":"^[^\u0000]+$"},
        "reason":{"type":"string","minLength":1,"maxLength":4096,"pattern":"^[^\u0000]+$"},
        "source":{"$ref":"OptionalName"}
        """#

    private static let hasMeter =
        #"{"type":"object","required":["meter"],"properties":{"meter":{"type":"string"}}}"#
    private static let hasQuantities = #"""
        {"type":"object","required":["quantities"],
         "properties":{"quantities":{"type":"object","minProperties":1}}}
        """#

    /// Either `meter`, perhaps with `quantity`, or `quantities`.
    private static let oneNotation =
        #"{"not":{"allOf":["# + hasMeter + "," + hasQuantities + #"]}},"#
        + #"{"anyOf":[{"properties":{"quantity":{"type":"null"}}},"# + hasMeter + "]}"

    private static let movesSomething =
        #"{"anyOf":["# + hasMeter + "," + hasQuantities
        + #",{"required":["type"],"properties":{"type":{"type":"string"}}}]}"#

    private static let amendsSomething =
        #"{"anyOf":[{"required":["meter"]},{"required":["quantities"]}]}"#
}
