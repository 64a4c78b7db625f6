public import MeterstoneCore
public import MeterstoneStore

extension MeterstoneEngine {
    public func alerts() async throws(StoreError) -> [Alert] {
        try await view(of: nil).catalog.blueprint.alerts.sorted { $0.key < $1.key }
    }

    public func webhooks() async throws(StoreError) -> [Webhook] {
        try await view(of: nil).catalog.blueprint.webhooks.sorted { $0.key < $1.key }
    }

    public func firedAlerts(of subject: SubjectID) async throws(StoreError) -> [RecordedAlert] {
        var result: [RecordedAlert] = []
        let keys = try await logKeys(of: subject)
        for alert in try await alerts() {
            var fired: [RecordedAlert] = []
            for key in keys {
                fired += try await changes(
                    ofKind: FiredAlert.kind, key: FiredAlert.key(of: key, alert.key)
                ).compactMap { RecordedAlert($0) }
            }
            result += fired.sorted { $0.sequence < $1.sequence }.suffix(Self.firedAlertsMax)
        }
        return result.sorted { $0.sequence > $1.sequence }
    }

    /// The key that a subject has now.
    func ownID(_ subject: SubjectID) async throws(StoreError) -> SubjectID {
        try await self.subject(subject)?.id ?? subject
    }

    /// Under which a subject stands in the log: it may have been renamed, and others merged into it.
    func logKeys(of subject: SubjectID) async throws(StoreError) -> [SubjectID] {
        [try await ownID(subject)] + (try await aliases(of: subject) ?? [])
    }

    private static let firedAlertsMax = 1_000

    /// Fires for every subject whose use of today stands out, where an alert asks for that: once for each alert,
    /// subject, meter and day, whoever else does the same. Where nodes share a store, one of them looks.
    ///
    /// - Returns: how many fired that had not before.
    @discardableResult
    public func fireUnusual() async throws(StoreError) -> Int {
        let asking = try await alerts().filter { $0.active && !$0.unusual.isEmpty }
        guard !asking.isEmpty, try await isOnDuty() else { return 0 }
        let zone = try await zone(named: nil)
        let today = CivilDate(daysSince1970: zone.dayNumber(containing: clock()))
        let question = ReportQuestion(count: Self.unusualMax)
        var count = 0
        for alert in asking {
            for meter in alert.unusual {
                guard
                    case .report(let report) = try await unusualUsage(
                        of: meter, on: today, question)
                else { continue }
                for row in report.rows {
                    let plan = try await plan(of: row.subject)
                    guard alert.concerns(plan) else { continue }
                    let fired = FiredAlert(row, of: meter, alert: alert.key)
                    let receipt = try await change(
                        ChangeRequest(
                            change: .noteAlert(fired), author: "meterstone",
                            idempotencyKey: fired.key(ofWindow: row.date.description)))
                    // What was told of the day before is told with what was used then.
                    if receipt.outcome == .created, !receipt.isReplay { count += 1 }
                }
            }
        }
        return count
    }

    private static let unusualMax = 1_000

    /// Fires for every subject that was refused as often within this hour, or of whose requests such a share failed, as
    /// an alert asks for: once for each alert, subject, limit, threshold and hour. Each process counts for itself, in
    /// memory, from the first call on that finds an alert that asks; whoever serves calls it every second.
    ///
    /// - Returns: how many fired that had not before.
    @discardableResult
    public func fireHourly() async throws(StoreError) -> Int {
        let asking = try await alerts().filter { alert in
            alert.active && !(alert.refusedPerHour.isEmpty && alert.failedPercent.isEmpty)
        }
        let hourly = committer.hourly
        hourly.ask(!asking.isEmpty)
        let now = clock()
        let news = hourly.news(at: now)
        var fired = 0
        for (place, (key, count)) in news.enumerated() {
            do throws(StoreError) {
                for alert in asking { fired += try await fire(alert, for: key, count, at: now) }
            } catch {
                hourly.putBack(news[place...].map(\.key))
                throw error
            }
            hourly.told(key, count.value(of: key.kind), at: now)
        }
        return fired
    }

    private func fire(
        _ alert: Alert, for key: HourlyCounts.Key, _ count: HourlyCounts.Count, at now: Instant
    ) async throws(StoreError) -> Int {
        let measure: AlertMeasure
        let thresholds: [Int64]
        var limit: LimitKey?
        switch key.kind {
        case .refused(let refusing):
            measure = .refusedPerHour
            thresholds = alert.refusedPerHour
            limit = refusing
        case .ended:
            measure = .failedPercent
            thresholds = alert.failedPercent
        }
        let value = count.value(of: key.kind)
        let reached = thresholds.filter { count.told < $0 && $0 <= value }
        guard !reached.isEmpty,
            alert.limits.isEmpty || measure == .failedPercent
                || limit.map({ alert.limits.contains($0) }) ?? false,
            alert.concerns(try await plan(of: key.subject))
        else { return 0 }
        let subject = try await ownID(key.subject)
        let hour = HourlyCounts.hour(of: now)
        var fired = 0
        for threshold in reached {
            let reached = FiredAlert(
                alert: alert.key, subject: subject, measure: measure, threshold: threshold,
                limit: limit, used: measure == .failedPercent ? count.failed : count.all,
                resetsAt: Instant(millisecondsSince1970: (hour + 1) * 3_600_000))
            let receipt = try await change(
                ChangeRequest(
                    change: .noteAlert(reached), author: "meterstone",
                    idempotencyKey: reached.key(ofWindow: "hour \(hour)")))
            // Another process may have told it, with its own count.
            if receipt.outcome == .created, !receipt.isReplay { fired += 1 }
        }
        return fired
    }

    /// Changes of everything after a fact, oldest first.
    package func changes(
        after sequence: Int64, count: Int
    ) async throws(StoreError) -> [ChangeRecord] {
        try await fromSource { (source) throws(StoreError) in
            try source.changes(after: sequence, count: count)
        }
    }

    /// The last change of one thing.
    package func lastChange(
        ofKind kind: String, key: String
    ) async throws(StoreError) -> ChangeRecord? {
        try await fromSource { (source) throws(StoreError) in
            try source.lastChange(ofKind: kind, key: key)
        }
    }

    /// Whether this process does what is done once for all that share the store.
    package func isOnDuty() async throws(StoreError) -> Bool {
        try await committer.read { (store) throws(StoreError) in try store.isOnDuty() }
    }

    /// Whether other processes write to the store, too.
    package var isShared: Bool { committer.isShared }

    private func fromSource<Result: Sendable>(
        _ body: @escaping @Sendable (any StoreSource) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try await committer.read { (store) throws(StoreError) in
            try store.read(try store.view(of: nil), body)
        }
    }
}

extension RecordedAlert {
    /// `nil`: it is another change.
    package init?(_ record: ChangeRecord) {
        guard case .noteAlert(let fired) = record.change, fired.isTold else { return nil }
        self.init(sequence: record.sequence, firedAt: record.recordedAt, alert: fired)
    }
}
