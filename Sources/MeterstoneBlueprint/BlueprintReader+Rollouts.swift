import MeterstoneCore
import Yams

extension BlueprintReader {
    /// `nil` where nothing is said of them.
    mutating func switches(_ value: Value?, _ names: Names) -> Switches? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value)
        var result = Switches()
        result.tracking = self.switch(fields.take("tracking"), names)
        result.limits = self.switch(fields.take("limits"), names)
        result.credits = self.switch(fields.take("credits"), names)
        result.analytics = self.switch(fields.take("analytics"), names)
        finish(fields)
        if let (field, expectation) = result.mistake {
            report(value.position, "switches.\(field)", "expected \(expectation)")
        }
        return result
    }

    /// `off`, or `{state: on, rollout: {percent: 25}}`.
    private mutating func `switch`(_ value: Value?, _ names: Names) -> Switch {
        guard let value, !value.isNull else { return Switch() }
        guard value.node.mapping != nil else {
            return Switch(choice(value, SwitchState.self) ?? .on)
        }
        var fields = fields(value)
        let state = choice(fields.take("state"), SwitchState.self) ?? .on
        let rollout = rollout(fields.take("rollout"), names)
        finish(fields)
        return Switch(state, rollout: rollout)
    }

    /// For whom something is in force already; absent: for everybody.
    mutating func rollout(_ value: Value?, _ names: Names) -> Rollout? {
        guard let value, !value.isNull else { return nil }
        var fields = fields(value, at: value.position)
        var result = Rollout()
        let range = Rollout.percentRange
        let percent = wholeNumber(
            fields.take("percent"), in: Int64(range.lowerBound)...Int64(range.upperBound))
        if let percent { result.percent = Int(percent) }
        result.plans = rolloutPlans(fields.take("plans"), names)
        result.subjects = subjects(fields.take("subjects"))
        finish(fields)
        return result
    }

    private mutating func rolloutPlans(_ value: Value?, _ names: Names) -> [PlanKey] {
        let plans = identifiers(value, PlanKey.self) ?? []
        guard let value else { return plans }
        for plan in plans where !names.plans.contains(plan.text) {
            let suggestion = Spelling.suggestion(for: plan.text, among: names.plans)
            report(value, "no plan is called '\(plan)'\(suggestion)")
        }
        if plans.count > Rollout.plansMax {
            report(value, "expected at most \(Rollout.plansMax) plans")
        }
        return plans
    }
}
