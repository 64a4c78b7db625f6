public import MeterstoneCore

/// What requests add up to.
public struct RequestTotals: Hashable, Sendable {
    public private(set) var requests: Int64 = 0
    /// That completed, failed or were cancelled.
    public private(set) var ended: Int64 = 0
    public private(set) var completed: Int64 = 0
    /// Input and output together.
    public private(set) var tokens: Int64 = 0
    /// Of the tokens, those that are known to be input.
    public private(set) var inputTokens: Int64 = 0
    /// Of the tokens, those that are known to be output.
    public private(set) var outputTokens: Int64 = 0
    /// Of the requests whose cost is known.
    public private(set) var cost = Money.zero
    public private(set) var byCategory: [String: Int64] = [:]
    private var timed: Int64 = 0
    private var milliseconds: Int64 = 0
    private var rated: Int64 = 0
    private var ratings: Int64 = 0

    public init() {}

    public mutating func add(_ request: TrackedRequest) {
        requests += 1
        if request.status != .pending { ended += 1 }
        if request.status == .completed { completed += 1 }
        if let used = request.tokens?.used { tokens = tokens.addingSaturated(used) }
        if case .counts(let counts) = request.tokens {
            inputTokens = inputTokens.addingSaturated(counts.input)
            outputTokens = outputTokens.addingSaturated(counts.output)
        }
        if let known = request.cost, known.source != .estimated {
            cost = cost.adding(known.money) ?? .largest
        }
        if let category = request.category { byCategory[category, default: 0] += 1 }
        if let duration = request.durationMilliseconds {
            timed += 1
            milliseconds = milliseconds.addingSaturated(duration)
        }
        if let rating = request.rating {
            rated += 1
            ratings += Int64(rating)
        }
    }

    /// Of requests whose duration is known, half a millisecond rounded up; `nil` without any.
    public var averageMilliseconds: Int64? {
        timed == 0 ? nil : Self.rounded(milliseconds, over: timed)
    }

    /// Completed requests in ten thousand that ended, half of one rounded up; `nil` without any.
    public var successInTenThousand: Int64? {
        ended == 0 ? nil : Self.rounded(completed * 10_000, over: ended)
    }

    /// The average rating in tenths, half of one rounded up; `nil` without ratings.
    public var averageRatingTenths: Int64? {
        rated == 0 ? nil : Self.rounded(ratings * 10, over: rated)
    }

    private static func rounded(_ sum: Int64, over count: Int64) -> Int64 {
        let (quotient, rest) = sum.quotientAndRemainder(dividingBy: count)
        return rest >= count - rest ? quotient + 1 : quotient
    }
}
