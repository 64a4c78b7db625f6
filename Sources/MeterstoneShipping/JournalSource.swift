package import Meterstone
package import MeterstoneStore

/// The store whose journal is shipped: what of an engine shipping needs.
package protocol JournalSource: Sendable {
    /// See ``JournaledStore``.
    func journal(after sequence: Int64, bytesMax: Int) async throws(StoreError) -> JournalPage
    func keepJournal(after sequence: Int64) async throws(StoreError)
    func identity() async throws(StoreError) -> StoreIdentity
    func put(_ identity: StoreIdentity) async throws(StoreError)
}

extension MeterstoneEngine: JournalSource {}
