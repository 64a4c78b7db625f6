import Meterstone
public import MeterstoneCore
import Synchronization

/// What a handler finds out about its use, while it answers.
///
///     MeasuredUse.current?.report(.one("tokens", 812))
public final class MeasuredUse: Sendable {
    /// Of the request that is handled; `nil`: no middleware meters it.
    @TaskLocal public static var current: MeasuredUse?

    private let known = Mutex(Quantities.none)

    /// Says what was really used, in all: it counts in the place of what was set aside. What is not named counts
    /// as it was set aside.
    public func report(_ quantities: Quantities) {
        known.withLock { known in
            var byName: [MeterKey: Quantity] = [:]
            for pair in known.pairs + quantities.pairs { byName[pair.name] = pair.quantity }
            known = Quantities(byName.map { NamedQuantity(name: $0.key, quantity: $0.value) })
        }
    }

    var quantities: Quantities { known.withLock { $0 } }
}

/// How a metered request ends.
struct UseEnding: Sendable {
    let service: any MeterstoneService
    let clock: @Sendable () -> Instant
    let id: EventID
    let use: Use
    let start: Instant

    /// - Parameter status: of the answer; `nil`: there was none.
    func settle(_ quantities: Quantities, status: Int?) async {
        let failed = status.map { $0 >= 500 } ?? true
        let duration = clock().millisecondsSince1970 - start.millisecondsSince1970
        let details = EventDetails(
            status: failed ? .failed : .success, durationMilliseconds: max(0, duration))
        let source = use.event.details?.source
        // Where nobody answers, the reservation expires, and what was set aside counts.
        if failed, quantities == .none {
            // What failed before it said what it used has used nothing.
            _ = try? await service.release(id, source: source, details: details)
        } else {
            _ = try? await service.settle(id, source: source, quantities, details: details)
        }
    }
}
