/// Something that a subject reaches once, and never again.
public struct MilestoneRule: Hashable, Sendable {
    public enum Goal: Hashable, Sendable {
        /// The lifetime total of a meter that sums or counts.
        case total(MeterKey, Int64)
        /// So many active days in a row.
        case streak(Int64)
    }

    public var key: MilestoneKey
    public var goal: Goal

    public init(key: MilestoneKey, goal: Goal) {
        self.key = key
        self.goal = goal
    }

    /// Units that a total may be of.
    public static let totalRange: ClosedRange<Int64> = 1...Int64.max
    /// Days that a streak may have: a hundred years of them.
    public static let streakRange: ClosedRange<Int64> = 1...36_525
}

extension MilestoneRule {
    /// The day on which a streak first had as many days as the rule asks for.
    ///
    /// - Parameter days: as of ``Streaks/init(days:today:)``.
    /// - Returns: `nil` when there was no such streak, or the rule is about a total.
    public func streakDay(in days: [Int64]) -> Int64? {
        guard case .streak(let length) = goal else { return nil }
        return DayStreaks(days: days).first { $0.length >= length }?.day
    }

    /// The index of the usage with which the total was first reached.
    ///
    /// - Parameters:
    ///   - usage: of the rule's meter, in the order in which it occurred. Units may be below 0.
    ///   - before: what the meter came to before the first of it.
    /// - Returns: `nil` when the total is not reached, was reached before, or the rule is about a
    ///   streak.
    public func crossing(
        of usage: [(occurredAt: Instant, units: Int64)], before: Int64
    ) -> Int? {
        guard case .total(_, let total) = goal, before < total else { return nil }
        var sum = before
        for (index, step) in usage.enumerated() {
            let (next, isOver) = sum.addingReportingOverflow(step.units)
            sum = isOver ? (step.units < 0 ? .min : .max) : next
            if sum >= total { return index }
        }
        return nil
    }
}

extension MilestoneRule: Codable {
    private enum CodingKeys: String, CodingKey { case key, meter, total, streak }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let meter = try container.decodeIfPresent(MeterKey.self, forKey: .meter)
        let total = try container.decodeIfPresent(Int64.self, forKey: .total)
        let streak = try container.decodeIfPresent(Int64.self, forKey: .streak)
        key = try container.decode(MilestoneKey.self, forKey: .key)
        switch (meter, total, streak) {
        case (let meter?, let total?, nil): goal = .total(meter, total)
        case (nil, nil, let streak?): goal = .streak(streak)
        default:
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: Self.expectation))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        switch goal {
        case .total(let meter, let total):
            try container.encode(meter, forKey: .meter)
            try container.encode(total, forKey: .total)
        case .streak(let days): try container.encode(days, forKey: .streak)
        }
    }

    public static let expectation = "expected a meter with a total, or a streak"
}

/// A milestone that a subject reached.
public struct Milestone: Hashable, Sendable {
    public let key: MilestoneKey
    /// When the total was reached; of a streak, the start of the local day that completed it.
    public let reachedAt: Instant

    public init(key: MilestoneKey, reachedAt: Instant) {
        self.key = key
        self.reachedAt = reachedAt
    }
}
