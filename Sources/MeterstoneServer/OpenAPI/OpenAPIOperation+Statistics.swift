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

    private static let path = "/v1/statistics-policy"
}
