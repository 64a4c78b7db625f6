/// Units set aside: what is asked for, and what comes back.
extension OpenAPISchemas {
    static let reservations: [(name: String, schema: String)] = [
        (
            "Reserve",
            #"{"type":"object","required":["subject"],"additionalProperties":false,"properties":{"#
                + eventMembers + "," + terms + #"},"allOf":["# + eventRules + "]}"
        ),
        (
            "Check",
            #"{"type":"object","required":["subject"],"additionalProperties":false,"properties":{"#
                + eventMembers
                + #","limit":{"$ref":"OptionalKey"},"feature":{"$ref":"OptionalName"},"#
                + #""as":{"enum":["consume","reservation",null]}},"allOf":["# + checkRules + "]}"
        ),
        (
            "Extension",
            object(
                [],
                expiresInSeconds
                    + #","quantities":{"$ref":"Quantities"},"reported":{"$ref":"Quantities"}"#)
        ),
        (
            "Settlement",
            #"{"type":"object","additionalProperties":false,"properties":{"# + closingMembers
                + #"},"allOf":["# + closingRules + "]}"
        ),
        ("Release", object([], releaseMembers)),
        (
            "Quantities",
            #"""
            {"type":["object","null"],"maxProperties":64,
             "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
             "additionalProperties":{"$ref":"Quantity"}}
            """#
        ),
        (
            "ReservationProblem",
            #"{"type":"object","required":["type","title","status","detail","code"],"properties":{"#
                + problem + #","reservation":{"$ref":"Reservation"}}}"#
        ),
    ]

    private static let expiresInSeconds =
        #""expiresInSeconds":{"type":["integer","null"],"minimum":1,"maximum":2592000}"#

    private static let terms =
        expiresInSeconds
        + #","onExpiry":{"enum":["release","charge","chargeReported",null]},"#
        + #""onOverage":{"enum":["count","cap",null]},"#
        + #""onAbort":{"enum":["nothing","told","reserved",null]},"#
        + #""abortMinimum":{"$ref":"Quantities"}"#
}
