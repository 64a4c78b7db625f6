import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension Shapes {
    static let chatStarted = Shape<StartedRequest>(
        "ChatRequestStarted",
        [
            Member("requestId", .name, \.request.id),
            Member("status", .always("pending"), \.request.status.rawValue),
            Member("startedAt", .instant, \.request.startedAt),
            Member("limits", .statuses, \.limits, "Every limit that it concerns."),
            Member(maybe: "credits", Shapes.charge.wire, \.credits),
        ])
}

/// A dashboard, as one of the two ways to ask for it answers.
struct DashboardAnswer: Sendable {
    var dashboard: RequestDashboard
    /// The latest requests, as JSON.
    var recent: [UInt8]
    /// Whether the caller asked for it to be computed anew, and is told when that was. It always is.
    var isRecalculated: Bool

    var totals: RequestTotals { dashboard.totals }
}

extension Shapes {
    /// The same twice: as the document has it, and once more under `dashboard`.
    static let dashboard = Shape<DashboardAnswer>(
        "UserDashboard",
        parts + [Member("dashboard", Shape(parts).wire, { $0 }, "The same once more.")])

    private static let parts: [Member<DashboardAnswer>] = [
        Member("user", user.wire, \.dashboard),
        Member("metrics", metrics.wire, \.dashboard),
        Member("limits", dashboardLimits.wire, \.dashboard),
        Member("performance", performance.wire, \.totals),
        Member(
            "recentRequests", Wire(.named("TrackedRequests")) { $1.json($0) }, \.recent,
            "The latest first."),
        Member(
            "requestsByCategory", Wire<Int64>.integer(from: 1).byName(),
            { $0.totals.byCategory.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }),
        Member(
            maybe: "lastCalculatedAt", .instant,
            { $0.isRecalculated ? $0.dashboard.calculatedAt : nil }),
    ]

    private static let user = Shape<RequestDashboard>([
        Member("id", .name, \.subject), Member("email", Wire<String>.text.orNull, \.email),
        Member("plan", Wire<PlanKey>.key.orNull, \.plan),
        Member("requestsUsed", .quantity, \.thisMonth.used, "This month."),
        Member("requestsLimit", .allowance, \.thisMonth.allowance, "A month."),
    ])

    private static let metrics = Shape<RequestDashboard>([
        Member("totalRequests", .quantity, \.totals.requests),
        Member("totalTokensUsed", .quantity, \.totals.tokens),
        Member("totalCost", .quantity, \.totals.cost.cents, "In cents, rounded once."),
        Member(
            "averageResponseTime", Wire<Int64>.quantity.orNull, \.totals.averageMilliseconds,
            "In milliseconds."),
        Member("requestsThisMonth", .quantity, \.thisMonth.used),
        Member("requestsToday", .quantity, \.today.used),
    ])

    private static let dashboardLimits = Shape<RequestDashboard>([
        Member("monthlyUsed", .quantity, \.thisMonth.used),
        Member("monthlyLimit", .allowance, \.thisMonth.allowance),
        Member("dailyUsed", .quantity, \.today.used),
        Member("dailyLimit", .allowance, \.today.allowance),
        Member("canMakeRequest", .flag, \.canStart),
        Member("planName", Wire<PlanKey>.key.orNull, \.plan),
    ])

    private static let performance = Shape<RequestTotals>([
        Member(
            "averageResponseTime", Wire<Int64>.quantity.orNull, \.averageMilliseconds,
            "In milliseconds."),
        Member(
            "successRate", Wire<Int64>.decimal(digits: 4, in: 0...1).orNull,
            \.successInTenThousand, "Of the requests that ended."),
        Member(
            "averageRating", Wire<Int64>.decimal(digits: 1, in: 1...5).orNull,
            \.averageRatingTenths),
        Member("totalRequests", .quantity, \.requests),
    ])
}

extension Wire<Int64> {
    /// A number from 0 that is known in parts of a power of ten, without zeros at its end.
    static func decimal(digits: Int, in range: ClosedRange<Int>) -> Wire {
        Wire(
            .type(
                "number", #","minimum":\#(range.lowerBound),"maximum":\#(range.upperBound)"#)
        ) { parts, writer in
            var scale: Int64 = 1
            for _ in 0..<digits { scale *= 10 }
            let (whole, rest) = parts.quotientAndRemainder(dividingBy: scale)
            var fraction = String(String(scale + rest).dropFirst())
            while fraction.last == "0" { fraction.removeLast() }
            writer.json(fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)")
        }
    }
}

extension Wire<String> {
    /// Always this text.
    fileprivate static func always(_ text: String) -> Wire {
        Wire(.always("\"\(text)\"")) { $1.string($0) }
    }
}
