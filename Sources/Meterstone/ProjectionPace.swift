/// How long is projected after a commit, so that what waits neither grows nor is worked off in storms.
///
/// For example 262,144 facts may wait. When 278,528 do, a commit that took four milliseconds is followed by
/// two of projection, and by four when 294,912 do: what waits comes to rest where as much is projected as
/// is committed. Where one commit of one fact comes every four milliseconds, nothing follows for a second,
/// and then one step after each commit until nothing is old.
package struct ProjectionPace: Sendable {
    /// Facts that may wait. A counter that many of them change is written once; a store that is killed
    /// reads them again in less than a second.
    package static let factsKept = 262_144
    /// How old the oldest waiting fact becomes before it is projected, when there is time for that.
    package static let ageMax: UInt64 = 1_000_000_000
    /// Steps that each take as long as a commit, at most, after one commit.
    private static let shareMax: UInt64 = 4

    /// Facts that may wait here.
    private let kept: Int
    /// Nanoseconds of projection to be done before the next commit; below zero when more was done.
    private var owed: Int64 = 0
    /// No waiting fact is older, in nanoseconds of a clock that only rises; `nil`: none waits.
    private var oldest: UInt64?
    /// When the round began that is under way.
    private var began: UInt64?
    /// When the stretch began over which it is told whether there is time, and what commits took of it.
    private var stretch: (start: UInt64, busy: UInt64) = (0, 0)
    private var hasTime = true

    /// - Parameter factsMax: how many may wait at most before projection goes first.
    package init(factsMax: Int = .max) {
        kept = min(Self.factsKept, factsMax / 3 * 2)
    }

    /// Whether a step is to be done before the next commit.
    package var isDue: Bool { owed > 0 }

    /// How long the oldest waiting fact has waited; 0: none waits.
    package func age(at now: UInt64) -> UInt64 {
        oldest.map { now > $0 ? now - $0 : 0 } ?? 0
    }

    /// Notes a commit that ended now.
    ///
    /// - Parameters:
    ///   - nanoseconds: how long it took.
    ///   - waiting: facts that wait.
    ///   - work: facts' worth of work that waits.
    package mutating func note(
        committedIn nanoseconds: UInt64, waiting: Int, owed work: Int, at now: UInt64
    ) {
        look(at: now, busy: nanoseconds)
        guard waiting > 0 else { return rest() }
        let oldest = self.oldest ?? now
        self.oldest = oldest
        if work > kept {
            let slack = UInt64(max(kept / 8, 1))
            let most = nanoseconds.multipliedReportingOverflow(by: UInt64(work - kept))
            let share = most.overflow ? .max : most.partialValue / slack
            // What was not done before is still among what waits, and is not to be made up for at once.
            owed =
                min(owed, 0)
                + Int64(clamping: min(share, nanoseconds.multipliedClamped(by: Self.shareMax)))
        } else {
            owed = min(owed, 0)
        }
        if hasTime, now > oldest, now - oldest >= Self.ageMax { owed = max(owed, 1) }
    }

    /// Notes a step.
    ///
    /// - Parameter waiting: facts that waited before and after it.
    package mutating func note(
        projectedIn nanoseconds: UInt64, waiting: (before: Int, after: Int), at now: UInt64
    ) {
        owed -= Int64(clamping: nanoseconds)
        guard waiting.after > 0 else { return rest() }
        let start = began ?? now
        if waiting.after < waiting.before {
            // What still waits was committed after the round took what it took.
            oldest = start
            began = nil
        } else {
            began = start
        }
    }

    private mutating func rest() {
        owed = min(owed, 0)
        oldest = nil
        began = nil
    }

    /// Tells four times a second whether commits left half of the time.
    private mutating func look(at now: UInt64, busy nanoseconds: UInt64) {
        stretch.busy += nanoseconds
        guard now > stretch.start, now - stretch.start >= Self.ageMax / 4 else { return }
        hasTime = stretch.busy < (now - stretch.start) / 2
        stretch = (now, 0)
    }
}

extension UInt64 {
    fileprivate func multipliedClamped(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
