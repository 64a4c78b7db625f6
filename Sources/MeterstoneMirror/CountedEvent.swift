import Foundation
import MeterstoneCore

/// An event as its row tells it, as far as meters look at it.
struct CountedEvent {
    let sequence: Int64
    /// The subject, and the teams above it, by number.
    let levels: [Int64]
    private let occurredAt: Instant
    private let event: UsageEvent

    /// `nil`: somebody else has written it.
    init?(_ row: [MirrorValue]) {
        guard let sequence = row[0].integer, let subject = row[1].integer,
            let occurred = row[6].integer
        else { return nil }
        self.sequence = sequence
        levels = [subject] + (Self.decoded(row[2], [Int64].self) ?? [])
        occurredAt = Instant(millisecondsSince1970: occurred)
        let quantities = Self.decoded(row[8], [String: Int64].self) ?? [:]
        let dimensions = Self.decoded(row[9], [String: String].self) ?? [:]
        let details = EventDetails(
            type: row[3].text, subtype: row[4].text,
            status: row[5].text.flatMap { EventStatus(rawValue: $0) } ?? .success,
            cost: row[7].integer.flatMap { Money(trillionths: Int128($0) * 1_000) },
            dimensions: dimensions.map { Dimension(name: $0.key, value: $0.value) }
        ).with(countsWhenAborted: row[10].integer == 1)
        event = UsageEvent(
            subject: SubjectID(unchecked: ""), occurredAt: occurredAt,
            quantities: Quantities(
                quantities.map {
                    NamedQuantity(name: MeterKey(unchecked: $0.key), quantity: Quantity($0.value))
                }), details: details)
    }

    private static func decoded<Value: Decodable>(
        _ value: MirrorValue, _ type: Value.Type
    ) -> Value? {
        value.text.flatMap { try? JSONDecoder().decode(type, from: Data($0.utf8)) }
    }

    /// What it adds to each of some meters.
    func usageRows(
        _ meters: [Meter], _ owners: [Int64: Subject], _ calendar: inout MirrorCalendar
    ) -> [[MirrorValue]] {
        var rows: [[MirrorValue]] = []
        for meter in meters {
            guard let (units, value) = meter.movement(of: event) else { continue }
            for (level, number) in levels.enumerated() {
                rows.append([
                    .integer(sequence), .text(meter.key.text), .integer(Int64(level)),
                    MirrorValue(owners[number]?.id.text), .integer(number),
                    .text(calendar.day(of: occurredAt, inZoneOf: owners[number])),
                    calendar.dialect.value(occurredAt),
                    .integer(occurredAt.millisecondsSince1970),
                    MirrorValue(event.details?.subtype),
                    .integer(meter.aggregation == .count ? 1 : units), MirrorValue(value),
                ])
            }
        }
        return rows
    }
}
