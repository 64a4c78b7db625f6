package import MeterstoneCore

/// Documents with the fields that applications of this form have kept themselves.
extension JSONWriter {
    package mutating func document(_ usage: DailyUsage) {
        beginObject()
        member("userId", usage.subject.text)
        member("date", usage.date.description)
        member("tokensUsed", usage.used.units)
        member("tokenLimit", usage.allowance.wire)
        member("userType", usage.plan?.text)
        member("lastUpdated", usage.updatedAt)
        member("resetAt", usage.resetsAt)
        endObject()
    }

    package mutating func document(_ monthly: MonthlyUsage) {
        let usage = monthly.usage
        beginObject()
        member("userId", monthly.subject.text)
        member("year", Int64(usage.year))
        member("month", Int64(usage.month))
        name("dailyUsage")
        beginObject()
        for (index, quantity) in usage.dailyUsage.enumerated() {
            name(text: Self.day(index + 1))
            integer(quantity.units)
        }
        endObject()
        member("totalMonthlyTokens", usage.totalMonthly.units)
        member("averageDailyUsage", usage.averageDaily)
        member("peakUsageDate", usage.peakDay.map { Self.day($0) })
        member("peakUsageTokens", usage.peakUsage.units)
        member("userType", monthly.plan?.text)
        member("createdAt", monthly.createdAt)
        member("updatedAt", monthly.updatedAt)
        endObject()
    }

    /// A day of the month with two digits.
    private static func day(_ day: Int) -> String {
        day < 10 ? "0\(day)" : String(day)
    }
}
