package import MeterstoneCore

/// A store whose commits stand in a journal, one after the other, which can be shipped elsewhere and
/// carried out again by a copy of the store.
package protocol JournaledStore: Store {
    // MARK: For the committer

    /// Who this store is. One that was never asked is given an identity, which all its copies share.
    func identity() throws(StoreError) -> StoreIdentity

    /// Whether it takes what another one ships, and commits nothing of its own: every commit fails with the code
    /// `following`.
    var isFollower: Bool { get }

    /// Writes down what has changed of the identity.
    func put(_ identity: StoreIdentity) throws(StoreError)

    /// Carries out what another copy of this store committed, and makes it durable, as one step.
    ///
    /// Batches that are here already are left out. Codes: `misuse` when one is missing before the first
    /// that is new, `corrupt` when one cannot be carried out; nothing was done then.
    func take(_ batches: [CommittedBatch]) throws(StoreError)

    // MARK: From anywhere

    /// What the journal has of the commits after a fact, oldest first: as many as fit into so many bytes,
    /// and one at least. All of them are durable.
    func journal(after sequence: Int64, bytesMax: Int) throws(StoreError) -> JournalPage

    /// Says that what was committed up to a fact stands elsewhere, and is not to be kept for that.
    func keepJournal(after sequence: Int64)
}

/// One commit as the journal has it.
package struct CommittedBatch: Sendable {
    package let batch: JournalBatch
    package let committedAt: Instant

    package init(_ batch: JournalBatch, committedAt: Instant) {
        self.batch = batch
        self.committedAt = committedAt
    }
}

/// Some commits, and how far the store is.
package struct JournalPage: Sendable {
    package let batches: [CommittedBatch]
    /// The last fact that is durable; `nil` when this page ends before it.
    package let head: Int64?

    package init(batches: [CommittedBatch], head: Int64?) {
        self.batches = batches
        self.head = head
    }
}

/// Which store this is, and what it is among its copies.
package struct StoreIdentity: Hashable, Sendable {
    package enum Role: String, Sendable {
        /// It may ship what it commits.
        case writer
        /// It was made of a backup. It may be written, and ships to a place of its own alone.
        case restored
        /// It takes what another one ships, and commits nothing of its own.
        case follower
    }

    /// 32 hexadecimal digits.
    package let id: String
    /// The epoch that it ships in; 0: it never did.
    package var epoch: Int64
    /// Drawn by lot for each epoch, so that two stores that began the same one are told apart.
    package var token: String
    package var role: Role

    package init(id: String, epoch: Int64 = 0, token: String = "-", role: Role = .writer) {
        self.id = id
        self.epoch = epoch
        self.token = token
        self.role = role
    }

    /// One that no other store has.
    package static func new() -> StoreIdentity { StoreIdentity(id: draw()) }

    /// 32 hexadecimal digits by lot.
    package static func draw() -> String {
        let words = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        return hexadecimal(words.0) + hexadecimal(words.1)
    }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// As it is stored: `0a5f… 2 9c1d… writer`.
    package var text: String { "\(id) \(epoch) \(token) \(role.rawValue)" }

    /// `nil`: that was never written.
    package init?(text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 4, words[0].count == 32, let epoch = Int64(words[1]), epoch >= 0,
            let role = Role(rawValue: words[3])
        else { return nil }
        self.init(id: words[0], epoch: epoch, token: words[2], role: role)
    }
}
