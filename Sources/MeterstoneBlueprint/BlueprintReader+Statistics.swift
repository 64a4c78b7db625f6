import MeterstoneCore

extension BlueprintReader {
    /// `nil` where nothing is said of statistics.
    mutating func statisticsPolicy(_ value: Value?, _ names: Names) -> StatisticsPolicy? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value)
        var policy = StatisticsPolicy()
        policy.sessions = sessions(fields.take("sessions"), names)
        policy.milestones = milestones(fields.take("milestones"), names)
        finish(fields)
        return policy
    }

    private mutating func sessions(_ value: Value?, _ names: Names) -> SessionMeters? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value)
        let completed = sum("completed", &fields, of: "'sessions'", names)
        let length = sum("length", &fields, of: "'sessions'", names)
        let longestValue = fields.take("longest")
        let longest = meter(longestValue, names)
        if let longestValue, let longest, let aggregation = names.aggregation(longest.text),
            aggregation != .max
        {
            let message = "the longest is kept by a meter with the aggregation max;"
            report(
                longestValue, "\(message) '\(longest)' has the aggregation \(aggregation.rawValue)")
        }
        finish(fields)
        guard let completed, let length else { return nil }
        return SessionMeters(completed: completed, length: length, longest: longest)
    }

    /// One milestone for each key.
    private mutating func milestones(_ value: Value?, _ names: Names) -> [MilestoneRule] {
        var firsts: [MilestoneKey: Position] = [:]
        return (items(value, of: "milestones") ?? []).compactMap { item in
            var fields = fields(item)
            let keyValue = fields.take("key")
            let key = identifier(keyValue, MilestoneKey.self)
            if keyValue?.isNull ?? true { missing("key", in: fields, of: "milestone") }
            let goal = goal(&fields, names)
            finish(fields)
            guard let keyValue, let key else { return nil }
            if let first = firsts[key] {
                let message = "only one milestone for each key; another is on line \(first.line)"
                report(keyValue, message)
                return nil
            }
            firsts[key] = keyValue.position
            return goal.map { MilestoneRule(key: key, goal: $0) }
        }
    }

    private mutating func goal(_ fields: inout Fields, _ names: Names) -> MilestoneRule.Goal? {
        let streak = fields.take("streak")
        if let streak, !streak.isNull {
            for name in ["meter", "total"] {
                guard let value = fields.take(name) else { continue }
                report(value, "belongs to milestones without a streak")
            }
            return wholeNumber(streak, in: MilestoneRule.streakRange).map { .streak($0) }
        }
        let meter = sum("meter", &fields, of: "milestone without a streak", names)
        guard let total = fields.take("total"), !total.isNull else {
            missing("total", in: fields, of: "milestone without a streak")
            return nil
        }
        guard let units = wholeNumber(total, in: MilestoneRule.totalRange), let meter else {
            return nil
        }
        return .total(meter, units)
    }

    /// A meter of the file that has to be there, and to sum or count.
    private mutating func sum(
        _ name: String, _ fields: inout Fields, of kind: String, _ names: Names
    ) -> MeterKey? {
        guard let value = fields.take(name), !value.isNull else {
            missing(name, in: fields, of: kind)
            return nil
        }
        let key = meter(value, names)
        if let key, let aggregation = names.unsummable(key.text) {
            let message = "expected a meter that sums or counts;"
            report(value, "\(message) '\(key)' has the aggregation \(aggregation.rawValue)")
        }
        return key
    }

    /// A meter of the file.
    private mutating func meter(_ value: Value?, _ names: Names) -> MeterKey? {
        guard let value, let key = identifier(value, MeterKey.self) else { return nil }
        if let message = names.unknownMeter(key.text) { report(value, message) }
        return key
    }
}
