/// What goes out: decisions, results, usage and problems.
extension OpenAPISchemas {
    static let answers: [(name: String, schema: String)] = [
        (
            "Problem",
            #"{"type":"object","required":["type","title","status","detail","code"],"properties":{"#
                + problem + "}}"
        ),
        (
            "Denial",
            #"{"type":"object","required":["type","title","status","detail","code","limits","#
                + #""violated","retryAfterSeconds","plansThatAllow"],"properties":{"# + problem
                + ","
                + denial + "," + charge + "}}"
        ),
        (
            "LimitStatus",
            #"""
            {"type":"object","required":["limit","meter","window","allowance","used","remaining",
             "resetsAt","mode"],"additionalProperties":false,"properties":{
             "limit":{"$ref":"Key"},"subject":{"$ref":"Name"},
             "meter":{"$ref":"Key"},
             "window":{"$ref":"Window"},
             "allowance":{"$ref":"Allowance"},"used":{"type":"integer"},
             "remaining":{"type":"integer","minimum":-1},
             "resetsAt":{"$ref":"OptionalInstant"},
             "mode":{"enum":["enforce","soft","shadow","off"]},
             "wouldHaveDenied":{"type":"integer","minimum":0},
             "overage":{"type":"integer","minimum":1}}}
            """#
        ),
        (
            "ConsumeAnswer",
            #"""
            {"type":"object","required":["allowed","duplicate","limits"],
             "additionalProperties":false,"properties":{"allowed":{"const":true},
             "duplicate":{"type":"boolean"},"eventId":{"$ref":"Name"},
             "limits":{"$ref":"LimitStatuses"},
             "credits":{"$ref":"CreditCharge"}}}
            """#
        ),
        (
            "CheckAnswer",
            #"{"type":"object","required":["allowed","duplicate","limits"],"#
                + #""additionalProperties":false,"properties":{"allowed":{"type":"boolean"},"#
                + #""duplicate":{"const":false},"#
                + #""code":{"enum":["limit_exceeded","insufficient_credits","subject_blocked"]},"#
                + denial + "," + charge + "}}"
        ),
        (
            "LimitStatuses",
            #"{"type":"array","items":{"$ref":"LimitStatus"}}"#
        ),
        (
            "EventsAnswer",
            #"""
            {"type":"object","required":["counted","duplicate","conflict","rejected","results"],
             "additionalProperties":false,"properties":{"counted":{"type":"integer","minimum":0},
             "duplicate":{"type":"integer","minimum":0},"conflict":{"type":"integer","minimum":0},
             "rejected":{"type":"integer","minimum":0},"omitted":{"type":"integer","minimum":1},
             "notRecorded":{"type":"integer","minimum":1},
             "results":{"type":"array","items":{"type":"object",
              "required":["index","id","status"],"additionalProperties":false,"properties":{
              "index":{"type":"integer","minimum":0},"id":{"type":["string","null"]},
              "status":{"enum":["counted","duplicate","conflict","rejected","notRecorded"]},
              "error":{"type":"object","required":["code","field","detail"],
               "additionalProperties":false,"properties":{"code":{"type":"string"},
               "field":{"type":"string"},"detail":{"type":"string"}}}}}}}}
            """#
        ),
        (
            "CorrectionAnswer",
            #"""
            {"type":"object","required":["eventId","corrected","duplicate"],
             "additionalProperties":false,"properties":{"eventId":{"$ref":"Name"},
             "corrected":{"const":true},"duplicate":{"type":"boolean"}}}
            """#
        ),
        (
            "Usage",
            #"""
            {"type":"object","required":["subject","meter","window","timeZone","points"],
             "additionalProperties":false,"properties":{"subject":{"$ref":"Name"},
             "meter":{"$ref":"Key"},
             "window":{"$ref":"UsageWindow"},"timeZone":{"type":"string"},
             "points":{"type":"array","items":{"type":"object",
              "required":["from","until","quantity"],
              "additionalProperties":false,"properties":{
              "from":{"$ref":"Instant"},
              "until":{"$ref":"Instant"},"quantity":{"type":"integer"}}}}}}
            """#
        ),
    ]

    static let problem = #"""
        "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},
        "detail":{"type":"string"},"code":{"type":"string"},"field":{"type":"string"},
        "differs":{"type":"array","items":{"type":"string"},
         "description":"Of a conflict: the fields that say something else than before."}
        """#

    private static let denial = #"""
        "limits":{"$ref":"LimitStatuses"},
        "violated":{"type":"array","items":{"$ref":"Key"}},
        "retryAfterSeconds":{"type":["integer","null"],"minimum":1},
        "nextRefillAt":{"$ref":"Instant"},
        "plansThatAllow":{"type":"array","items":{"$ref":"Key"}}
        """#

    private static let charge = #""credits":{"$ref":"CreditCharge"}"#
}
