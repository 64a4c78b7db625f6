import MeterstoneCore
import Synchronization

/// What limits declared to do while no server answers, by what events name.
///
/// Limits are those of meters, and which meters an event moves hangs on its type and its quantities. So what was
/// told of one such event is taken for the next.
final class FailModes: Sendable {
    private struct Kind: Hashable {
        let type: String?
        let quantities: [String]

        init(_ event: UsageEvent) {
            type = event.details?.type
            switch event.quantities {
            case .none: quantities = []
            case .one(let name, _): quantities = [name.text]
            case .many(let pairs): quantities = pairs.map(\.name.text).sorted()
            }
        }
    }

    /// An application has few kinds of events; one that makes them up as it goes is not remembered for ever.
    private static let kindsMax = 1_000

    private let known = Mutex<[Kind: LimitFailMode]>([:])

    /// Notes what was told with a decision.
    func note(_ decision: Decision, of event: UsageEvent) {
        let kind = Kind(event)
        // Credits may refuse what limits would not.
        let mode = decision.credits == nil ? decision.limits.failMode : .closed
        known.withLock { known in
            guard known[kind] != mode else { return }
            if known[kind] == nil, known.count >= Self.kindsMax { known.removeAll() }
            known[kind] = mode
        }
    }

    func failMode(of event: UsageEvent) -> LimitFailMode {
        known.withLock { $0[Kind(event)] } ?? .closed
    }
}
