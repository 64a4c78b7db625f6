public import MeterstoneCore
import Synchronization

/// A clock that stands still until it is moved.
public final class ManualClock: Sendable {
    private let instant: Mutex<Instant>

    /// Starts at 2026-03-10T12:00:00Z, a Tuesday, unless told otherwise.
    public init(_ now: Instant = Instant(millisecondsSince1970: 1_773_144_000_000)) {
        instant = Mutex(now)
    }

    public var now: Instant { instant.withLock { $0 } }

    public func set(_ now: Instant) {
        instant.withLock { $0 = now }
    }

    public func advance(bySeconds seconds: Int64) {
        instant.withLock { $0 = $0.advanced(byMilliseconds: seconds * 1_000) }
    }
}
