/// The reports, as paths, commands and cursors name them.
package enum ReportName: String, CaseIterable, Sendable {
    case top, trends
    case usageBy = "usage-by"
    case funnel, errors, adoption
    case powerUsers = "power-users"
    case idle, limits
    case limitSubjects = "limit-subjects"
    case unusual, overage, plans, unmetered
}
