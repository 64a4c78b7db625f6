package import MeterstoneCore

/// How long the log of changes keeps lines that only tell something: what is in force stands elsewhere. All other lines
/// are kept for ever, since catalog, histories and reports of the past are made of them.
///
/// A line that came with an idempotency key stays, since its repeat has to be known.
package struct LogRetention: Sendable, Hashable {
    /// Who signed in before and with what, and when keys were used; `nil`: that is kept.
    ///
    /// A session that goes on stands in the catalog, or in its account, and not in the log.
    package var accessBefore: Instant?
    /// How far webhooks had come before; `nil`: that is kept. The last word of each stays, with what waits and what was
    /// given up.
    package var deliveriesBefore: Instant?

    package init(accessBefore: Instant? = nil, deliveriesBefore: Instant? = nil) {
        self.accessBefore = accessBefore
        self.deliveriesBefore = deliveriesBefore
    }

    private static let accessKinds = ["signIn", "session", "accountSession", "uses"]
    fileprivate static let replayKind = "webhookReplay"

    /// Of lines that may go.
    package var kinds: [String] {
        (accessBefore == nil ? [] : Self.accessKinds)
            + (deliveriesBefore == nil ? [] : [WebhookProgress.kind, Self.replayKind])
    }

    /// Before when a line has to be.
    fileprivate func end(ofKind kind: String) -> Instant? {
        Self.accessKinds.contains(kind) ? accessBefore : deliveriesBefore
    }
}

/// What a store tells of a line that may go.
package struct LogLine: Sendable {
    package let sequence: Int64
    package let kind: String
    package let key: String
    package let recordedAt: Instant

    package init(
        sequence: Int64, kind: String, key: String, recordedAt: String
    ) throws(StoreError) {
        guard let instant = Instant(rfc3339: recordedAt) else { throw .unreadable(sequence) }
        self.sequence = sequence
        self.kind = kind
        self.key = key
        self.recordedAt = instant
    }

    fileprivate var isOfWebhook: Bool {
        kind == WebhookProgress.kind || kind == LogRetention.replayKind
    }

    /// Whether a later word of the webhook has everything that this says or asks for.
    fileprivate func isPast(_ last: ChangeRecord) -> Bool {
        guard last.sequence > sequence, case .noteProgress(let progress) = last.change else {
            return false
        }
        return kind == WebhookProgress.kind || progress.through >= sequence
    }
}

/// How far a sweep over the log has come.
public struct LogSweep: Sendable {
    package let retention: LogRetention
    /// Lines up to here were looked at.
    package private(set) var through: Int64 = 0
    /// Of the lines that were looked at last, those that go.
    package private(set) var leaving: [Int64] = []
    package private(set) var isDone = false

    /// So many lines are looked at in one step, and go in one.
    package static let linesMax = 1_000

    package init(_ retention: LogRetention) {
        self.retention = retention
        isDone = retention.kinds.isEmpty
    }

    /// Looks at the lines that come next.
    ///
    /// - Parameters:
    ///   - lines: of the kinds that may go, after ``through``, by sequence.
    ///   - source: as of no earlier moment.
    package mutating func look(
        at lines: [LogLine], _ source: any StoreSource
    ) throws(StoreError) {
        var newest: [String: ChangeRecord] = [:]
        leaving = []
        for line in lines {
            guard let end = retention.end(ofKind: line.kind), line.recordedAt < end else {
                continue
            }
            if line.isOfWebhook {
                if newest[line.key] == nil {
                    newest[line.key] = try source.lastChange(
                        ofKind: WebhookProgress.kind, key: line.key)
                }
                guard let last = newest[line.key], line.isPast(last) else { continue }
            }
            leaving.append(line.sequence)
        }
        through = lines.last?.sequence ?? through
        isDone = lines.count < Self.linesMax
    }
}
