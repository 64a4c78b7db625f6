/// Which plans allow what a subject used lately.
public struct PlanFits: Hashable, Sendable {
    public struct Plan: Hashable, Sendable {
        public let plan: PlanKey
        /// Millionths of the currency unit; `nil`: none is named.
        public let price: Money?
        /// Limits that would have been too small; none: the plan fits.
        public let tooSmall: [TooSmall]

        package init(plan: PlanKey, price: Money?, tooSmall: [TooSmall]) {
            self.plan = plan
            self.price = price
            self.tooSmall = tooSmall
        }
    }

    /// A limit of a plan, and what was used of it in its fullest window.
    public struct TooSmall: Hashable, Sendable {
        public let limit: LimitKey
        public let allowance: Allowance
        public let peak: Quantity

        package init(limit: LimitKey, allowance: Allowance, peak: Quantity) {
            self.limit = limit
            self.allowance = allowance
            self.peak = peak
        }
    }

    public let subject: SubjectID
    /// The plan now.
    public let plan: PlanKey?
    public let dayCount: Int
    /// The smallest rank first.
    public let plans: [Plan]

    public static let daysRange = 1...366
    public static let daysDefault = 30

    package init(subject: SubjectID, plan: PlanKey?, dayCount: Int, plans: [Plan]) {
        self.subject = subject
        self.plan = plan
        self.dayCount = dayCount
        self.plans = plans
    }

    /// Plans that fit, the smallest rank first.
    public var fitting: [PlanKey] { plans.filter(\.tooSmall.isEmpty).map(\.plan) }
}
