import GRDB
import MeterstoneCore
package import MeterstoneStore

extension SQLiteStore: JournaledStore {
    package func identity() throws(StoreError) -> StoreIdentity {
        try refuseIfHalted()
        if let stored = try storedIdentity() { return stored }
        let new = StoreIdentity.new()
        try put(new)
        return new
    }

    /// `nil`: it was never asked.
    func storedIdentity() throws(StoreError) -> StoreIdentity? {
        let stored = try write { (_) throws(StoreError) in
            try statements.source.setting(Setting.identity)
        }
        guard let stored else { return nil }
        guard let identity = StoreIdentity(text: stored) else {
            throw StoreError(code: .corrupt, message: "'\(stored)' is not the identity of a store")
        }
        return identity
    }

    package func put(_ identity: StoreIdentity) throws(StoreError) {
        try refuseIfHalted()
        try write { (_) throws(StoreError) in
            do throws(StoreError) {
                try statements.transaction { () throws(StoreError) in
                    try statements.put(setting: Setting.identity, identity.text)
                }
            } catch {
                try putBack(after: error)
                throw error
            }
        }
        isFollower = identity.role == .follower
    }

    package func take(_ batches: [CommittedBatch]) throws(StoreError) {
        try refuseIfHalted()
        try write { (database) throws(StoreError) in
            do throws(StoreError) {
                try checkpoints.continueIfNeeded(database)
                // As a commit does: what was carried out and could not be written is thrown away.
                try statements.transaction { () throws(StoreError) in
                    for shipped in batches { try take(shipped) }
                }
                publish()
                workingSet.evict()
            } catch {
                try putBack(after: error)
                throw error
            }
        }
    }

    private func take(_ shipped: CommittedBatch) throws(StoreError) {
        let batch = shipped.batch
        guard batch.lastSequence > workingSet.head else { return }
        guard batch.firstSequence == workingSet.head + 1 else {
            throw StoreError(
                code: .misuse,
                message: "fact \(workingSet.head + 1) comes next, and not \(batch.firstSequence)")
        }
        try appendToJournal(batch, at: shipped.committedAt)
        try workingSet.replay(batch)
    }

    package func journal(
        after sequence: Int64, bytesMax: Int
    ) throws(StoreError) -> JournalPage {
        try refuseIfHalted()
        do {
            return try pool.read { database in
                let tables = SQLiteSource(database, idRuns)
                // Of what is not projected yet the journal has everything.
                var last = max(try tables.watermark(), try Self.lastJournalled(database))
                let rows = try Statement(database, JournalStatements.page)
                rows.bind(1, sequence)
                var (batches, bytes): ([CommittedBatch], Int) = ([], 0)
                while try rows.step() {
                    guard batches.isEmpty || bytes < bytesMax else {
                        return JournalPage(batches: batches, head: nil)
                    }
                    guard let batch = try? JournalBatch(reading: rows.bytes(0)) else {
                        throw StoreError(
                            code: .corrupt, message: "the journal is unreadable after \(last)")
                    }
                    batches.append(
                        CommittedBatch(
                            batch, committedAt: Instant(millisecondsSince1970: rows.int(1))))
                    bytes += batch.bytes.count
                    last = max(last, batch.lastSequence)
                }
                return JournalPage(batches: batches, head: last)
            }
        } catch {
            throw StoreError(error)
        }
    }

    private static func lastJournalled(_ database: Database) throws(StoreError) -> Int64 {
        let row = try Statement(database, JournalStatements.last)
        guard try row.step() else { return 0 }
        guard let batch = try? JournalBatch(reading: row.bytes(0)) else {
            throw StoreError(code: .corrupt, message: "the end of the journal is unreadable")
        }
        return batch.lastSequence
    }

    package func keepJournal(after sequence: Int64) {
        statements.journalKept.didShip(through: sequence)
    }
}
