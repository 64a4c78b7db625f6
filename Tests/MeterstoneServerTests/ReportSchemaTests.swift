import Foundation
import MeterstoneAPI
import MeterstoneCore
import MeterstoneServer
import Testing

/// The description of each report against a row made by hand.
@Suite struct ReportSchemaTests {
    private static let subject = SubjectID(unchecked: "ann")
    private static let meter = MeterKey(unchecked: "prompts")
    private static let limit = LimitKey(unchecked: "daily")
    private static let plan = PlanKey(unchecked: "free")
    private static let instant = Instant(millisecondsSince1970: 0)
    private static let ratio = Ratio(1, of: 3)

    static let rows: [(schema: String, row: any ReportRow)] = [
        (
            "TopReport",
            TopSubject(subject: subject, quantity: 1, events: 1, lastUsedAt: instant)
        ),
        (
            "TrendsReport",
            TrendPoint(
                from: instant, until: instant, meter: meter, quantity: 1, events: 1, subjects: 1)
        ),
        (
            "UsageByReport",
            UsageShare(value: "gpt-4", quantity: 1, events: 1, subjects: 1, share: ratio)
        ),
        (
            "FunnelReport",
            FunnelStep(type: "t", subjects: 1, rateOfFirst: ratio, rateOfPrevious: ratio)
        ),
        (
            "ErrorsReport",
            ErrorRate(
                type: "t", subtype: "s", events: 1, failed: 1, cancelled: 1, errorRate: ratio,
                averageDurationMs: ratio, p50DurationMs: 1, p95DurationMs: 1)
        ),
        (
            "AdoptionReport",
            FeatureAdoption(
                plan: plan, meter: meter, subjects: 1, activeSubjects: 1, rate: ratio, quantity: 1)
        ),
        (
            "PowerUsersReport",
            PowerUser(subject: subject, quantity: 1, share: ratio, activeDays: 1)
        ),
        (
            "IdleReport",
            IdleSubject(subject: subject, plan: plan, lastActiveAt: instant, idleDays: 1)
        ),
        (
            "LimitsReport",
            LimitPressure(
                limit: limit, plan: plan, subjects: 1, events: 1, upgraded: 1, upgradeRate: ratio)
        ),
        (
            "LimitSubjectsReport",
            LimitMeeting(
                limit: limit, subject: subject, plan: plan, events: 1, days: 1, firstAt: instant,
                upgradedAt: instant, upgradedTo: plan)
        ),
        (
            "UnusualReport",
            UnusualUsage(
                subject: subject, date: CivilDate(daysSince1970: 0), quantity: 1,
                usualQuantity: ratio, reason: "r")
        ),
        (
            "OverageReport",
            Overage(limit: limit, subject: subject, plan: plan, quantity: 1, events: 1)
        ),
        (
            "UnmeteredReport",
            UnmeteredEvents(
                type: "t", status: .success, events: 1, firstAt: instant, lastAt: instant,
                suggestion: "s")
        ),
        (
            "RetentionReport",
            RetentionCohort(
                cohort: CivilDate(daysSince1970: 0), period: 1, subjects: 1, active: 1, rate: ratio)
        ),
        (
            "FeatureRetentionReport",
            FeatureRetention(
                meter: meter, subjects: 1, retained: 1, others: 1, othersRetained: 1)
        ),
        (
            "SessionsReport",
            SessionQuality(
                plan: plan, subjects: 1, sessions: 1, averageLength: ratio, longest: 1,
                sessionsPerSubject: ratio)
        ),
        (
            "FeatureValueReport",
            FeatureValue(plan: plan, meter: meter, subjects: 1, quantity: 1, revenueMillionths: 1)
        ),
        (
            "PlansReport",
            PlanEconomics(
                plan: plan, subjects: 1, revenueMillionths: 1, costMillionths: 1, quantity: 1,
                unitCostMillionths: ratio)
        ),
    ]

    /// The description of a row of the report.
    private func rowSchema(_ name: String) throws -> [String: Any] {
        let json = Data(OpenAPIDocument.json(isGuarded: true))
        var node: Any? = try JSONSerialization.jsonObject(with: json)
        for step in ["components", "schemas", name, "properties", "rows", "items"] {
            node = (node as? [String: Any])?[step]
        }
        return try #require(node as? [String: Any], "\(name)")
    }

    @Test func `each report is described as it is written`() throws {
        for (name, row) in Self.rows {
            let schema = try rowSchema(name)
            #expect(schema["required"] as? [String] == type(of: row).columns)
            let properties = try #require(schema["properties"] as? [String: [String: Any]])
            for (column, value) in zip(type(of: row).columns, row.values) {
                let expected =
                    switch value {
                    case .integer: "integer"
                    case .ratio: "number"
                    default: "string"
                    }
                let type = properties[column]?["type"]
                let types = type as? [String] ?? (type as? String).map { [$0] }
                #expect(types?.first == expected, "\(name).\(column)")
            }
        }
        #expect(Self.rows.count == ReportName.allCases.count)
    }

    @Test func `every report has an operation`() {
        let paths = OpenAPIDocument.operations.map(\.path)
        for name in ReportName.allCases {
            let place = name == .unmetered ? "events" : "analytics"
            #expect(paths.contains("/v1/\(place)/\(name.rawValue)"))
        }
    }
}
