public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Months that were closed, the oldest first.
    public func closedMonths() async throws(StoreError) -> [ClosedMonth] {
        try await view(of: nil).catalog.blueprint.closedMonths.sorted { $0.month < $1.month }
    }
}
