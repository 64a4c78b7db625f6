/// What decides, where the environment comes before what is stored.
package struct EffectiveBlueprint: Sendable {
    private let blueprint: Blueprint
    private let areLimitsEnforced: Bool
    private let allowances: [String: Allowance]
    private let credits: CreditOverrides

    package init(
        _ blueprint: Blueprint, areLimitsEnforced: Bool, allowances: [String: Allowance],
        credits: CreditOverrides
    ) {
        self.blueprint = blueprint
        self.areLimitsEnforced = areLimitsEnforced
        self.allowances = allowances
        self.credits = credits
    }

    /// A limit beside what is in force of it.
    package func limit(_ limit: Limit) -> EffectiveLimit {
        let decided = limit.overridden(by: allowances, plans: blueprint.plans)
        let switched = limit.mode(
            while: areLimitsEnforced ? blueprint.switches?.limits ?? Switch() : Switch(.shadow))
        let plans = Set(blueprint.plans.map(\.key)).union(limit.allowances.keys)
        var variables: [PlanKey: String] = [:]
        for plan in plans {
            let name = "\(limit.key.text.asVariableName)_\(plan.text.asVariableName)"
            if allowances[name] != nil { variables[plan] = "USAGE_LIMIT_\(name)" }
        }
        return EffectiveLimit(
            limit: limit, allowances: variables.isEmpty ? nil : decided.allowances,
            mode: switched == limit.mode ? nil : switched, isSwitched: areLimitsEnforced,
            variables: variables,
            unknownPlans: limit.rollout?.plans.filter { plan in
                !blueprint.knows(plan: plan) && !limit.names(plan)
            } ?? [])
    }

    /// A plan beside what is in force of it.
    package func plan(_ plan: Plan) -> EffectivePlan {
        let policy = self.credits.policy(of: blueprint)
        let decided = self.credits.plan(plan, isEnabled: policy.isEnabled)
        var variables: [String] = []
        if !policy.isEnabled, self.credits.isEnabled == false {
            variables.append("CREDITS_ENABLED")
        }
        let name = plan.key.text.asVariableName
        if policy.isEnabled, self.credits.dailyRefills[name] != nil {
            variables.append("CREDITS_DAILY_REFILL_\(name)")
        }
        guard !variables.isEmpty, decided.recurringGrants != plan.recurringGrants else {
            return EffectivePlan(plan: plan, recurringGrants: nil, variables: [])
        }
        return EffectivePlan(
            plan: plan, recurringGrants: decided.recurringGrants, variables: variables)
    }

    /// The policy beside the one in force; `nil`: there is none, and the environment asks for none.
    package var creditPolicy: EffectiveCreditPolicy? { creditPolicy(blueprint) }

    /// The same if this policy were stored.
    package func creditPolicy(_ stored: CreditPolicy) -> EffectiveCreditPolicy? {
        var blueprint = blueprint
        blueprint.credits = stored
        return creditPolicy(blueprint)
    }

    private func creditPolicy(_ blueprint: Blueprint) -> EffectiveCreditPolicy? {
        let decided = credits.policy(of: blueprint)
        guard blueprint.credits != nil || decided.isEnabled else { return nil }
        let stored = blueprint.credits ?? CreditPolicy(isEnabled: false)
        guard decided != stored else {
            return EffectiveCreditPolicy(policy: stored, effective: nil, variables: [])
        }
        let costs = credits.costs.keys.sorted().filter {
            !CreditOverrides.meters(named: $0, in: blueprint).isEmpty
        }
        return EffectiveCreditPolicy(
            policy: stored, effective: decided,
            variables: (credits.isEnabled == nil ? [] : ["CREDITS_ENABLED"])
                + costs.map { "CREDITS_COST_\($0)" })
    }
}

/// A limit as it is stored, and what is in force where that differs.
package struct EffectiveLimit: Sendable, Encodable {
    package let limit: Limit
    /// By plan; `nil`: those of the limit.
    package let allowances: [PlanKey: Allowance]?
    /// `nil`: that of the limit.
    package let mode: LimitMode?
    /// Whether the mode is by the switches, and by no variable.
    package let isSwitched: Bool
    /// The variable that an allowance comes from, by plan.
    package let variables: [PlanKey: String]
    /// Plans that the rollout names and nothing else does: nobody can be on one of them yet.
    package let unknownPlans: [PlanKey]

    private enum CodingKeys: String, CodingKey {
        case effectiveAllowances, effectiveMode, overriddenBy, unknownPlans
    }

    package static let fields = [
        "effectiveAllowances", "effectiveMode", "overriddenBy", "unknownPlans",
    ]

    package func encode(to encoder: any Encoder) throws {
        try limit.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(allowances?.keyedByText, forKey: .effectiveAllowances)
        try container.encodeIfPresent(mode, forKey: .effectiveMode)
        var names = variables.keyedByText.values.sorted()
        if mode != nil { names.append(isSwitched ? "switches" : "USAGE_LIMITS_ENFORCED") }
        if !names.isEmpty { try container.encode(names, forKey: .overriddenBy) }
        if !unknownPlans.isEmpty { try container.encode(unknownPlans, forKey: .unknownPlans) }
    }
}

/// A plan as it is stored, and what is in force where that differs.
package struct EffectivePlan: Sendable, Encodable {
    package let plan: Plan
    /// `nil`: those of the plan.
    package let recurringGrants: [RecurringGrant]?
    package let variables: [String]

    private enum CodingKeys: String, CodingKey {
        case effectiveRecurringGrants, overriddenBy
    }

    package static let fields = ["effectiveRecurringGrants", "overriddenBy"]

    package func encode(to encoder: any Encoder) throws {
        try plan.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(recurringGrants, forKey: .effectiveRecurringGrants)
        if !variables.isEmpty { try container.encode(variables, forKey: .overriddenBy) }
    }
}

/// The credit policy as it is stored, and what is in force where that differs.
package struct EffectiveCreditPolicy: Sendable, Encodable {
    package let policy: CreditPolicy
    /// `nil`: the policy.
    package let effective: CreditPolicy?
    package let variables: [String]

    private enum CodingKeys: String, CodingKey {
        case effective, overriddenBy
    }

    package static let fields = ["effective", "overriddenBy"]

    package func encode(to encoder: any Encoder) throws {
        try policy.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(effective, forKey: .effective)
        if !variables.isEmpty { try container.encode(variables, forKey: .overriddenBy) }
    }
}
