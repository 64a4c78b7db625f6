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
                + eventMembers + #","as":{"enum":["consume","reservation",null]}},"allOf":["#
                + eventRules + "]}"
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
            #"{"type":"object","additionalProperties":false,"properties":{"# + notationMembers
                + #"},"allOf":["# + notation + "]}"
        ),
        ("Nothing", object([], "")),
        (
            "Quantities",
            #"""
            {"type":["object","null"],"maxProperties":64,
             "propertyNames":{"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
             "additionalProperties":{"$ref":"Quantity"}}
            """#
        ),
        ("ReservationStatus", #"{"enum":["open","settled","released","expired"]}"#),
        (
            "Reservation",
            object(
                [
                    "id", "subject", "status", "quantities", "reservedAt", "expiresAt", "closedAt",
                    "onExpiry", "onOverage",
                ], reservation)
        ),
        (
            "ReservationList",
            object(
                ["reservations"],
                #""reservations":{"type":"array","items":{"$ref":"Reservation"}}"#)
        ),
        (
            "ReserveAnswer",
            object(
                ["allowed", "duplicate", "reservation", "limits"],
                #""allowed":{"const":true},"# + answer)
        ),
        ("ReservationAnswer", object(["duplicate", "reservation", "limits"], answer)),
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
        + #""onOverage":{"enum":["count","cap",null]}"#

    private static let reservation = #"""
        "id":{"$ref":"Name"},"source":{"$ref":"Name"},"subject":{"$ref":"Name"},
        "status":{"$ref":"ReservationStatus"},
        "quantities":{"$ref":"Quantities"},
        "reported":{"$ref":"Quantities"},
        "reservedAt":{"$ref":"Instant"},"expiresAt":{"$ref":"Instant"},
        "closedAt":{"$ref":"OptionalInstant"},
        "onExpiry":{"enum":["release","charge","chargeReported"]},
        "onOverage":{"enum":["count","cap"]}
        """#

    private static let answer = #"""
        "duplicate":{"type":"boolean"},"reservation":{"$ref":"Reservation"},
        "limits":{"$ref":"LimitStatuses"},"credits":{"$ref":"CreditCharge"}
        """#
}
