package import MeterstoneCore
package import MeterstoneStore

/// A stretch of a journal as it is shipped: who wrote it, and batch after batch.
///
/// `MSS`, version, the store's identity, the epoch, the first fact that may be in it, and the XXH64 of
/// all that. Then for each batch its length, when it was committed, the journal's own bytes with their
/// checksum, and the XXH64 of the three. A segment that is cut off, or whose end is not right, counts up
/// to its last batch that is whole.
package struct Segment: Sendable {
    package struct Header: Hashable, Sendable {
        package let store: String
        package let epoch: Int64
        package let firstSequence: Int64

        package init(store: String, epoch: Int64, firstSequence: Int64) {
            self.store = store
            self.epoch = epoch
            self.firstSequence = firstSequence
        }

        package var bytes: [UInt8] {
            var writer = ByteWriter(capacity: 64)
            for byte in Segment.magic { writer.byte(byte) }
            writer.text(store)
            writer.unsigned(UInt64(clamping: epoch))
            writer.unsigned(UInt64(clamping: firstSequence))
            writer.fixed(XXH64.hash(writer.bytes[...]))
            return writer.bytes
        }
    }

    private static let magic: [UInt8] = [0x4D, 0x53, 0x53, 1]

    package let header: Header
    package let batches: [CommittedBatch]
    /// Whether something comes after the last whole batch.
    package let isTorn: Bool
    /// Whether more than the end of what was written last is wrong: something follows a batch that is not whole.
    package let isDamaged: Bool

    /// Throws where not even the header can be read.
    package init(reading bytes: [UInt8]) throws(MalformedRecord) {
        guard bytes.starts(with: Self.magic) else { throw MalformedRecord() }
        var reader = ByteReader(bytes, from: Self.magic.count)
        let store = try reader.text()
        let (epoch, first) = (try reader.unsigned(), try reader.unsigned())
        let end = reader.position
        guard try reader.fixed() == XXH64.hash(bytes[..<end]), epoch <= UInt64(Int64.max / 4),
            first <= UInt64(Int64.max / 4)
        else { throw MalformedRecord() }
        header = Header(store: store, epoch: Int64(epoch), firstSequence: Int64(first))
        var batches: [CommittedBatch] = []
        var isTorn = false
        var isDamaged = false
        while !reader.isAtEnd {
            var probe = reader
            guard let batch = try? Self.batch(&reader, bytes) else {
                isTorn = true
                let length = try? probe.count()
                let rest = length.map { bytes.dropFirst(probe.position + $0 + 8) }
                isDamaged = rest?.contains { $0 != 0 } ?? false
                break
            }
            batches.append(batch)
        }
        self.isDamaged = isDamaged
        self.batches = batches
        self.isTorn = isTorn
    }

    private static func batch(
        _ reader: inout ByteReader, _ bytes: [UInt8]
    ) throws(MalformedRecord) -> CommittedBatch {
        let start = reader.position
        let length = try reader.count()
        let end = reader.position + length
        let committedAt = try reader.instant()
        guard reader.position <= end else { throw MalformedRecord() }
        let body = Array(bytes[reader.position..<end])
        try reader.skip(body.count)
        guard try reader.fixed() == XXH64.hash(bytes[start..<end]) else { throw MalformedRecord() }
        return CommittedBatch(try JournalBatch(reading: body), committedAt: committedAt)
    }

    /// What is appended to a segment for one batch.
    package static func bytes(of shipped: CommittedBatch) -> [UInt8] {
        var payload = ByteWriter(capacity: shipped.batch.bytes.count + 16)
        payload.signed(shipped.committedAt.millisecondsSince1970)
        payload.append(shipped.batch.bytes)
        var writer = ByteWriter(capacity: payload.count + 24)
        writer.blob(payload.bytes)
        writer.fixed(XXH64.hash(writer.bytes[...]))
        return writer.bytes
    }
}

/// What the objects at a place are called, so that their names sort as they follow each other.
package enum ShippedName {
    package static let epochs = "epochs/"
    package static let segments = "journal/"

    /// `epochs/000002.json`.
    package static func epoch(_ number: Int64) -> String {
        "\(epochs)\(padded(number, to: 6)).json"
    }

    /// `journal/000002/0000000000000004712-2026-11-29T21-00-00.000Z`.
    package static func segment(_ epoch: Int64, _ first: Int64, at instant: Instant) -> String {
        "\(folder(epoch))\(padded(first, to: 19))-\(instant.rfc3339.replacing(":", with: "-"))"
    }

    package static func folder(_ epoch: Int64) -> String { "\(segments)\(padded(epoch, to: 6))/" }

    /// The first fact that a segment may have, and when its first batch was committed; `nil`: the name is
    /// of something else.
    package static func read(segment name: String) -> (first: Int64, at: Instant)? {
        let words = name.split(separator: "/").last.map(String.init) ?? ""
        guard words.count == 20 + Instant.rfc3339ByteCount,
            let first = Int64(words.prefix(19)), first >= 0,
            let instant = instant(of: String(words.dropFirst(20)))
        else { return nil }
        return (first, instant)
    }

    /// `2026-11-29T21-00-00.000Z` is 21:00 of that day.
    package static func instant(of name: String) -> Instant? {
        guard let day = name.firstIndex(of: "T") else { return nil }
        return Instant(rfc3339: String(name[..<day]) + name[day...].replacing("-", with: ":"))
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
