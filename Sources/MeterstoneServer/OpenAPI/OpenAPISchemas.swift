import MeterstoneAPI

/// The schemas of bodies, in the order in which the description lists them.
///
/// A reference names a schema alone, `{"$ref":"Key"}`, and is made a pointer as it is written.
enum OpenAPISchemas {
    static func resolved(_ schema: String) -> String {
        schema.replacing(#""$ref":""#, with: ##""$ref":"#/components/schemas/"##)
    }

    static let all: [(name: String, schema: String)] =
        values + Shapes.schemas + events + answers
        + reservations + credits + catalog + subjects + subjectStatistics + statistics
        + switching + analytics
        + operating + webhooks + requests + usageTracking + whatIf + access + administrators
        + accounts
        + [Shapes.schema(Shapes.backup), Shapes.schema(Shapes.backups)]

    /// Bounds are in bytes of UTF-8; for texts beyond ASCII the server counts more than JSON
    /// Schema.
    private static let values: [(name: String, schema: String)] = [
        ("Object", #"{"type":"object"}"#),
        ("Key", #"{"type":"string","pattern":"^[A-Za-z0-9_.-]{1,64}$"}"#),
        ("OptionalKey", #"{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"}"#),
        (
            "Name",
            #"""
            {"type":"string","minLength":1,"maxLength":255,"pattern":"^[^\u0000-\u001f\u007f]+$"}
            """#
        ),
        (
            "OptionalName",
            #"""
            {"type":["string","null"],"minLength":1,"maxLength":255,
             "pattern":"^[^\u0000-\u001f\u007f]+$"}
            """#
        ),
        ("Text", #"{"type":"string","pattern":"^[^\u0000]*$"}"#),
        ("OptionalText", #"{"type":["string","null"],"pattern":"^[^\u0000]*$"}"#),
        ("Instant", #"{"type":"string","format":"date-time"}"#),
        ("OptionalInstant", #"{"type":["string","null"],"format":"date-time"}"#),
        ("Quantity", #"{"type":"integer","minimum":0,"maximum":9223372036854775807}"#),
        (
            "OptionalQuantity",
            #"{"type":["integer","null"],"minimum":0,"maximum":9223372036854775807}"#
        ),
        (
            "Allowance",
            #"""
            {"type":"integer","minimum":-1,"maximum":9223372036854775807,
             "description":"-1 is unlimited, 0 is none."}
            """#
        ),
        (
            "Window",
            #"{"type":"string","pattern":"^("# + calendarWindows
                + "|request|concurrent|(rolling|sinceFirst):("
                + rolling
                + #"))$"}"#
        ),
        ("UsageWindow", #"{"type":"string","pattern":"^("# + calendarWindows + #")$"}"#),
        (
            "TextsByName",
            #"""
            {"type":["object","null"],"propertyNames":{"pattern":"^[^\u0000]*$"},
             "additionalProperties":{"$ref":"Text"}}
            """#
        ),
        (
            "ValuesByDimension",
            #"""
            {"type":["object","null"],"propertyNames":{"pattern":"^[^\u0000]*$"},
             "additionalProperties":{"type":"array","items":{"$ref":"Text"}}}
            """#
        ),
    ]

    private static let calendarWindows = "minute|quarter|lifetime|" + repeatingWindows

    static let repeatingWindows = """
        hour|day|month|year|billingMonth|week(:(monday|tuesday|wednesday|thursday|friday|saturday|\
        sunday))?
        """

    /// 1 to 31,622,400, which are the seconds of a leap year.
    private static let rolling = """
        [1-9][0-9]{0,6}|[12][0-9]{7}|30[0-9]{6}|31[0-5][0-9]{5}|316[01][0-9]{4}|3162[01][0-9]{3}|\
        31622[0-3][0-9]{2}|31622400
        """
}
