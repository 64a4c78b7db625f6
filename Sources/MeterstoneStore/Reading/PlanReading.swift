package import MeterstoneCore

/// What plans and profiles said, by the log of changes.
extension ColumnScan {
    package func planHistory() throws(StoreError) -> PlanHistory {
        try PlanHistory(view, source)
    }

    package func profileVersions(of id: SubjectID) throws(StoreError) -> [ProfileVersion] {
        try source.profileVersions(of: id, waiting: view.changes)
    }
}

extension PlanHistory {
    /// From the changes of every plan there is, or was.
    package init(_ view: StoreView, _ source: any StoreSource) throws(StoreError) {
        var records = try source.changes(ofKind: "plan", key: nil)
        let known = Set(records.map(\.sequence))
        records += view.changes.filter { $0.kind == "plan" && !known.contains($0.sequence) }
        self.init(
            records.filter(\.outcome.isChange).sorted { $0.sequence < $1.sequence }.compactMap {
                record in
                switch record.change {
                case .putPlan(let plan):
                    Version(recordedAt: record.recordedAt, key: plan.key, plan: plan)
                case .deletePlan(let key):
                    Version(recordedAt: record.recordedAt, key: key, plan: nil)
                default: nil
                }
            })
    }
}

extension StoreSource {
    /// Changes of one thing, or of all of a kind, oldest first.
    ///
    /// - Parameter waiting: changes that are not in the tables yet, perhaps.
    package func changes(
        ofKind kind: String, key: String?, waiting: [ChangeRecord]
    ) throws(StoreError) -> [ChangeRecord] {
        let stored = try changes(ofKind: kind, key: key)
        let known = Set(stored.map(\.sequence))
        let others = waiting.filter {
            $0.kind == kind && (key == nil || $0.key == key) && !known.contains($0.sequence)
        }
        return (stored + others).sorted { $0.sequence < $1.sequence }
    }

    /// Visits everybody who ever had a subscription, by id.
    package func forEachSubscriber(
        _ visit: (SubjectID) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last = ""
        while let key = try changedKey(ofKind: "subscription", after: last) {
            try visit(SubjectID(unchecked: key))
            last = key
        }
    }

    /// What a subject's profile said of plans, oldest first.
    ///
    /// - Parameter waiting: changes that are not in the tables yet, perhaps.
    package func profileVersions(
        of id: SubjectID, waiting: [ChangeRecord]
    ) throws(StoreError) -> [ProfileVersion] {
        var records: [ChangeRecord] = []
        for kind in ["subject", "subscription"] {
            records += try changes(ofKind: kind, key: id.text)
        }
        let known = Set(records.map(\.sequence))
        records += waiting.filter {
            $0.change.subject == id && ($0.kind == "subject" || $0.kind == "subscription")
                && !known.contains($0.sequence)
        }
        var result: [ProfileVersion] = []
        var profile = Subject(id: id)
        for record in records.sorted(by: { $0.sequence < $1.sequence })
        where record.outcome.isChange {
            profile = profile.applying(record.change, isNew: false).profile
            result.append(
                ProfileVersion(
                    recordedAt: record.recordedAt, plan: profile.plan,
                    subscription: profile.subscription))
        }
        return result
    }
}
