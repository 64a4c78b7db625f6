import MeterstoneCore
import Testing

/// What a statistics policy may say, given the meters that there are.
@Suite struct StatisticsPolicyTests {
    private func meter(_ text: String) -> MeterKey { MeterKey(unchecked: text) }

    private func total(_ key: String, _ meter: String, _ total: Int64) -> MilestoneRule {
        MilestoneRule(
            key: MilestoneKey(unchecked: key), goal: .total(MeterKey(unchecked: meter), total))
    }

    private func streak(_ key: String, _ days: Int64) -> MilestoneRule {
        MilestoneRule(key: MilestoneKey(unchecked: key), goal: .streak(days))
    }

    private var blueprint: Blueprint {
        Blueprint(
            meters: [
                Meter(key: meter("done"), aggregation: .count), Meter(key: meter("seconds")),
                Meter(key: meter("longest"), aggregation: .max),
            ])
    }

    private var policy: StatisticsPolicy {
        StatisticsPolicy(
            sessions: SessionMeters(
                completed: meter("done"), length: meter("seconds"), longest: meter("longest")),
            milestones: [total("first", "done", 1), streak("week", 7)])
    }

    private func rejection(_ change: Change, of blueprint: Blueprint) -> Rejection? {
        guard case .rejected(let rejection) = blueprint.applying(change).outcome else { return nil }
        return rejection
    }

    @Test func `a policy is created, replaced and deleted`() {
        let (made, outcome) = blueprint.applying(.putStatisticsPolicy(policy))
        #expect(outcome == .created && made.statistics == policy)
        #expect(made.applying(.putStatisticsPolicy(policy)).outcome == .unchanged)
        let (other, changed) = made.applying(.putStatisticsPolicy(StatisticsPolicy()))
        #expect(changed == .replaced && other.statistics == StatisticsPolicy())
        let (gone, deleted) = other.applying(.deleteStatisticsPolicy)
        #expect(deleted == .deleted && gone.statistics == nil)
        #expect(gone.applying(.deleteStatisticsPolicy).outcome == .missing)
    }

    @Test func `a meter that is not there, or counts otherwise, is named`() {
        func field(_ change: (inout StatisticsPolicy) -> Void) -> String? {
            var policy = policy
            change(&policy)
            return rejection(.putStatisticsPolicy(policy), of: blueprint)?.field
        }
        #expect(field { $0.sessions?.completed = meter("none") } == "sessions.completed")
        #expect(field { $0.sessions?.length = meter("longest") } == "sessions.length")
        #expect(field { $0.sessions?.longest = meter("seconds") } == "sessions.longest")
        #expect(field { $0.sessions?.longest = nil } == nil)
        #expect(field { $0.milestones.append(total("b", "none", 1)) } == "milestones[2].meter")
        #expect(field { $0.milestones.append(total("b", "longest", 1)) } == "milestones[2].meter")
        #expect(field { $0.milestones.append(total("b", "done", 0)) } == "milestones[2].total")
        #expect(field { $0.milestones.append(streak("b", 0)) } == "milestones[2].streak")
        #expect(field { $0.milestones.append(streak("b", 36_526)) } == "milestones[2].streak")
        #expect(field { $0.milestones.append(streak("week", 8)) } == "milestones[2].key")
    }

    @Test func `a meter that the policy names stays as the policy needs it`() throws {
        let blueprint = blueprint.applying(.putStatisticsPolicy(policy)).blueprint
        for key in ["done", "seconds", "longest"] {
            #expect(rejection(.deleteMeter(meter(key)), of: blueprint)?.code == .inUse)
        }
        let summed = Meter(key: meter("longest"), aggregation: .sum)
        #expect(rejection(.putMeter(summed), of: blueprint)?.field == "aggregation")
        let latest = Meter(key: meter("seconds"), aggregation: .latest)
        #expect(rejection(.putMeter(latest), of: blueprint)?.field == "aggregation")
        let counted = Meter(key: meter("seconds"), aggregation: .count)
        #expect(blueprint.applying(.putMeter(counted)).outcome == .replaced)
    }

    @Test func `a plan's price has bounds`() {
        func code(_ millionths: Int64) -> String? {
            let plan = Plan(
                key: PlanKey(unchecked: "p"), price: Money(millionths: millionths),
                billingPeriod: .year)
            return rejection(.putPlan(plan), of: blueprint)?.field
        }
        #expect(code(-1) == "price" && code(1_000_000_000_001) == "price")
        #expect(code(0) == nil && code(1_000_000_000_000) == nil)
    }
}
