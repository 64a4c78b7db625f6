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
                + "," + Shapes.denied.properties + "," + action + "}}"
        ),
        // Of a limit or a subject, or of the server.
        ("Refusal", #"{"anyOf":[{"$ref":"Denial"},{"$ref":"Problem"}]}"#),
        (
            "ConsumeAnswers",
            #"{"anyOf":[{"$ref":"ConsumeAnswer"},{"$ref":"ConsumesAnswer"}]}"#
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

    /// What a refused action of an application that tracked usage itself has beside it.
    private static let action = #"""
        "message":{"type":"string"},"cause":\#(Shapes.denialCause.definition)
        """#

    static let problem = #"""
        "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},
        "detail":{"type":"string"},"code":{"type":"string"},"field":{"type":"string"},
        "differs":{"type":"array","items":{"type":"string"},
         "description":"Of a conflict: the fields that say something else than before."}
        """#
}
