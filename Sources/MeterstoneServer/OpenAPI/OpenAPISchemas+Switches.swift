/// What is in force, and for whom.
extension OpenAPISchemas {
    static let switching: [(name: String, schema: String)] = [
        ("SwitchesBody", object([], switches)),
        ("Switches", object(["tracking", "limits", "credits", "analytics"], switches)),
        ("Switch", object([], one)), ("Rollout", object([], rollout)),
    ]

    private static let switches = #"""
        "tracking":{"anyOf":[{"$ref":"Switch"},{"type":"null"}],
         "description":"Whether usage is recorded."},
        "limits":{"anyOf":[{"$ref":"Switch"},{"type":"null"}],
         "description":"Whether limits refuse; in shadow they count what they would have refused."},
        "credits":{"anyOf":[{"$ref":"Switch"},{"type":"null"}],
         "description":"Whether usage costs credits, where the credit policy says so."},
        "analytics":{"anyOf":[{"$ref":"Switch"},{"type":"null"}],
         "description":"Whether reports and what-if answer."}
        """#

    private static let one = #"""
        "state":{"enum":["on","shadow","off",null]},
        "rollout":{"anyOf":[{"$ref":"Rollout"},{"type":"null"}],
         "description":"For whom it is on already, where it is on; absent: for everybody."}
        """#

    private static let rollout = #"""
        "percent":{"type":["integer","null"],"minimum":0,"maximum":100,
         "description":"So many of a hundred teams, always the same."},
        "plans":{"type":["array","null"],"maxItems":50,"items":{"$ref":"Key"}},
        "subjects":{"type":["array","null"],"maxItems":50,
         "items":{"type":"string","minLength":1,"maxLength":256}}
        """#
}
