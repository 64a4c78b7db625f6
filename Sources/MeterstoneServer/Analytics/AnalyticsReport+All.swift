import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension AnalyticsReport {
    /// Every report that is served.
    static let all: [AnalyticsReport] = usage + behaviour + limits

    private static let usage = [
        AnalyticsReport(.top, "Who used most of a meter", [.meter]) { query in
            .top(try query.meter())
        },
        AnalyticsReport(.trends, "Usage of meters over time", [.meters, .trendWindow]) { query in
            let window = try query.optional("window", Window.trendExpectation) { Window(trend: $0) }
            return .trends(try query.meters(), per: window ?? .day)
        },
        AnalyticsReport(
            .usageBy, "Usage of a meter by model, category, type, source or plan", [.meter, .facet]
        ) { query in
            let facet = try query.required("by", ReportFacet.expectation) { ReportFacet($0) }
            return .usage(try query.meter(), by: facet)
        },
    ]

    private static let behaviour = [
        AnalyticsReport(
            .funnel, "How many subjects get from one type of event to the next",
            [.types, .stepMeters, .ordered, .independent]
        ) { query in
            let order = try query.funnelOrder()
            if let meters = try query.stepMeters() { return .funnelOfMeters(meters, order) }
            return .funnel(try query.types(), order)
        },
        AnalyticsReport(
            .errors, "How operations end, and how long they take", [.minimumEvents]
        ) { query in
            let events = try query.number("minimumEvents", in: ReportBounds.minimumEvents)
            return .errors(minimumEvents: events ?? ReportBounds.minimumEventsDefault)
        },
        AnalyticsReport(
            .unmetered, "Events that no meter counts, by type"
        ) { _ in .unmetered },
        AnalyticsReport(
            .adoption, "How many of a plan's subjects use a meter", [.meters]
        ) { query in .adoption(try query.meters()) },
        AnalyticsReport(
            .powerUsers, "The few who use most, and their share", [.meter, .percent]
        ) { query in
            let percent = try query.number("percent", in: ReportBounds.percent)
            return .powerUsers(
                try query.meter(), percent: percent ?? ReportBounds.percentDefault)
        },
        AnalyticsReport(.idle, "Who was active once and is no more", [.idleDays]) { query in
            let days = try query.number("idleDays", in: ReportBounds.days)
            return .idle(days: days ?? ReportBounds.idleDaysDefault)
        },
        AnalyticsReport(
            .retention, "How many of those who began together came back",
            [.cohortWindow, .optionalMeter]
        ) { query in
            .retention(per: try query.cohortWindow(), try query.identifier("meter"))
        },
        AnalyticsReport(
            .featureRetention, "Whether who used a meter when they began came back more often",
            [.meters, .cohortWindow]
        ) { query in .featureRetention(try query.meters(), per: try query.cohortWindow()) },
        AnalyticsReport(.sessions, "How long sessions are, by plan") { _ in .sessions },
        AnalyticsReport(
            .featureValue, "What those paid who used a meter, by plan", [.meters]
        ) { query in .featureValue(try query.meters()) },
        AnalyticsReport(
            .unusual, "Whose day stands out from the days before", [.meter, .date]
        ) { query in
            let day = try query.optional("date", CivilDate.expectation) { CivilDate($0) }
            return .unusual(try query.meter(), on: day)
        },
    ]

    private static let limits = [
        AnalyticsReport(.limits, "How often limits are met, and whether an upgrade follows") { _ in
            .limits
        },
        AnalyticsReport(
            .limitSubjects, "Who meets a limit, and what they do then", [.reportLimit]
        ) { query in .limitSubjects(try query.identifier("limit")) },
        AnalyticsReport(
            .overage, "Who used more than the allowance", [.reportLimit]
        ) { query in .overage(try query.identifier("limit")) },
        AnalyticsReport(
            .plans, "What the subjects on a plan paid and cost", [.optionalMeter]
        ) { query in .plans(try query.identifier("meter")) },
    ]
}
