/// How much is projected after a commit, so that what waits neither grows nor is worked off in storms.
///
/// For example 65,536 facts wait, and commits of 500 facts come: after each of them, steps of projection
/// follow until 625 facts' worth of work is done. Where one commit of one fact comes every four
/// milliseconds, nothing follows for a second, and then one step after each commit until nothing is old.
package struct ProjectionPace: Sendable {
    /// Facts that may wait while they are young. A counter that many of them change is written once, and
    /// more than these save little; a store that is killed reads them again in a tenth of a second.
    package static let factsKept = 65_536
    /// How old the oldest waiting fact becomes before it is projected, and what came with it.
    package static let ageMax: UInt64 = 1_000_000_000

    /// Facts' worth of work to be done before the next commit; below zero when more was done.
    private var owed = 0
    /// No waiting fact is older, in nanoseconds of a clock that only rises; `nil`: none waits.
    private var oldest: UInt64?
    /// When the round began that is under way.
    private var began: UInt64?

    package init() {}

    /// Whether a step is to be done before the next commit.
    package var isDue: Bool { owed > 0 }

    /// How long the oldest waiting fact has waited; 0: none waits.
    package func age(at now: UInt64) -> UInt64 {
        oldest.map { now > $0 ? now - $0 : 0 } ?? 0
    }

    /// Notes a commit.
    ///
    /// - Parameter owed: facts' worth of work that waits, with the new ones.
    package mutating func note(committed count: Int, waiting: Int, owed work: Int, at now: UInt64) {
        guard waiting > 0 else { return self = ProjectionPace() }
        let oldest = self.oldest ?? now
        self.oldest = oldest
        let isOld = now > oldest && now - oldest >= Self.ageMax
        let excess = work - Self.factsKept
        guard excess > 0 || isOld else {
            owed = min(owed, 0)
            return
        }
        // A quarter more, so that what once waited beyond the measure goes down again.
        owed += count + count / 4
        if isOld { owed = max(owed, 1) }
        owed = min(owed, max(excess, isOld ? work : 0))
    }

    /// Notes a step.
    ///
    /// - Parameters:
    ///   - waiting: facts that waited before and after it.
    ///   - work: facts' worth of work that was done.
    package mutating func note(
        projectedFrom waiting: (before: Int, after: Int), work: Int, at now: UInt64
    ) {
        owed -= work
        guard waiting.after > 0 else {
            oldest = nil
            began = nil
            return
        }
        let start = began ?? now
        if waiting.after < waiting.before {
            // What still waits was committed after the round took what it took.
            oldest = start
            began = nil
        } else {
            began = start
        }
    }
}
