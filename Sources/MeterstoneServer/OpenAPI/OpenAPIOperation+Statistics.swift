import HTTPTypes

/// Operations on what statistics of subjects are about.
extension OpenAPIOperation {
    static let statistics: [OpenAPIOperation] = [
        get(
            path, "getStatisticsPolicy", "Meters of sessions, and milestones", [],
            "StatisticsPolicy"
        ).tagged,
        put(
            path: path, id: "putStatisticsPolicy",
            summary: "Name meters of sessions, and milestones: a meter with a total, or a streak",
            parameters: [], body: "StatisticsPolicyBody", answer: "StatisticsPolicy"),
        delete(
            path: path, id: "deleteStatisticsPolicy",
            summary: "Say nothing about sessions and milestones", parameters: []),
    ]

    /// Operations on what is in force.
    static let switches: [OpenAPIOperation] = [
        get(switchPath, "getSwitches", "What is in force, and for whom", [], "Switches").tagged,
        put(
            path: switchPath, id: "putSwitches",
            summary: "Switch tracking, limits, credits and analytics, for all or for some",
            parameters: [], body: "SwitchesBody", answer: "Switches"),
        delete(
            path: switchPath, id: "deleteSwitches",
            summary: "Have everything in force for everybody", parameters: []),
    ]

    private static let switchPath = "/v1/switches"

    private static let path = "/v1/statistics-policy"
}
