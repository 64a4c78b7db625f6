public import MeterstoneCore
public import MeterstoneStore

/// Credits that the payment side is asked for when a balance is low.
///
/// That a refill is wanted is a fired alert, written in the step in which the balance fell. What became of it
/// stands in the audit log under the same key, and where a subject stands is read from there: how often it was
/// given in a month, and how often it was declined.
extension MeterstoneEngine {
    /// Where a subject stands with each refill that its plan has.
    public func refills(of subject: SubjectID) async throws(StoreError) -> [RefillState] {
        let own = try await ownID(subject)
        let plan = try await plan(of: own)
        var result: [RefillState] = []
        for alert in try await alerts() where alert.active && alert.concerns(plan) {
            if let state = try await refillState(of: own, alert) { result.append(state) }
        }
        return result
    }

    /// Lets a refill be asked for again that was declined too often.
    ///
    /// - Returns: `nil`: the subject's plan has no such refill.
    public func resumeRefill(
        _ key: AlertKey, of subject: SubjectID, author: String
    ) async throws(StoreError) -> RefillState? {
        let own = try await ownID(subject)
        guard
            let alert = try await alerts().first(where: { $0.key == key }), alert.refill != nil,
            alert.concerns(try await plan(of: own))
        else { return nil }
        try await note(RefillNote(.resumed), alert, own, author: author)
        let balance = try await wallet(of: own).balance
        if balance <= alert.credits[0] { _ = try await askForRefill(alert, of: own) }
        return try await refillState(of: own, alert)
    }

    /// Asks for credits for somebody who was refused for want of them, where nobody asked yet.
    ///
    /// - Returns: how long they can be waited for, in seconds; 0: nobody gives any, or nobody is to wait.
    public func askForRefills(of subject: SubjectID) async throws(StoreError) -> Int {
        let asking = try await alerts().filter { $0.active && $0.refill != nil }
        guard !asking.isEmpty else { return 0 }
        let own = try await ownID(subject)
        let plan = try await plan(of: own)
        var seconds = 0
        for alert in asking where alert.concerns(plan) {
            guard try await askForRefill(alert, of: own) else { continue }
            seconds = max(seconds, alert.refill?.holdSeconds ?? 0)
        }
        return seconds
    }

    /// What is to be done about an alert that asks for a refill; `nil`: the payment side is to be asked.
    package func refillOutcome(
        of fired: RecordedAlert, _ alert: Alert
    ) async throws(StoreError) -> RefillNote? {
        let subject = fired.alert.subject
        let notes = try await refillNotes(of: subject, alert.key)
        let own = notes.compactMap(\.note).last { $0.sequence == fired.sequence }
        if let own, own.outcome != .declined { return own }
        guard let state = try await refillState(of: subject, alert) else { return nil }
        if state.isOff { return RefillNote(.off, of: fired.sequence) }
        if state.isCapped { return RefillNote(.capped, of: fired.sequence) }
        if let balance = fired.alert.balance, try await wallet(of: subject).balance > balance {
            return RefillNote(.unneeded, of: fired.sequence)
        }
        return nil
    }

    /// Writes down what became of a refill, and grants what was paid. The grant comes first and has the key of
    /// the alert, so that it is made once, whatever is repeated.
    ///
    /// - Returns: where the subject stands now.
    package func settle(
        _ note: RefillNote, of fired: RecordedAlert, _ alert: Alert
    ) async throws(StoreError) -> RefillState? {
        let subject = fired.alert.subject
        if note.outcome == .granted, let refill = alert.refill {
            let order = GrantOrder(
                id: RefillNote.grant(of: fired.sequence), amount: refill.amount, source: .purchase,
                reference: note.reference)
            let receipt = try await change(
                ChangeRequest(change: .grantCredit(subject, order), author: Self.refillAuthor))
            if case .rejected(let rejection) = receipt.outcome {
                let failed = RefillNote(
                    .declined, of: fired.sequence, reason: "not granted: \(rejection.message)")
                try await self.note(failed, alert, subject)
                return try await refillState(of: subject, alert)
            }
        }
        try await self.note(note, alert, subject)
        return try await refillState(of: subject, alert)
    }

    private static let refillAuthor = "meterstone"

    private func ownID(_ subject: SubjectID) async throws(StoreError) -> SubjectID {
        try await self.subject(subject)?.id ?? subject
    }

    private func note(
        _ note: RefillNote, _ alert: Alert, _ subject: SubjectID, author: String = refillAuthor
    ) async throws(StoreError) {
        let fired = FiredAlert(note, of: alert.key, for: subject, below: alert.credits[0])
        _ = try await change(ChangeRequest(change: .noteAlert(fired), author: author))
    }

    /// Fires anew where the last refill is dealt with, and another can be had.
    ///
    /// - Returns: whether one is on its way.
    private func askForRefill(
        _ alert: Alert, of subject: SubjectID
    ) async throws(StoreError) -> Bool {
        guard let state = try await refillState(of: subject, alert), !state.isOff else {
            return false
        }
        let noted = try await refillNotes(of: subject, alert.key).last
        for key in try await keys(of: subject) {
            let last = try await lastChange(
                ofKind: FiredAlert.kind, key: FiredAlert.key(of: key, alert.key))
            if let last, last.sequence > noted?.sequence ?? 0 { return true }
        }
        switch noted?.note.outcome {
        case .declined: return true
        case .asked where noted.map { $0.isRecent(at: clock()) } ?? false: return true
        default: if state.isCapped { return false }
        }
        let fired = FiredAlert(
            alert: alert.key, subject: subject, measure: .credits, threshold: alert.credits[0],
            balance: try await wallet(of: subject).balance)
        // Whoever asks at the same time asks after the same note.
        _ = try await change(
            ChangeRequest(
                change: .noteAlert(fired), author: Self.refillAuthor,
                idempotencyKey: fired.key(ofWindow: "after \(noted?.sequence ?? 0)")))
        return true
    }

    private func refillState(
        of subject: SubjectID, _ alert: Alert
    ) async throws(StoreError) -> RefillState? {
        guard let refill = alert.refill else { return nil }
        let notes = try await refillNotes(of: subject, alert.key)
        let zone = try await zone(named: nil)
        func month(_ instant: Instant) -> [Int] {
            let date = CivilDate(daysSince1970: zone.dayNumber(containing: instant))
            return [date.year, date.month]
        }
        let now = month(clock())
        let given = notes.filter { $0.note.isGiven && month($0.at) == now }
        let refusals = notes.reversed().prefix { !$0.note.endsRefusals }
        return RefillState(
            alert: alert.key, refill: refill, thisMonth: Set(given.map(\.note.sequence)).count,
            refusals: refusals.count { $0.note.outcome == .declined }, last: notes.last?.note,
            lastAt: notes.last?.at)
    }

    private func refillNotes(
        of subject: SubjectID, _ alert: AlertKey
    ) async throws(StoreError) -> [NotedRefill] {
        var notes: [NotedRefill] = []
        for key in try await keys(of: subject) {
            let key = FiredAlert.key(of: key, alert)
            notes += try await changes(ofKind: RefillNote.kind, key: key).compactMap { record in
                guard case .noteAlert(let fired) = record.change, let note = fired.refill else {
                    return nil
                }
                return NotedRefill(sequence: record.sequence, at: record.recordedAt, note: note)
            }
        }
        return notes.sorted { $0.sequence < $1.sequence }
    }

    /// Under which a subject stands in the log: it may have been renamed, and others merged into it.
    private func keys(of subject: SubjectID) async throws(StoreError) -> [SubjectID] {
        [try await ownID(subject)] + (try await aliases(of: subject) ?? [])
    }
}

private struct NotedRefill {
    let sequence: Int64
    let at: Instant
    let note: RefillNote

    func isRecent(at now: Instant) -> Bool {
        now < at.advanced(byMilliseconds: Refill.patienceMilliseconds)
    }
}

extension RefillNote {
    fileprivate var isGiven: Bool { outcome == .granted || outcome == .asked }
    fileprivate var endsRefusals: Bool { isGiven || outcome == .resumed }
}
