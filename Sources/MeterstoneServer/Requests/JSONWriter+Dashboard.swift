import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension JSONWriter {
    /// Writes the members of a dashboard.
    ///
    /// - Parameters:
    ///   - recent: the latest requests, as JSON.
    ///   - isRecalculated: whether the caller asked for it to be computed anew, and is told when that
    ///     was. It always is.
    mutating func dashboard(
        _ dashboard: RequestDashboard, recent: [UInt8], isRecalculated: Bool
    ) {
        user(dashboard)
        metrics(dashboard)
        limits(dashboard)
        performance(dashboard.totals)
        name("recentRequests")
        json(recent)
        name("requestsByCategory")
        beginObject()
        for (category, count) in dashboard.totals.byCategory.sorted(by: { $0.key < $1.key }) {
            name(text: category)
            integer(count)
        }
        endObject()
        guard isRecalculated else { return }
        name("lastCalculatedAt")
        instant(dashboard.calculatedAt)
    }

    private mutating func user(_ dashboard: RequestDashboard) {
        name("user")
        beginObject()
        name("id")
        string(dashboard.subject.text)
        name("email")
        optional(text: dashboard.email)
        name("plan")
        optional(text: dashboard.plan?.text)
        name("requestsUsed")
        integer(dashboard.thisMonth.used)
        name("requestsLimit")
        integer(dashboard.thisMonth.allowance.wire)
        endObject()
    }

    private mutating func metrics(_ dashboard: RequestDashboard) {
        let totals = dashboard.totals
        name("metrics")
        beginObject()
        name("totalRequests")
        integer(totals.requests)
        name("totalTokensUsed")
        integer(totals.tokens)
        name("totalCost")
        integer(totals.cost.cents)
        name("averageResponseTime")
        optional(number: totals.averageMilliseconds)
        name("requestsThisMonth")
        integer(dashboard.thisMonth.used)
        name("requestsToday")
        integer(dashboard.today.used)
        endObject()
    }

    private mutating func limits(_ dashboard: RequestDashboard) {
        name("limits")
        beginObject()
        name("monthlyUsed")
        integer(dashboard.thisMonth.used)
        name("monthlyLimit")
        integer(dashboard.thisMonth.allowance.wire)
        name("dailyUsed")
        integer(dashboard.today.used)
        name("dailyLimit")
        integer(dashboard.today.allowance.wire)
        name("canMakeRequest")
        boolean(dashboard.canStart)
        name("planName")
        optional(text: dashboard.plan?.text)
        endObject()
    }

    private mutating func performance(_ totals: RequestTotals) {
        name("performance")
        beginObject()
        name("averageResponseTime")
        optional(number: totals.averageMilliseconds)
        name("successRate")
        decimal(totals.successInTenThousand, digits: 4)
        name("averageRating")
        decimal(totals.averageRatingTenths, digits: 1)
        name("totalRequests")
        integer(totals.requests)
        endObject()
    }

    private mutating func optional(text: String?) {
        if let text { string(text) } else { null() }
    }

    private mutating func optional(number: Int64?) {
        if let number { integer(number) } else { null() }
    }

    /// Writes a number from 0 that is known in parts of a power of ten, without zeros at its end.
    mutating func decimal(_ parts: Int64?, digits: Int) {
        guard let parts else { return null() }
        var scale: Int64 = 1
        for _ in 0..<digits { scale *= 10 }
        let (whole, rest) = parts.quotientAndRemainder(dividingBy: scale)
        var fraction = String(String(scale + rest).dropFirst())
        while fraction.last == "0" { fraction.removeLast() }
        json(fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)")
    }
}
