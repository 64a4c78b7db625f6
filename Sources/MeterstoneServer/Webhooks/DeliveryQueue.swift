import Meterstone
package import MeterstoneCore
package import MeterstoneStore

/// What is sent to one webhook, and when: a value without a clock or a connection.
package struct DeliveryQueue: Sendable {
    package private(set) var progress: WebhookProgress
    /// Whether the last attempt was not taken: then one message at a time is tried.
    private var isFailing = false
    /// Facts beyond ``WebhookProgress/through`` that were taken in: nodes may finish commits in another
    /// order than that of their facts.
    private var known: Set<Int64> = []
    private var alerts: [Int64: RecordedAlert] = [:]

    /// How long after its time a fact can still come to light, where nodes share a store.
    package static let settlingMilliseconds: Int64 = 60_000
    /// After each attempt that fails; then the message is given up, after three days and a half.
    package static let pausesInSeconds: [Int64] = [
        5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ]
    /// They are written down together with how far a webhook has come.
    package static let waitingMax = 1_000
    private static let atOnce = 8

    package init(_ progress: WebhookProgress) {
        self.progress = progress
    }

    /// Whether more can be taken in.
    package var hasRoom: Bool { progress.waiting.count < Self.waitingMax }

    /// Takes in what fired after ``WebhookProgress/through``, the last fact that was read included.
    ///
    /// - Parameters:
    ///   - isShared: whether facts before the last one may still come to light.
    ///   - isFor: which of them the webhook is told.
    package mutating func take(
        _ read: [ChangeRecord], isShared: Bool, at now: Instant,
        isFor: (RecordedAlert) -> Bool
    ) {
        let settled = now.advanced(byMilliseconds: -Self.settlingMilliseconds)
        var isSettled = true
        for fact in read {
            if !known.contains(fact.sequence) { take(fact, at: now, isFor) }
            isSettled = isSettled && (!isShared || fact.recordedAt < settled)
            if isSettled {
                progress.through = fact.sequence
                known.remove(fact.sequence)
            } else {
                known.insert(fact.sequence)
            }
        }
    }

    private mutating func take(
        _ fact: ChangeRecord, at now: Instant, _ isFor: (RecordedAlert) -> Bool
    ) {
        if let alert = RecordedAlert(fact), isFor(alert) {
            progress.waiting.append(WaitingDelivery(sequence: fact.sequence, dueAt: now))
            alerts[fact.sequence] = alert
        } else if case .noteReplay(progress.webhook, let sequence) = fact.change {
            replay(sequence, at: now)
        }
    }

    /// The messages to send now: of one subject one at a time, so that they come in order. One that failed is passed
    /// by those after it, and so may be those that waited when this process began.
    package func due(at now: Instant) -> [WaitingDelivery] {
        var subjects: Set<SubjectID> = []
        var due: [WaitingDelivery] = []
        for delivery in progress.waiting where delivery.dueAt <= now {
            if due.count == (isFailing ? 1 : Self.atOnce) { break }
            let subject = alerts[delivery.sequence]?.alert.subject
            if subject.map({ subjects.insert($0).inserted }) ?? true { due.append(delivery) }
        }
        return due
    }

    /// The alert of a message; `nil`: it was taken in before this process began.
    package func alert(_ delivery: WaitingDelivery) -> RecordedAlert? { alerts[delivery.sequence] }

    /// Notes an attempt.
    ///
    /// - Parameter error: `nil`: the message was taken.
    package mutating func note(
        _ delivery: WaitingDelivery, _ error: DeliveryError?, at now: Instant
    ) {
        guard
            let place = progress.waiting.firstIndex(where: { $0.sequence == delivery.sequence })
        else { return }
        isFailing = error != nil
        var tried = progress.waiting.remove(at: place)
        guard let error else {
            progress.delivered += 1
            alerts[delivery.sequence] = nil
            return
        }
        tried.attempts += 1
        guard !error.isFinal, tried.attempts <= Self.pausesInSeconds.count else {
            alerts[delivery.sequence] = nil
            progress.failed.append(
                FailedDelivery(
                    sequence: tried.sequence, attempts: tried.attempts, failedAt: now,
                    error: error.text))
            progress.failed = progress.failed.suffix(WebhookProgress.failedMax)
            return
        }
        let pause = Self.pausesInSeconds[tried.attempts - 1]
        tried.dueAt = now.advanced(byMilliseconds: pause * 1_000)
        tried.error = error.text
        progress.waiting.append(tried)
    }

    /// Sends one of those that failed again, or all of them.
    private mutating func replay(_ sequence: Int64?, at now: Instant) {
        let chosen = progress.failed.filter { sequence == nil || $0.sequence == sequence }
        progress.failed.removeAll { sequence == nil || $0.sequence == sequence }
        progress.waiting += chosen.map { WaitingDelivery(sequence: $0.sequence, dueAt: now) }
    }
}

extension WebhookProgress {
    package static let failedMax = 1_000
}

/// Why a message was not taken.
package struct DeliveryError: Error, Equatable {
    package let text: String
    /// Whether it is not tried again.
    package let isFinal: Bool

    package init(_ text: String, isFinal: Bool = false) {
        self.text = text
        self.isFinal = isFinal
    }
}
