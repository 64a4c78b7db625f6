import MeterstoneAPI

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
                + "," + Shapes.denied.properties + "}}"
        ),
        // Of a limit or a subject, or of the server.
        ("Refusal", #"{"anyOf":[{"$ref":"Denial"},{"$ref":"Problem"}]}"#),
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
    ]

    static let problem = #"""
        "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},
        "detail":{"type":"string"},"code":{"type":"string"},"field":{"type":"string"},
        "differs":{"type":"array","items":{"type":"string"},
         "description":"Of a conflict: the fields that say something else than before."}
        """#
}
