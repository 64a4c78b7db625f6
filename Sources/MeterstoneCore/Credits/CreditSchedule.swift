/// What plans gave at any time: the past of the catalog, as far as recurring grants depend on it.
///
/// A window gives what the plan said when it began, whoever looks and whenever. So a change of a plan,
/// of the default plan or of whether credits are enabled begins a version, and none is forgotten.
/// What the environment says applies to all of them: it leaves no facts.
package struct CreditSchedule: Sendable {
    /// What plans give from an instant on.
    package struct Version: Sendable, Equatable {
        package var from: Instant
        /// Of the change that began it; 0: nobody knows.
        package var sequence: Int64
        /// Plans that give nothing are left out.
        package var recurring: [PlanKey: [RecurringGrant]]
        package var defaultPlan: PlanKey?
    }

    /// Oldest first. Before the first nothing was given.
    package private(set) var versions: [Version] = []
    /// The windows of all recurring grants of all versions.
    package private(set) var windows: Set<Window> = []
    private let overrides: CreditOverrides
    private var plans: [PlanKey: Plan] = [:]
    private var isEnabled: Bool?

    package init(overrides: CreditOverrides = CreditOverrides()) {
        self.overrides = overrides
    }

    /// A blueprint of which no past is known.
    package init(of blueprint: Blueprint, overrides: CreditOverrides) {
        self.init(overrides: overrides)
        for plan in blueprint.plans { plans[plan.key] = plan }
        isEnabled = blueprint.credits?.isEnabled
        begin(from: .earliest, sequence: 0)
    }

    /// Takes the next change in; changes that have nothing to do with it are passed over.
    package mutating func apply(_ change: Change, at instant: Instant, sequence: Int64) {
        switch change {
        case .putPlan(let plan): plans[plan.key] = plan
        case .deletePlan(let key): plans[key] = nil
        case .putCreditPolicy(let policy): isEnabled = policy.isEnabled
        case .deleteCreditPolicy: isEnabled = nil
        default: return
        }
        begin(from: instant, sequence: sequence)
    }

    private mutating func begin(from instant: Instant, sequence: Int64) {
        let isEnabled = overrides.isEnabled ?? isEnabled ?? false
        var recurring: [PlanKey: [RecurringGrant]] = [:]
        for plan in plans.values {
            let grants = overrides.plan(plan, isEnabled: isEnabled).recurringGrants
            if !grants.isEmpty { recurring[plan.key] = grants }
            windows.formUnion(grants.map(\.window))
        }
        let version = Version(
            // Clocks may go back, and versions do not.
            from: max(instant, versions.last?.from ?? instant), sequence: sequence,
            recurring: recurring, defaultPlan: plans.values.first { $0.isDefault }?.key)
        if let last = versions.last {
            if last.recurring == recurring, last.defaultPlan == version.defaultPlan { return }
            if last.from == version.from { versions.removeLast() }
        }
        versions.append(version)
    }

    /// The version that was in force at an instant; `nil`: there was no plan yet.
    package func version(at instant: Instant) -> Version? {
        versions.last { $0.from <= instant }
    }

    /// The version by which a window that begins at an instant goes on.
    package func version(before instant: Instant) -> Version? {
        versions.last { $0.from < instant }
    }

    /// Whether it says of the present what a blueprint says.
    package func agrees(with blueprint: Blueprint) -> Bool {
        let present = CreditSchedule(of: blueprint, overrides: overrides).versions.last
        guard let last = versions.last else { return present?.recurring.isEmpty ?? true }
        return last.recurring == present?.recurring && last.defaultPlan == present?.defaultPlan
    }
}
