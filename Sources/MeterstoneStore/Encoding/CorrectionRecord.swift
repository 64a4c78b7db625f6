package import MeterstoneCore

/// A correction as it is stored, beside the event that it corrects.
///
/// It holds what counted before and what counts since, so that its effect needs no other record.
package struct CorrectionRecord: Sendable, Hashable {
    package var target: Int64
    package var occurredAt: Instant
    package var recordedAt: Instant
    package var author: String
    package var reason: String
    /// What counted until now.
    package var before: UsageRecord
    /// What counts from now on; `nil`: nothing.
    package var after: UsageRecord?

    package init(
        target: Int64, recordedAt: Instant, author: String, reason: String, before: UsageRecord,
        after: UsageRecord?
    ) {
        self.target = target
        occurredAt = before.occurredAt
        self.recordedAt = recordedAt
        self.author = author
        self.reason = reason
        self.before = before
        self.after = after
        // What is said now stands in no archive yet.
        self.before.isArchived = false
        self.after?.isArchived = false
    }

    package func write(to writer: inout ByteWriter, nameNumber: (MeterKey) -> Int) {
        writer.byte(FactKind.correction.rawValue)
        writer.signed(occurredAt.millisecondsSince1970)
        writer.signed(recordedAt.millisecondsSince1970)
        writer.unsigned(UInt64(bitPattern: target))
        writer.text(author)
        writer.text(reason)
        writer.byte(after == nil ? 0 : 1)
        before.write(to: &writer, nameNumber: nameNumber)
        after?.write(to: &writer, nameNumber: nameNumber)
    }

    /// Reads a correction whose kind byte was read before.
    package init(_ reader: inout ByteReader, names: [MeterKey]) throws(MalformedRecord) {
        occurredAt = try reader.instant()
        recordedAt = try reader.instant()
        target = Int64(bitPattern: try reader.unsigned())
        author = try reader.text()
        reason = try reader.text()
        let isAmendment = try reader.byte() == 1
        before = try Self.usage(&reader, names: names)
        after = isAmendment ? try Self.usage(&reader, names: names) : nil
    }

    /// Moves to the fields of the usage that counted until now.
    static func skipHead(_ reader: inout ByteReader) throws(MalformedRecord) {
        _ = try reader.signed()
        _ = try reader.signed()
        _ = try reader.unsigned()
        try reader.skip(try reader.count())
        try reader.skip(try reader.count())
        try reader.skip(2)
    }

    private static func usage(
        _ reader: inout ByteReader, names: [MeterKey]
    ) throws(MalformedRecord) -> UsageRecord {
        guard try reader.byte() == FactKind.usage.rawValue else { throw MalformedRecord() }
        return try UsageRecord(&reader, names: names)
    }
}
