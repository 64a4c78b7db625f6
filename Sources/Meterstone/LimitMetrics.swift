import CoreMetrics
import MeterstoneCore
import Synchronization

/// How often each limit decided, and refused or in shadow would have: what tells whether a limit that is being
/// rolled out does to some what it was said to do to all.
///
/// There are as many numbers as limits, times four. Refusals leave nothing in the store, so they are counted here.
struct LimitMetrics: Sendable {
    /// What one commit decided, by the numbers of limits.
    struct Tally {
        struct Count {
            var definition: LimitDefinition?
            /// Decided and not refused, and refused, while the limit enforces; the same in shadow.
            var enforced: (passed: Int64, refused: Int64) = (0, 0)
            var shadowed: (passed: Int64, refused: Int64) = (0, 0)
        }

        fileprivate var counts: [Count] = []

        /// A limit that counts on several levels decided once, on the strictest.
        mutating func add(_ decision: Decision) {
            guard !decision.isDuplicate, !decision.limits.isEmpty else { return }
            let violated =
                decision.denial?.reason == .limitExceeded ? decision.denial?.violated ?? [] : []
            for (place, status) in decision.limits.enumerated() {
                let number = status.definition.number
                let isSeen = decision.limits[..<place].contains {
                    $0.definition === status.definition
                }
                guard !isSeen, number >= 0 else { continue }
                var (isEnforced, isShadow, isExceeded) = (false, false, false)
                for other in decision.limits[place...] where other.definition === status.definition
                {
                    isEnforced = isEnforced || other.mode == .enforce
                    isShadow = isShadow || other.mode == .shadow
                    isExceeded = isExceeded || other.mode == .shadow && other.isExceeded
                }
                while counts.count <= number { counts.append(Count()) }
                counts[number].definition = status.definition
                switch (isEnforced, isShadow) {
                case (true, _) where violated.contains(status.limit):
                    counts[number].enforced.refused += 1
                case (true, _): counts[number].enforced.passed += 1
                case (_, true) where isExceeded: counts[number].shadowed.refused += 1
                case (_, true): counts[number].shadowed.passed += 1
                default: break
                }
            }
        }
    }

    private struct Counters {
        let limit: LimitKey
        let enforced: (passed: CoreMetrics.Counter, refused: CoreMetrics.Counter)
        let shadowed: (passed: CoreMetrics.Counter, refused: CoreMetrics.Counter)
    }

    private final class Known: Sendable {
        let counters = Mutex<[LimitKey: Counters]>([:])
    }

    private let factory: any MetricsFactory
    private let known = Known()

    init(_ factory: any MetricsFactory) {
        self.factory = factory
    }

    func note(_ tally: Tally) {
        for count in tally.counts {
            guard let key = count.definition?.limit.key else { continue }
            let counters = counters(of: key)
            counters.enforced.passed.increment(by: count.enforced.passed)
            counters.enforced.refused.increment(by: count.enforced.refused)
            counters.shadowed.passed.increment(by: count.shadowed.passed)
            counters.shadowed.refused.increment(by: count.shadowed.refused)
        }
    }

    private func counters(of key: LimitKey) -> Counters {
        known.counters.withLock { known in
            if let counters = known[key] { return counters }
            func counter(_ mode: LimitMode, _ refused: Bool) -> CoreMetrics.Counter {
                CoreMetrics.Counter(
                    label: EngineMetric.limits.rawValue,
                    dimensions: [
                        ("limit", key.text), ("mode", mode.rawValue),
                        ("refused", refused ? "true" : "false"),
                    ], factory: factory)
            }
            let counters = Counters(
                limit: key, enforced: (counter(.enforce, false), counter(.enforce, true)),
                shadowed: (counter(.shadow, false), counter(.shadow, true)))
            known[key] = counters
            return counters
        }
    }
}
