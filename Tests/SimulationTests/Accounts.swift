import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

/// Accounts that are written, deactivated and taken away, in between.
struct Accounts {
    /// Fewer than there are subjects, so that one's address is often another's.
    private static let emails = ["a@x.org", "b@x.org", "c@x.org"].map {
        EmailAddress(unchecked: $0)
    }

    /// Its own, so that what happens else does not depend on it.
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(state: seed &+ 0x4163_636F)
    }

    private mutating func percent(_ chance: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < chance
    }

    /// Mostly none.
    mutating func changes() -> [Command] {
        guard percent(8), let id = World.subjects.randomElement(using: &random) else { return [] }
        let email = percent(80) ? Self.emails.randomElement(using: &random) : nil
        // Who is not active for long uses nothing, and nothing is found.
        let account = PersonAccount(email: email, active: percent(75))
        let change: Change = percent(85) ? .putAccount(id, account) : .deleteAccount(id)
        return [.change(ChangeRequest(change: change, author: "accounts"))]
    }
}
