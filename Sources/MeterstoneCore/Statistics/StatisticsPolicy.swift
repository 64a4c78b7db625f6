/// Which meters a subject's statistics are about, and what there is to reach.
public struct StatisticsPolicy: Hashable, Sendable, Codable {
    /// `nil`: nothing is said about sessions.
    public var sessions: SessionMeters?
    /// Each key once.
    public var milestones: [MilestoneRule]

    public init(sessions: SessionMeters? = nil, milestones: [MilestoneRule] = []) {
        self.sessions = sessions
        self.milestones = milestones
    }

    private enum CodingKeys: String, CodingKey { case sessions, milestones }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            sessions: try container.decodeIfPresent(SessionMeters.self, forKey: .sessions),
            milestones: try container.decodeIfPresent([MilestoneRule].self, forKey: .milestones)
                ?? [])
    }
}

/// Meters that tell how long sessions are: what they add up to, divided by how many there were.
public struct SessionMeters: Hashable, Sendable, Codable {
    /// Counts sessions that were completed; sums or counts.
    public var completed: MeterKey
    /// Adds up how long they were; sums or counts.
    public var length: MeterKey
    /// Keeps the longest, with the aggregation ``Aggregation/max``; `nil`: nobody does.
    public var longest: MeterKey?

    public init(completed: MeterKey, length: MeterKey, longest: MeterKey? = nil) {
        self.completed = completed
        self.length = length
        self.longest = longest
    }
}

extension StatisticsPolicy {
    /// How a field of the policy uses a meter.
    package struct MeterUse: Hashable, Sendable {
        package let field: String
        package let meter: MeterKey
        package let needsMax: Bool

        /// Whether a meter with this aggregation can be used so.
        package func accepts(_ aggregation: Aggregation) -> Bool {
            needsMax ? aggregation == .max : aggregation == .sum || aggregation == .count
        }

        package var expectation: String {
            needsMax
                ? "a meter with the aggregation max" : "a meter that is a sum or a count"
        }
    }

    /// Every meter that it names, in the order of its fields.
    package var meterUses: [MeterUse] {
        var uses: [MeterUse] = []
        func add(_ field: String, _ meter: MeterKey?, needsMax: Bool = false) {
            guard let meter else { return }
            uses.append(MeterUse(field: field, meter: meter, needsMax: needsMax))
        }
        add("sessions.completed", sessions?.completed)
        add("sessions.length", sessions?.length)
        add("sessions.longest", sessions?.longest, needsMax: true)
        for (index, rule) in milestones.enumerated() {
            guard case .total(let meter, _) = rule.goal else { continue }
            add("milestones[\(index)].meter", meter)
        }
        return uses
    }

    /// What is wrong with it whatever meters there are, if something is.
    package var mistake: (field: String, expectation: String)? {
        var keys: Set<MilestoneKey> = []
        for (index, rule) in milestones.enumerated() {
            let path = "milestones[\(index)]"
            if !keys.insert(rule.key).inserted {
                return ("\(path).key", "one milestone for each key, and '\(rule.key)' is another's")
            }
            switch rule.goal {
            case .total(_, let total) where !MilestoneRule.totalRange.contains(total):
                return ("\(path).total", "a whole number from 1")
            case .streak(let days) where !MilestoneRule.streakRange.contains(days):
                let range = MilestoneRule.streakRange
                return (
                    "\(path).streak",
                    "a whole number from \(range.lowerBound) to \(range.upperBound)"
                )
            default: continue
            }
        }
        return nil
    }
}
