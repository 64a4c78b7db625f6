extension PageBuilder {
    /// What can it do? Six steps, each with a call that does it.
    func tour() async throws(PageProblem) -> Page {
        let url = request.address
        let meters = try await keys(of: "meters").filter {
            $0["aggregation"].text ?? "sum" == "sum"
        }
        let meter = meter(meters)
        guard !meter.isEmpty else {
            return Page(
                title: "Tour", question: "What can it do?",
                sections: [
                    .notice(
                        Notice(
                            heading: "There is nothing to count yet",
                            text: "The overview leads through the first meter and limit.",
                            link: ("To the overview", "/admin")))
                ], place: "/admin/tour")
        }
        let plans = try await keys(of: "plans")
        let plan = plans.last { !$0["isDefault"].isTrue }?["key"].text ?? "pro"
        func post(_ path: String, _ body: String) -> String {
            "curl -X POST \(url)\(path) \\\n  -H 'Content-Type: application/json' -d '\(body)'"
        }
        let steps: [(heading: String, text: String, code: String, link: String)] = [
            (
                "Count", "One event of somebody new. The answer says what is left.",
                post("/v1/consume", #"{"subject":"tour","meter":"\#(meter)"}"#),
                "/admin/subjects/tour"
            ),
            (
                "Ask first", "May they use fifty at once? Nothing is counted.",
                post("/v1/check", #"{"subject":"tour","meter":"\#(meter)","quantity":50}"#),
                "/admin/limits"
            ),
            (
                "Refuse",
                "More than is allowed is 429, with which limit, until when, and which plans allow it.",
                post("/v1/consume", #"{"subject":"tour","meter":"\#(meter)","quantity":1000000}"#),
                "/admin/limits"
            ),
            (
                "Change the plan", "A higher plan applies at once; what was used stays used.",
                post("/v1/subjects/tour/subscription", #"{"plan":"\#(plan)"}"#),
                "/admin/subjects/tour#actions"
            ),
            (
                "Take it back",
                "A mistake is voided. The first fact stays, and so does who did it.",
                post("/v1/consume", #"{"subject":"tour","meter":"\#(meter)","id":"oops"}"#) + "\n"
                    + post("/v1/events/oops/void", #"{"reason":"a mistake"}"#),
                "/admin/changes"
            ),
            (
                "Look back", "Who used most in 30 days, as a table, CSV or JSON.",
                "curl '\(url)/v1/analytics/top?meter=\(meter)&days=30&format=csv'", "/admin/top"
            ),
        ]
        return Page(
            title: "Tour", question: "What can it do?",
            sections: [
                .steps(
                    Steps(
                        heading: "Six calls; with a key, add -H 'Authorization: Bearer KEY'",
                        steps: steps.map {
                            .init(heading: $0.heading, text: $0.text, code: $0.code)
                        })),
                .facts(
                    Facts(
                        heading: "Where to look after each",
                        items: steps.map { ($0.heading, $0.link, $0.link) })),
            ], place: "/admin/tour")
    }
}
