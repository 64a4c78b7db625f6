import MeterstoneAPI
import MeterstoneCore

/// One event as a file of an archive tells it.
struct ArchiveLine: Sendable {
    /// Its place in the order of recording.
    let sequence: Int64
    /// Whether it counts: it was not taken back, and is no reservation that came to nothing.
    let isCounted: Bool
    /// Whether it counts although it failed or was cancelled.
    let countsWhenAborted: Bool
    let recorded: RecordedEvent

    private static let shape = Shape<ArchiveLine>([
        Member("sequence", .integer(from: 1), \.sequence),
        Member("counted", .flag, \.isCounted),
        Member("countsWhenAborted", .flag, \.countsWhenAborted),
        Member("event", Shapes.event.wire, \.recorded),
    ]) { fields throws(WireMismatch) in
        ArchiveLine(
            sequence: try fields("sequence"), isCounted: try fields("counted"),
            countsWhenAborted: try fields("countsWhenAborted"),
            recorded: try fields("event", Shapes.event))
    }

    init(sequence: Int64, isCounted: Bool, countsWhenAborted: Bool, recorded: RecordedEvent) {
        self.sequence = sequence
        self.isCounted = isCounted
        self.countsWhenAborted = countsWhenAborted
        self.recorded = recorded
    }

    /// `nil`: the bytes are no line of an archive.
    init?(reading bytes: [UInt8]) {
        guard let line = try? Self.shape.read(bytes) else { return nil }
        self = line
    }

    func append(to writer: inout JSONWriter) { writer.object(self, Self.shape) }

    /// What meters count of it.
    var event: UsageEvent {
        var event = recorded.event
        if countsWhenAborted { event.details = event.details?.with(countsWhenAborted: true) }
        return event
    }

    /// As whoever records it anew tells it; `nil`: there was nothing to count.
    var told: UsageEvent? {
        guard !recorded.isVoided, isCounted || recorded.reservation == nil else { return nil }
        return recorded.event
    }
}
