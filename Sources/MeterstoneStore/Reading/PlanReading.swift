package import MeterstoneCore

/// What plans and profiles said, by the log of changes.
extension ColumnScan {
    package func planHistory() throws(StoreError) -> PlanHistory {
        try PlanHistory(source)
    }

    package func profileVersions(of id: SubjectID) throws(StoreError) -> [ProfileVersion] {
        try source.profileVersions(of: id)
    }
}

extension PlanHistory {
    /// From the changes of every plan there is, or was.
    package init(_ source: any StoreSource) throws(StoreError) {
        let records = try source.changes(ofKind: "plan", key: nil)
        self.init(
            records.filter(\.outcome.isChange).compactMap {
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
    package func profileVersions(of id: SubjectID) throws(StoreError) -> [ProfileVersion] {
        var result: [ProfileVersion] = []
        var profile = Subject(id: id)
        for record in try changes(ofKinds: ["subject", "subscription"], of: id)
        where record.outcome.isChange {
            result += profile.scheduledVersions(until: record.recordedAt)
            profile =
                profile.applying(
                    record.change, by: record.author, at: record.recordedAt, record.sequence,
                    isNew: false
                ).profile
            result.append(
                ProfileVersion(
                    recordedAt: record.recordedAt, plan: profile.plan,
                    subscription: profile.subscription))
        }
        return result + profile.scheduledVersions(until: .latest)
    }

    /// Changes of a subject, whichever of its keys named it, oldest first; without those of what was merged
    /// into it.
    package func changes(
        ofKinds kinds: [String], of id: SubjectID
    ) throws(StoreError) -> [ChangeRecord] {
        let subject = try meant(by: id)
        var records: [ChangeRecord] = []
        let hasMerged = !(subject?.merged.isEmpty ?? true)
        for key in [subject?.profile.id ?? id] + (subject?.aliases ?? []) {
            if hasMerged, try self.subject(key)?.alias == .merged { continue }
            for kind in kinds { records += try changes(ofKind: kind, key: key.text) }
        }
        return records.sorted { $0.sequence < $1.sequence }
    }
}

extension Subject {
    /// What is scheduled until an instant, as if somebody had written it when its time came.
    fileprivate func scheduledVersions(until instant: Instant) -> [ProfileVersion] {
        scheduled.map(\.subscription).filter { $0.appliesFrom <= instant }.map {
            ProfileVersion(recordedAt: $0.appliesFrom, plan: plan, subscription: $0)
        }
    }
}
