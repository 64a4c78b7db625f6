public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// What a subject may spend now, what is held, and what was ever earned and spent. What time alone
    /// has caused is included, whether it was written down or not.
    public func wallet(of subject: SubjectID) async throws(StoreError) -> Wallet {
        guard case .wallet(let wallet) = try await look(.wallet(subject)) else {
            throw .unexpectedOutcome
        }
        return wallet
    }

    /// A subject's ledger entries before a position, newest first. What time alone causes is written
    /// with the next entry that something else causes.
    public func ledger(
        of subject: SubjectID, before sequence: Int64? = nil, count: Int = 100
    ) async throws(StoreError) -> LedgerPage {
        let view = try await view(of: subject)
        let count = min(max(1, count), Self.eventsPerPageMax)
        return try await committer.read { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in
                try UsageReader(view, source, now: self.clock()).entries(
                    as: subject, before: sequence, count: count)
            }
        }
    }
}
