import ArgumentParser

/// `meterstone report`.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Answer an operator's question about all subjects, as a table, CSV or JSON.",
        subcommands: [
            TopReport.self, TrendsReport.self, UsageByReport.self, FunnelReport.self,
            ErrorsReport.self, UnmeteredReport.self, AdoptionReport.self, PowerUsersReport.self,
            IdleReport.self,
            LimitsReport.self, LimitSubjectsReport.self, UnusualReport.self, OverageReport.self,
            PlansReport.self, RetentionReport.self, FeatureRetentionReport.self,
            SessionsReport.self, FeatureValueReport.self,
        ])
}
