import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension AnalyticsReport {
    /// Every report that is served.
    static let all: [AnalyticsReport] = usage + behaviour + limits

    private static let usage = [
        AnalyticsReport(.top, "Who used most of a meter", [.meter]) { engine, query, question in
            try await engine.topSubjects(of: query.meter(), question)
        },
        AnalyticsReport(
            .trends, "Usage of meters over time", [.meters, .trendWindow]
        ) { engine, query, question in
            let window = try query.optional("window", Window.trendExpectation) { Window(trend: $0) }
            return try await engine.trends(
                of: query.meters(), per: window ?? .day, question)
        },
        AnalyticsReport(
            .usageBy, "Usage of a meter by model, category, type, source or plan", [.meter, .facet]
        ) { engine, query, question in
            let facet = try query.required("by", ReportFacet.expectation) { ReportFacet($0) }
            return try await engine.usage(of: query.meter(), by: facet, question)
        },
    ]

    private static let behaviour = [
        AnalyticsReport(
            .funnel, "How many subjects get from one type of event to the next",
            [.types, .stepMeters, .ordered]
        ) { engine, query, question in
            let isOrdered = try query.flag("ordered") ?? true
            if let meters = try query.stepMeters() {
                return try await engine.funnel(
                    ofMeters: meters, isOrdered: isOrdered, question)
            }
            return try await engine.funnel(of: query.types(), isOrdered: isOrdered, question)
        },
        AnalyticsReport(
            .errors, "How operations end, and how long they take", [.minimumEvents]
        ) { engine, query, question in
            let events = try query.number("minimumEvents", in: ReportBounds.minimumEvents)
            return try await engine.errorRates(
                minimumEvents: events ?? ReportBounds.minimumEventsDefault, question)
        },
        AnalyticsReport(
            .unmetered, "Events that no meter counts, by type"
        ) { engine, _, question in try await engine.unmeteredEvents(question) },
        AnalyticsReport(
            .adoption, "How many of a plan's subjects use a meter", [.meters]
        ) { engine, query, question in
            try await engine.featureAdoption(of: query.meters(), question)
        },
        AnalyticsReport(
            .powerUsers, "The few who use most, and their share", [.meter, .percent]
        ) { engine, query, question in
            let percent = try query.number("percent", in: ReportBounds.percent)
            return try await engine.powerUsers(
                of: query.meter(), percent: percent ?? ReportBounds.percentDefault, question)
        },
        AnalyticsReport(
            .idle, "Who was active once and is no more", [.idleDays]
        ) { engine, query, question in
            let days = try query.number("idleDays", in: ReportBounds.days)
            return try await engine.idleSubjects(
                days: days ?? ReportBounds.idleDaysDefault, question)
        },
        AnalyticsReport(
            .unusual, "Whose day stands out from the days before", [.meter, .date]
        ) { engine, query, question in
            let day = try query.optional("date", CivilDate.expectation) { CivilDate($0) }
            return try await engine.unusualUsage(of: query.meter(), on: day, question)
        },
    ]

    private static let limits = [
        AnalyticsReport(
            .limits, "How often limits are met, and whether an upgrade follows"
        ) { engine, _, question in
            try await engine.limitPressure(question)
        },
        AnalyticsReport(
            .limitSubjects, "Who meets a limit, and what they do then", [.reportLimit]
        ) { engine, query, question in
            try await engine.limitMeetings(of: query.identifier("limit"), question)
        },
        AnalyticsReport(
            .overage, "Who used more than the allowance", [.reportLimit]
        ) { engine, query, question in
            try await engine.overage(of: query.identifier("limit"), question)
        },
        AnalyticsReport(
            .plans, "What the subjects on a plan paid and cost", [.optionalMeter]
        ) { engine, query, question in
            try await engine.planEconomics(of: query.identifier("meter"), question)
        },
    ]
}
