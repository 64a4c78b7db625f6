package import Logging
package import Meterstone
package import MeterstoneCore
import MeterstoneStore
import ServiceLifecycle

/// Carries one message to a receiver.
package protocol WebhookSender: Sendable {
    /// Throws a ``DeliveryError`` unless the receiver took it.
    ///
    /// - Returns: what it said, or the beginning of it.
    @discardableResult
    func send(_ message: WebhookMessage) async throws(DeliveryError) -> [UInt8]
}

/// Sends fired alerts to webhooks, each at least once and under the same id.
///
/// What fired stands in the audit log, written in the step that reached it. The courier reads on there, and
/// now and then writes down how far each webhook has come. A receiver that is slow or fails delays its own
/// messages alone. Where nodes share a store, one of them does it.
package actor WebhookCourier: Service {
    private static let lookMilliseconds = 250
    /// Where there is nobody to send to.
    private static let idleMilliseconds = 2_000
    private static let factsPerLook = 1_000
    /// After so many the webhook is read anew: it may lead elsewhere by now.
    private static let batchesPerLook = 64
    /// Between two notes of how far a webhook has come.
    private static let noteMilliseconds: Int64 = 5_000

    private let engine: MeterstoneEngine
    private let sender: any WebhookSender
    private let clock: @Sendable () -> Instant
    private let logger: Logger
    private var queues: [WebhookKey: DeliveryQueue] = [:]
    private var noted: [WebhookKey: (progress: WebhookProgress, at: Instant)] = [:]
    private var busy: Set<WebhookKey> = []
    /// As they were at the last look.
    private var alerts: [AlertKey: Alert] = [:]

    package init(
        _ engine: MeterstoneEngine, sender: any WebhookSender, logger: Logger,
        clock: @escaping @Sendable () -> Instant = SystemClock.now
    ) {
        self.engine = engine
        self.sender = sender
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    for webhook in await self.look() {
                        group.addTask { await self.deliver(to: webhook) }
                    }
                    try? await Task.sleep(for: .milliseconds(self.pauseMilliseconds))
                }
            }
            await self.noteAll()
        }
    }

    private var pauseMilliseconds: Int {
        queues.isEmpty ? Self.idleMilliseconds : Self.lookMilliseconds
    }

    /// One look, and everything sent that is due; for tests.
    package func runOnce() async {
        for webhook in await look() { await deliver(to: webhook) }
        await noteAll()
    }

    /// Takes in what fired since the last look.
    ///
    /// - Returns: webhooks that something is due for.
    private func look() async -> [Webhook] {
        do throws(StoreError) {
            let webhooks = try await engine.webhooks()
            guard !webhooks.isEmpty, try await engine.isOnDuty() else {
                queues = [:]
                return []
            }
            alerts = Dictionary(
                try await engine.alerts().map { ($0.key, $0) }, uniquingKeysWith: { $1 })
            // One of the same key that is made later begins anew.
            let known = Set(webhooks.map(\.key))
            queues = queues.filter { known.contains($0.key) }
            for webhook in webhooks { try await take(for: webhook) }
            let now = clock()
            return webhooks.filter { webhook in
                webhook.active && !busy.contains(webhook.key)
                    && queues[webhook.key].map { !$0.due(at: now).isEmpty } ?? false
            }
        } catch {
            if error.code != .closed { logger.warning("webhooks wait: \(error)") }
            return []
        }
    }

    private func take(for webhook: Webhook) async throws(StoreError) {
        let key = webhook.key
        var queue: DeliveryQueue
        if let known = queues[key] {
            queue = known
        } else {
            queue = DeliveryQueue(try await progress(of: key))
        }
        guard queue.hasRoom else { return }
        let read = try await engine.changes(
            after: queue.progress.through, count: Self.factsPerLook)
        // Something may have been sent meanwhile.
        queue = queues[key] ?? queue
        let alerts = alerts
        queue.take(read, isShared: engine.isShared, at: clock()) { fired in
            guard let alert = alerts[fired.alert.alert] else { return true }
            return alert.webhooks.isEmpty || alert.webhooks.contains(key)
        }
        queues[key] = queue
        try await note(key, isLast: false)
    }

    /// As it was noted last. What fired before there was such a webhook is not for it.
    private func progress(of webhook: WebhookKey) async throws(StoreError) -> WebhookProgress {
        let made = try await engine.changes(ofKind: Webhook.kind, key: webhook.text)
        let born = made.last { $0.outcome == .created }?.sequence ?? 0
        let last = try await engine.lastChange(
            ofKind: WebhookProgress.kind, key: webhook.text)
        if let last, last.sequence > born, case .noteProgress(let progress) = last.change {
            return progress
        }
        return WebhookProgress(webhook: webhook, through: born)
    }

    private func deliver(to webhook: Webhook) async {
        guard busy.insert(webhook.key).inserted else { return }
        defer { busy.remove(webhook.key) }
        for _ in 0..<Self.batchesPerLook {
            let due = queues[webhook.key]?.due(at: clock()) ?? []
            guard !due.isEmpty, !Task.isCancelled else { return }
            await deliver(due, to: webhook)
        }
    }

    private func deliver(_ due: [WaitingDelivery], to webhook: Webhook) async {
        await withTaskGroup(of: (WaitingDelivery, DeliveryError?).self) { group in
            var asked: Set<String> = []
            for delivery in due {
                let fired = await alert(of: delivery, webhook.key)
                let rule = fired.flatMap { alerts[$0.alert.alert] }
                // What comes of one refill of somebody says whether the next is asked for.
                if let fired, rule?.refill != nil,
                    !asked.insert(FiredAlert.key(of: fired.alert.subject, fired.alert.alert))
                        .inserted
                {
                    continue
                }
                group.addTask { [self] in
                    guard let fired else { return (delivery, DeliveryError.gone) }
                    do throws(DeliveryError) {
                        try await send(fired, rule, to: webhook)
                        return (delivery, nil)
                    } catch {
                        return (delivery, error)
                    }
                }
            }
            for await (delivery, error) in group {
                queues[webhook.key]?.note(delivery, error, at: clock())
            }
        }
    }

    private nonisolated func send(
        _ fired: RecordedAlert, _ rule: Alert?, to webhook: Webhook
    ) async throws(DeliveryError) {
        guard let rule, let refill = rule.refill else {
            try await sender.send(WebhookMessage(fired, to: webhook, at: clock()))
            return
        }
        let state: RefillState?
        do {
            var note = try await engine.refillOutcome(of: fired, rule)
            if note == nil {
                let answer = try await sender.send(
                    WebhookMessage(fired, asking: refill, to: webhook, at: clock()))
                note = RefillAnswer.note(answer, to: refill, of: fired.sequence)
            }
            guard let note else { return }
            state = try await engine.settle(note, of: fired, rule)
        } catch {
            throw error as? DeliveryError ?? DeliveryError("\(error)")
        }
        if let last = state?.last, last.outcome == .declined {
            throw .declined(last.reason, isLast: state?.isOff ?? true)
        }
    }

    private func alert(
        of delivery: WaitingDelivery, _ webhook: WebhookKey
    ) async -> RecordedAlert? {
        if let known = queues[webhook]?.alert(delivery) { return known }
        let found = try? await engine.changes(after: delivery.sequence - 1, count: 1)
        return found?.first.flatMap {
            $0.sequence == delivery.sequence ? RecordedAlert($0) : nil
        }
    }

    private func noteAll() async {
        for webhook in queues.keys { try? await note(webhook, isLast: true) }
    }

    /// Writes down how far a webhook has come, where that is news.
    private func note(_ webhook: WebhookKey, isLast: Bool) async throws(StoreError) {
        guard let progress = queues[webhook]?.progress else { return }
        let (last, now) = (noted[webhook], clock())
        guard progress.isNews(after: last?.progress) else { return }
        if !isLast, let last, now < last.at.advanced(byMilliseconds: Self.noteMilliseconds) {
            return
        }
        noted[webhook] = (progress, now)
        _ = try await engine.change(
            ChangeRequest(change: .noteProgress(progress), author: "meterstone"))
    }
}

extension WebhookProgress {
    /// Whether something was sent or is to be sent since; that other facts were read alone is none.
    fileprivate func isNews(after last: WebhookProgress?) -> Bool {
        guard let last else { return !waiting.isEmpty || !failed.isEmpty || delivered > 0 }
        return waiting != last.waiting || failed != last.failed || delivered != last.delivered
    }
}

extension DeliveryError {
    fileprivate static let gone = DeliveryError("the alert is not in the store", isFinal: true)
}
