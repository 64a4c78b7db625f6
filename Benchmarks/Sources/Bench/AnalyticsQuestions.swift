import Meterstone
import MeterstoneCore

/// What a dashboard asks, and how people ask it in SQL.
struct AnalyticsQuestion: Sendable {
    let name: String
    /// Days back from the end of the year.
    var spans = [7, 30, 90, 365]
    /// Columns of the answer that plain SQL gives, too.
    let columns: [Int]
    let plain: @Sendable (PlainSpan) -> String
    let ask: @Sendable (MeterstoneEngine, ReportQuestion) async throws -> [[ReportValue]]

    private static let tokens = BigStoreEvents.meters[1]

    static let all: [AnalyticsQuestion] = [
        AnalyticsQuestion(name: "top subjects", columns: [0, 1, 2, 3], plain: \.topSubjects) {
            try await $0.topSubjects(of: tokens, $1).values
        },
        AnalyticsQuestion(name: "trends per day", columns: [2, 3, 4, 5], plain: \.trends) {
            var question = $1
            question.count = ReportQuestion.countMax
            return try await $0.trends(of: [], per: .day, question).values
        },
        AnalyticsQuestion(name: "usage by model", columns: [0, 1, 2, 3], plain: \.usageByModel) {
            try await $0.usage(of: tokens, by: .dimension("model"), $1).values
        },
        AnalyticsQuestion(name: "usage by plan", columns: [0, 1, 2, 3], plain: \.usageByPlan) {
            try await $0.usage(of: tokens, by: .plan, $1).values
        },
        AnalyticsQuestion(name: "funnel", columns: [0, 2], plain: \.funnel) {
            try await $0.funnel(of: BigStoreEvents.types, isOrdered: false, $1).values
        },
        AnalyticsQuestion(name: "funnel in order", columns: [0, 2], plain: \.orderedFunnel) {
            try await $0.funnel(of: BigStoreEvents.types, isOrdered: true, $1).values
        },
        AnalyticsQuestion(name: "error rates", columns: [0, 1, 2, 3, 6], plain: \.errorRates) {
            try await $0.errorRates(minimumEvents: 10, $1).values
        },
        AnalyticsQuestion(name: "feature adoption", columns: [0, 1, 2, 3, 5], plain: \.adoption) {
            try await $0.featureAdoption(of: [], $1).values
        },
        AnalyticsQuestion(name: "power users", columns: [0, 1, 3], plain: \.powerUsers) {
            try await $0.powerUsers(of: tokens, percent: 1, $1).values
        },
        AnalyticsQuestion(
            name: "idle subjects", spans: [7, 30, 90], columns: [0, 2], plain: \.idle
        ) {
            try await $0.idleSubjects(days: $1.days, $1).values
        },
        AnalyticsQuestion(
            name: "limit pressure", columns: [0, 1, 2, 3, 4], plain: \.limitPressure
        ) {
            try await $0.limitPressure($1).values
        },
        AnalyticsQuestion(name: "limit meetings", columns: [0, 1, 3, 4, 5], plain: \.limitMeetings)
        {
            try await $0.limitMeetings(of: nil, $1).values
        },
        AnalyticsQuestion(name: "overage", columns: [0, 1, 2, 3, 4], plain: \.overage) {
            try await $0.overage(of: nil, $1).values
        },
        AnalyticsQuestion(
            name: "unusual usage", spans: [28], columns: [0, 2], plain: \.unusual
        ) {
            var question = $1
            question.count = ReportQuestion.countMax
            return try await $0.unusualUsage(of: tokens, on: BigStoreEvents.lastDay, question)
                .values
                .sorted { $0[0].text < $1[0].text }
        },
    ]
}

extension ReportOutcome {
    fileprivate var values: [[ReportValue]] {
        get throws {
            switch self {
            case .report(let report): return report.rows.map(\.values)
            case .rejected(let rejection): throw BenchError(message: "\(rejection)")
            }
        }
    }
}

extension ReportValue {
    /// As SQLite writes it; of ratios the whole part.
    var text: String {
        switch self {
        case .text(let text): text
        case .integer(let number): String(number)
        case .ratio(let ratio): String(ratio.numerator / ratio.denominator)
        case .instant(let instant): String(instant.millisecondsSince1970)
        case .date(let date): "\(date)"
        case .flag(let flag): flag ? "1" : "0"
        case .list(let list): list.joined(separator: ",")
        case .none: ""
        }
    }
}
