import MeterstoneCore

/// Alerts: that a threshold is reached is written down in the step that reaches it, so that neither a crash
/// nor another node tells it twice or not at all.
///
/// What was fired is a change with a key of its own, which says limit, threshold, window, allowance and
/// reset: there is no second one. Reserving fires nothing, since nothing is used yet; the end of a reservation
/// does.
extension WorkingSet {
    /// Where a watched limit of one subject stands before something and after it.
    struct WatchedUse {
        let subject: SubjectState
        let definition: LimitDefinition
        let value: String?
        let before: Int64
        let after: Int64
        let allowed: Int64
        let resetsAt: Instant?
        /// Which window it is, in words that differ for each.
        let window: String
        let pace: WindowPace?

        func reached(_ alert: Alert, by used: Int64) -> [(measure: AlertMeasure, threshold: Int64)]
        {
            alert.reached(by: used, of: allowed, at: pace)
        }
    }

    /// Watched limits that an event brings to a threshold. Nothing of it is written yet.
    func reached(
        by movements: Movements, _ levels: Levels, _ details: EventDetails?, at instant: Instant
    ) throws(StoreError) -> [WatchedUse] {
        var result: [WatchedUse] = []
        var member: Int64 = 0
        for subject in levels {
            for movement in movements {
                for definition in movement.meter.limits where definition.concerns(details) {
                    guard let alerts = catalog.alerts[definition.limit.key],
                        definition.limit.window != .concurrent
                    else { continue }
                    let value = definition.value(of: details)
                    let reading = try read(
                        definition, value, of: subject, adding: movement, by: member, at: instant)
                    guard
                        let use = use(
                            reading, before: reading.before, after: reading.after, definition,
                            value, of: subject, at: instant),
                        alerts.contains(where: {
                            use.reached($0, by: use.after).count
                                > use.reached($0, by: use.before).count
                        })
                    else { continue }
                    result.append(use)
                }
            }
            if member == 0 { member = subject.memberNumber }
        }
        return result
    }

    /// Watched limits of the meters that a correction is about. Nothing of it is written yet.
    func watched(
        _ correction: CorrectionRecord, _ effects: [CorrectionEffect], of owner: SubjectState
    ) throws(StoreError) -> [WatchedUse] {
        let records = [correction.before, correction.after ?? correction.before]
        let meters = records.flatMap {
            catalog.movements(of: $0.event(subject: owner.id)).map(\.meter)
        }.unique
        let (details, instant) = (records[1].details, correction.occurredAt)
        var result: [WatchedUse] = []
        for subject in try levels(of: correction.before, owner) {
            for meter in meters {
                for definition in meter.limits
                where catalog.alerts[definition.limit.key] != nil && definition.concerns(details) {
                    let value = definition.value(of: details)
                    let before = try read(
                        definition, value, of: subject, adding: nil, at: instant)
                    let after = try read(
                        definition, value, of: subject, adding: nil, at: instant, after: effects)
                    let found = use(
                        after, before: before.before, after: after.before, definition, value,
                        of: subject, at: instant)
                    if let found { result.append(found) }
                }
            }
        }
        return result
    }

    /// What is used now of a subject's own watched limits; without those per value.
    func watchedUnits(of subject: SubjectState) throws(StoreError) -> [LimitKey: Int64] {
        var result: [LimitKey: Int64] = [:]
        for definition in catalog.activeDefinitions where isWatched(definition) {
            result[definition.limit.key] =
                try read(definition, nil, of: subject, adding: nil, at: now).before
        }
        return result
    }

    /// Fires what a subject's watched limits reach that they had not before.
    func fire(of subject: SubjectState, since before: [LimitKey: Int64]) throws(StoreError) {
        for definition in catalog.activeDefinitions where isWatched(definition) {
            let reading = try read(definition, nil, of: subject, adding: nil, at: now)
            let found = use(
                reading, before: before[definition.limit.key] ?? 0, after: reading.before,
                definition, nil, of: subject, at: now)
            if let found, found.after > found.before { try fire(found, by: nil) }
        }
    }

    private func isWatched(_ definition: LimitDefinition) -> Bool {
        catalog.alerts[definition.limit.key] != nil && !definition.isPerValue
            && definition.limit.window != .concurrent && definition.limit.window != .request
    }

    /// `nil`: nothing of it can be reached, or its window is past.
    private func use(
        _ reading: LimitReading, before: Int64, after: Int64, _ definition: LimitDefinition,
        _ value: String?, of subject: SubjectState, at instant: Instant
    ) -> WatchedUse? {
        guard case .units(let allowed) = reading.allowance, !reading.isBeyondValues,
            let window = name(
                ofWindow: definition.limit.window, reading, of: subject,
                // What is said late of a gauge changes what it shows now.
                at: definition.aggregation.isOfReadings ? max(instant, now) : instant)
        else { return nil }
        return WatchedUse(
            subject: subject, definition: definition, value: value, before: before, after: after,
            allowed: allowed.units, resetsAt: reading.resetsAt, window: window,
            pace: pace(in: reading, definition, of: subject))
    }

    /// `nil`: the window rolls or never ends, or what is used in it does not add up.
    private func pace(
        in reading: LimitReading, _ definition: LimitDefinition, of subject: SubjectState
    ) -> WindowPace? {
        guard definition.aggregation == .sum || definition.aggregation == .count,
            let end = reading.resetsAt,
            catalog.alerts[definition.limit.key]?.contains(where: { !$0.pacePercent.isEmpty })
                ?? false
        else { return nil }
        let span: WindowSpan
        switch definition.limit.window {
        case .request, .concurrent, .rolling, .lifetime: return nil
        case .sinceFirst(let seconds):
            span = WindowSpan(from: end.advanced(byMilliseconds: -seconds * 1_000), until: end)
        default:
            span = definition.limit.window.span(
                containing: now, in: subject.zone, anchors: subject.anchors)
        }
        let reset = subject.profile.resets[definition.limit.key]?.last?.at
        return WindowPace(span, countingFrom: reset, at: now)
    }

    /// What tells a window from the others of its limit; `nil`: it is past, or is no window of a kind that
    /// alerts are about. A window that rolls is told once in its own length.
    private func name(
        ofWindow window: Window, _ reading: LimitReading, of subject: SubjectState,
        at instant: Instant
    ) -> String? {
        switch window {
        case .request, .concurrent: return nil
        case .rolling(let seconds):
            guard instant.advanced(byMilliseconds: seconds * 1_000) > now else { return nil }
            return String(now.millisecondsSince1970 / (seconds * 1_000))
        case .sinceFirst:
            guard let end = reading.resetsAt, end > now else { return nil }
            return String(end.millisecondsSince1970)
        default:
            let span = window.span(containing: instant, in: subject.zone, anchors: subject.anchors)
            guard span.until > now, span.from <= now else { return nil }
            return String(span.from.millisecondsSince1970)
        }
    }

    /// Writes down what a use reaches that was not told of its window before.
    func fire(_ use: WatchedUse, by event: EventID?) throws(StoreError) {
        let plan = use.subject.plan(at: now, catalog: catalog)
        for alert in catalog.alerts[use.definition.limit.key] ?? [] where alert.concerns(plan) {
            for (measure, threshold) in use.reached(alert, by: use.after) {
                var fired = fired(use, alert.key, measure, threshold)
                fired.eventID = event
                let arming = try arming(of: fired, use)
                guard !arming.isFired else { continue }
                try write(fired, key: arming.key, of: use.subject)
            }
        }
    }

    /// Makes it possible to reach anew what a use went below.
    func rearm(_ use: WatchedUse) throws(StoreError) {
        guard use.after < use.before else { return }
        for alert in catalog.alerts[use.definition.limit.key] ?? [] {
            let still = use.reached(alert, by: use.after)
            for (measure, threshold) in use.reached(alert, by: use.before)
            where !still.contains(where: { $0 == (measure, threshold) }) {
                var fired = fired(use, alert.key, measure, threshold)
                let arming = try arming(of: fired, use)
                guard arming.isFired else { continue }
                fired.isRearmed = true
                try write(fired, key: arming.key + "-", of: use.subject)
            }
        }
    }

    private func fired(
        _ use: WatchedUse, _ alert: AlertKey, _ measure: AlertMeasure, _ threshold: Int64
    ) -> FiredAlert {
        FiredAlert(
            alert: alert, subject: use.subject.id, measure: measure, threshold: threshold,
            limit: use.definition.limit.key, meter: use.definition.limit.meter, value: use.value,
            allowance: use.allowed, used: use.after, resetsAt: use.resetsAt,
            fullAt: measure == .pacePercent ? use.pace?.fullAt(use.after, of: use.allowed) : nil)
    }

    /// How often a threshold may be told anew within a window.
    private static let armingsMax = 1_000

    /// The key under which a threshold of a window stands now, and whether it is told already.
    private func arming(
        of fired: FiredAlert, _ use: WatchedUse
    ) throws(StoreError) -> (key: String, isFired: Bool) {
        let reset = use.subject.profile.resets[use.definition.limit.key]?.last?.sequence ?? 0
        let base = fired.key(ofWindow: "\(use.window)/\(use.allowed)/\(reset)")
        for place in 0..<Self.armingsMax {
            let key = "\(base):\(place)"
            if try !isWritten(key) { return (key, false) }
            if try !isWritten(key + "-") { return (key, true) }
        }
        return ("\(base):\(Self.armingsMax)", true)
    }

    private func isWritten(_ key: String) throws(StoreError) -> Bool {
        if waitingAlerts[key] != nil { return true }
        return try source.receipt(forIdempotencyKey: key) != nil
    }

    /// Writes down which balances of credits an entry went down to. They are told anew after each grant, and with
    /// it where it is too small to lift the balance of somebody who uses credits above them.
    func fireCredits(
        of state: SubjectState, before: Int64, by entry: LedgerEntry
    ) throws(StoreError) {
        let wallet = state.current[try walletIndex(state, at: now)].state.wallet.wallet
        let isTooSmall =
            entry.kind == .grant && entry.recurrence == nil && wallet.lifetimeSpent > 0
        guard wallet.balance < before || isTooSmall else { return }
        let plan = state.plan(at: now, catalog: catalog)
        for alert in catalog.creditAlerts where alert.concerns(plan) {
            for threshold in alert.credits
            where wallet.balance <= threshold && (isTooSmall || threshold < before) {
                let fired = FiredAlert(
                    alert: alert.key, subject: state.id, measure: .credits, threshold: threshold,
                    balance: wallet.balance)
                let key = fired.key(ofWindow: String(wallet.nextGrantNumber)) + ":0"
                guard try !isWritten(key) else { continue }
                try write(fired, key: key, of: state)
            }
        }
    }

    private func write(
        _ fired: FiredAlert, key: String, of state: SubjectState
    ) throws(StoreError) {
        let request = ChangeRequest(
            change: .noteAlert(fired), author: Self.ownAuthor, idempotencyKey: key)
        let record = ChangeRecord(
            sequence: batch.nextSequence, recordedAt: now, request: request, outcome: .created,
            before: nil, after: try fired.text())
        try write(record, .none, of: state.number)
    }

    private static let ownAuthor = "meterstone"
}

extension FiredAlert {
    /// Under which it is written down, so that there is no second one.
    ///
    /// - Parameter window: in words that differ for each.
    package func key(ofWindow window: String) -> String {
        // What was usual is another with each event that comes late.
        let reached = measure == .unusual ? meter?.text ?? "" : String(threshold)
        let parts = [
            String(subject.text.utf8.count), subject.text, alert.text, limit?.text ?? "",
            measure.rawValue, reached, window, value ?? "",
        ]
        let digest = SHA256.hash(Array(parts.joined(separator: "/").utf8)).description
        return "meterstone:alert:" + digest.prefix(40)
    }
}
