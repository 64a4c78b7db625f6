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
            if let history = try await refillHistory(of: own, alert) {
                result.append(history.state)
            }
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
        return try await refillHistory(of: own, alert)?.state
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
        guard let history = try await refillHistory(of: subject, alert) else { return nil }
        let own = history.notes.last { $0.note.sequence == fired.sequence }?.note
        if let own, own.outcome != .declined { return own }
        if history.state.isOff { return RefillNote(.off, of: fired.sequence) }
        if history.state.isCapped { return RefillNote(.capped, of: fired.sequence) }
        let balance = try await wallet(of: subject).balance
        let isWanted = alert.active && fired.alert.balance.map { balance <= $0 } ?? true
        return isWanted ? nil : RefillNote(.unneeded, of: fired.sequence)
    }

    /// Writes down what became of a refill, and grants what was paid. The note comes first and is found again
    /// when the question is repeated; the grant has the key of the alert, so that it is made once.
    ///
    /// - Returns: where the subject stands now.
    package func settle(
        _ note: RefillNote, of fired: RecordedAlert, _ alert: Alert
    ) async throws(StoreError) -> RefillState? {
        let subject = fired.alert.subject
        let history = try await refillHistory(of: subject, alert)
        if history?.notes.contains(where: { $0.note == note }) != true || note.outcome == .declined
        {
            try await self.note(note, alert, subject)
        }
        if note.outcome == .granted, let amount = note.amount {
            let order = GrantOrder(
                id: RefillNote.grant(of: fired.sequence), amount: amount, source: .purchase,
                reference: note.reference)
            let receipt = try await change(
                ChangeRequest(change: .grantCredit(subject, order), author: Self.refillAuthor))
            if case .rejected(let rejection) = receipt.outcome {
                let reason = "not granted: \(rejection.message)"
                try await self.note(
                    RefillNote(.declined, of: fired.sequence, reason: reason), alert, subject)
            }
        }
        return try await refillHistory(of: subject, alert)?.state
    }

    private static let refillAuthor = "meterstone"

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
        guard let history = try await refillHistory(of: subject, alert), !history.state.isOff else {
            return false
        }
        let noted = history.notes.last
        for key in try await logKeys(of: subject) {
            let last = try await lastChange(
                ofKind: FiredAlert.kind, key: FiredAlert.key(of: key, alert.key))
            if let last, last.sequence > noted?.sequence ?? 0 { return true }
        }
        switch noted?.note.outcome {
        case .declined: return true
        case .asked where noted.map { $0.isRecent(at: clock()) } ?? false: return true
        default: if history.state.isCapped { return false }
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

    /// `nil`: the alert asks for none.
    private func refillHistory(
        of subject: SubjectID, _ alert: Alert
    ) async throws(StoreError) -> RefillHistory? {
        guard let refill = alert.refill else { return nil }
        var notes: [NotedRefill] = []
        for key in try await logKeys(of: subject) {
            let key = FiredAlert.key(of: key, alert.key)
            notes += try await changes(ofKind: RefillNote.kind, key: key).compactMap { record in
                guard case .noteAlert(let fired) = record.change, let note = fired.refill else {
                    return nil
                }
                return NotedRefill(sequence: record.sequence, at: record.recordedAt, note: note)
            }
        }
        notes.sort { $0.sequence < $1.sequence }
        let zone = try await zone(named: nil)
        func month(_ instant: Instant) -> [Int] {
            let date = CivilDate(daysSince1970: zone.dayNumber(containing: instant))
            return [date.year, date.month]
        }
        let now = month(clock())
        let latest = Dictionary(notes.map { ($0.note.sequence, $0) }, uniquingKeysWith: { $1 })
        let given = latest.values.filter { $0.note.isGiven && month($0.at) == now }
        let refusals = notes.reversed().prefix { !$0.note.endsRefusals }
        return RefillHistory(
            notes: notes,
            state: RefillState(
                alert: alert.key, refill: refill, thisMonth: given.count,
                refusals: refusals.count { $0.note.outcome == .declined }, last: notes.last?.note,
                lastAt: notes.last?.at))
    }
}

/// What is noted of a subject's refills, oldest first, and what it comes to.
private struct RefillHistory {
    let notes: [NotedRefill]
    let state: RefillState
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
