/// What statistics of subjects are about.
extension OpenAPISchemas {
    static let statistics: [(name: String, schema: String)] = [
        ("StatisticsPolicyBody", object([], policy)),
        ("StatisticsPolicy", object(["milestones"], policy)),
        ("MilestoneRule", object(["key"], milestone)),
    ]

    private static let policy = #"""
        "sessions":{"type":["object","null"],"required":["completed","length"],
         "additionalProperties":false,"properties":{
         "completed":{"$ref":"Key"},"length":{"$ref":"Key"},
         "longest":{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"}}},
        "milestones":{"type":["array","null"],"items":{"$ref":"MilestoneRule"}}
        """#

    private static let milestone = #"""
        "key":{"$ref":"Key"},
        "meter":{"type":["string","null"],"pattern":"^[A-Za-z0-9_.-]{1,64}$"},
        "total":{"type":["integer","null"],"minimum":1,"maximum":9223372036854775807},
        "streak":{"type":["integer","null"],"minimum":1,"maximum":36525}
        """#
}
