public import MeterstoneCore
public import MeterstoneStore

/// A subject's dashboard, or what is missing for it.
public enum RequestDashboardOutcome: Sendable {
    case dashboard(RequestDashboard)
    case rejected(Rejection)
}

extension RequestTracker {
    /// Requests that a dashboard lists.
    public static let recentRequests = 10
    /// The name of the subject's metadata with its address.
    public static let emailName = "email"

    /// A subject's dashboard as of now; a team's includes the subjects below it.
    ///
    /// Months, days and limits come from counters; totals, averages and categories from reading every
    /// request that there ever was, so that it costs the length of the subject's history.
    public func dashboard(
        of subject: SubjectID
    ) async throws(StoreError) -> RequestDashboardOutcome {
        // Counters have what was written down.
        try await engine.expireReservations(of: subject)
        let limits = try await engine.limits(of: subject)
        guard let month = try await used(by: subject, in: .month),
            let day = try await used(by: subject, in: .day)
        else { return .rejected(.noRequestsMeter) }
        var totals = RequestTotals()
        var recent: [TrackedRequest] = []
        try await forEachRequest(of: subject, before: nil) { request, _ in
            totals.add(request)
            if recent.count < Self.recentRequests { recent.append(request) }
            return true
        }
        let profile = try await engine.subject(subject)
        return .dashboard(
            RequestDashboard(
                subject: subject, email: Self.email(of: subject, profile),
                plan: try await plan(of: profile),
                thisMonth: RequestAllowance(used: month, allowance: limits.allowance(in: .month)),
                today: RequestAllowance(used: day, allowance: limits.allowance(in: .day)),
                canStart: try await canStart(subject), totals: totals, recent: recent,
                calculatedAt: engine.clock()))
    }

    /// Requests that count in the window that now falls into; `nil` when nobody counts them.
    private func used(
        by subject: SubjectID, in window: Window
    ) async throws(StoreError) -> Int64? {
        let now = engine.clock()
        guard
            case .series(let series) = try await engine.usage(
                of: subject, meter: Self.requests, window: window, from: now,
                until: now.advanced(byMilliseconds: 1))
        else { return nil }
        return series.points.last?.quantity.units ?? 0
    }

    private func canStart(_ subject: SubjectID) async throws(StoreError) -> Bool {
        let start = RequestStart(subject: subject, prompt: "")
        let details = EventDetails(type: TrackedRequest.eventType)
        let request = NamedQuantity(name: Self.requests, quantity: 1)
        let tokens = NamedQuantity(name: Self.tokens, quantity: Quantity(start.tokensSetAside))
        // The second is for those who count no tokens.
        for quantities in [[request, tokens], [request]] {
            let event = UsageEvent(
                subject: subject, quantities: Quantities(quantities), details: details)
            if case .decided(let decision) = try await engine.check(event) {
                return decision.isAllowed
            }
        }
        return false
    }

    /// The plan that applies now, by the subject, by the teams above it, or by default.
    private func plan(of profile: Subject?) async throws(StoreError) -> PlanKey? {
        let now = engine.clock()
        var level = profile
        while let subject = level {
            if let subscription = subject.subscription(at: now), subscription.applies(at: now) {
                return subscription.plan
            }
            if let plan = subject.plan { return plan }
            guard let parent = subject.parent else { break }
            level = try await engine.subject(parent)
        }
        return try await engine.blueprint().plans.first(where: \.isDefault)?.key
    }

    private static func email(of subject: SubjectID, _ profile: Subject?) -> String? {
        profile?.account?.email?.text ?? profile?.metadata[emailName]
            ?? (subject.text.contains("@") ? subject.text : nil)
    }
}

extension [LimitStatus] {
    /// What the subject itself may start in a window; of several limits, the one that allows least.
    fileprivate func allowance(in window: Window) -> Allowance {
        var least = Allowance.unlimited
        for status in self
        where status.ancestor == nil && status.meter == RequestTracker.requests
            && status.window == window && status.mode == .enforce
            && status.definition.limit.isForAll
        {
            guard case .units(let units) = status.allowance else { continue }
            if case .units(let known) = least, known <= units { continue }
            least = status.allowance
        }
        return least
    }
}
