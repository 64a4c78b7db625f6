public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// In what an event differs from the one that was recorded under its id, by the names of the
    /// fields: `quantities.prompts`. For whoever was answered with a conflict.
    ///
    /// - Parameter terms: those of a reserve; `nil` for everything else.
    public func differences(
        of event: UsageEvent, terms: ReservationTerms? = nil
    ) async throws(StoreError) -> [String] {
        guard case .differences(let fields) = try await look(.compare(event, terms)) else {
            throw .unexpectedOutcome
        }
        return fields
    }
}
