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
    /// What its cost is beyond the millionths that an event tells, in trillionths; `nil`: nothing.
    let costRest: Int64?

    private static let shape = Shape<ArchiveLine>([
        Member("sequence", .integer(from: 1), \.sequence),
        Member("counted", .flag, \.isCounted),
        Member("countsWhenAborted", .flag, \.countsWhenAborted),
        Member("event", Shapes.event.wire, \.recorded),
        Member(maybe: "costRest", .integer, \.costRest),
    ]) { fields throws(WireMismatch) in
        ArchiveLine(
            sequence: try fields("sequence"), isCounted: try fields("counted"),
            countsWhenAborted: try fields("countsWhenAborted"),
            recorded: try fields("event", Shapes.event), costRest: try fields("costRest"))
    }

    init(sequence: Int64, isCounted: Bool, countsWhenAborted: Bool, recorded: RecordedEvent) {
        self.init(
            sequence: sequence, isCounted: isCounted, countsWhenAborted: countsWhenAborted,
            recorded: recorded, costRest: recorded.event.details?.cost?.restOfMillionths)
    }

    private init(
        sequence: Int64, isCounted: Bool, countsWhenAborted: Bool, recorded: RecordedEvent,
        costRest: Int64?
    ) {
        self.costRest = costRest
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
        if let costRest, let cost = event.details?.cost {
            event.details = event.details?.with(
                cost: Money(wholeMillionths: cost.millionths, rest: costRest))
        }
        if countsWhenAborted { event.details = event.details?.with(countsWhenAborted: true) }
        return event
    }

    /// As whoever records it anew tells it; `nil`: there was nothing to count.
    var told: UsageEvent? {
        guard !recorded.isVoided, isCounted || recorded.reservation == nil else { return nil }
        return recorded.event
    }
}

extension Money {
    /// Between what is told of it and what it is, in trillionths; `nil`: nothing is.
    fileprivate var restOfMillionths: Int64? {
        let rest = trillionths - Int128(millionths) * 1_000_000
        return rest == 0 ? nil : Int64(rest)
    }
}
