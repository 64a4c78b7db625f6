public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    /// Subjects whose plans one question may change.
    static let whatIfPlansMax = 1_000

    /// What would have been refused in a past span, had limits or plans been others. Nothing is
    /// changed, and nobody who writes waits for the answer.
    ///
    /// Reads every event of the span, and those before that the windows of the limits reach back to:
    /// at most five million. While other questions take all memory there is for them: `overloaded`.
    public func whatIf(
        _ question: WhatIfQuestion
    ) async throws(StoreError) -> WhatIfOutcome {
        guard question.plans.count <= Self.whatIfPlansMax else {
            return .rejected(
                Rejection(
                    code: .tooLarge, field: "plans",
                    message: "expected at most \(Self.whatIfPlansMax) subjects"))
        }
        for (index, change) in question.plans.enumerated()
        where try await subject(change.subject) == nil {
            return .rejected(
                Rejection(
                    code: .unknownSubject, field: "plans[\(index)].subject",
                    message: "expected a subject that is known, and '\(change.subject)' is not"))
        }
        let view = try await view(of: nil)
        let replay: WhatIfReplay
        do throws(Rejection) {
            replay = try WhatIfReplay(question, view, now: clock(), budget: memory)
        } catch {
            return .rejected(error)
        }
        return try await committer.read(.long) { (store) throws(StoreError) in
            try store.read(view) { (source) throws(StoreError) in try replay.outcome(source) }
        }
    }
}
