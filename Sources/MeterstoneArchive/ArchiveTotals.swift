import MeterstoneCore

/// What the events of one part come to, as its manifest tells it.
struct ArchiveTotals: Sendable, Hashable, Codable {
    /// What events moved a meter by.
    struct Used: Sendable, Hashable, Codable {
        /// That moved it.
        var events = 0
        /// Of all of them; `null` for a meter that is no sum.
        var quantity: Int64?
    }

    private(set) var events = 0
    /// That were taken back, or came to nothing.
    private(set) var notCounted = 0
    private(set) var firstOccurredAt: String?
    private(set) var lastOccurredAt: String?
    private(set) var firstRecordedAt: String?
    private(set) var lastRecordedAt: String?
    private(set) var firstSequence: Int64?
    private(set) var lastSequence: Int64?
    /// By meters' keys.
    private(set) var meters: [String: Used] = [:]

    mutating func add(_ line: ArchiveLine, _ catalog: Catalog) {
        events += 1
        firstSequence = min(firstSequence ?? .max, line.sequence)
        lastSequence = max(lastSequence ?? .min, line.sequence)
        // Texts of instants are in the order of the instants.
        if let occurredAt = line.recorded.event.occurredAt?.rfc3339 {
            firstOccurredAt = min(firstOccurredAt ?? occurredAt, occurredAt)
            lastOccurredAt = max(lastOccurredAt ?? occurredAt, occurredAt)
        }
        let recordedAt = line.recorded.recordedAt.rfc3339
        firstRecordedAt = min(firstRecordedAt ?? recordedAt, recordedAt)
        lastRecordedAt = max(lastRecordedAt ?? recordedAt, recordedAt)
        guard line.isCounted else {
            notCounted += 1
            return
        }
        for movement in catalog.movements(of: line.event) {
            let meter = movement.meter.meter
            var used = meters[meter.key.text] ?? Used()
            used.events += 1
            if meter.aggregation == .sum {
                used.quantity =
                    (used.quantity ?? 0).addingReportingOverflow(movement.units)
                    .partialValue
            }
            meters[meter.key.text] = used
        }
    }
}
