/// The facts of one commit, in the encoding that the journal keeps.
///
/// `MSJ`, version, first sequence number, number of facts; then each fact as subject number, length
/// and body; then the XXH64 of all that. A fact's sequence number is its place in the journal. The
/// body of a usage or a correction is also what is stored of it.
package struct JournalBatch: Sendable {
    package let firstSequence: Int64
    package let count: Int
    /// With header and checksum.
    package let bytes: [UInt8]
    /// Where the facts start, from which their offsets count.
    package let factsStart: Int

    private static let magic: [UInt8] = [0x4D, 0x53, 0x4A]
    private static let version: UInt8 = 1

    package var lastSequence: Int64 { firstSequence + Int64(count) - 1 }

    /// Checks magic, version and checksum.
    package init(reading bytes: [UInt8]) throws(MalformedRecord) {
        guard bytes.count > 12, bytes.starts(with: Self.magic), bytes[3] == Self.version else {
            throw MalformedRecord()
        }
        let end = bytes.count - 8
        var tail = ByteReader(bytes, from: end)
        guard try tail.fixed() == XXH64.hash(bytes[..<end]) else { throw MalformedRecord() }
        var reader = ByteReader(bytes, from: 4, to: end)
        let first = try reader.unsigned()
        let count = try reader.unsigned()
        guard count <= UInt64(end), first <= UInt64(Int64.max) - UInt64(end) else {
            throw MalformedRecord()
        }
        firstSequence = Int64(first)
        self.count = Int(count)
        factsStart = reader.position
        self.bytes = bytes
    }

    /// Seals the facts that a ``JournalBatchBuilder`` gathered.
    fileprivate init(firstSequence: Int64, count: Int, facts: [UInt8]) {
        var writer = ByteWriter(capacity: facts.count + 32)
        for byte in Self.magic { writer.byte(byte) }
        writer.byte(Self.version)
        writer.unsigned(UInt64(firstSequence))
        writer.unsigned(UInt64(count))
        factsStart = writer.count
        writer.append(facts)
        writer.fixed(XXH64.hash(writer.bytes[...]))
        self.firstSequence = firstSequence
        self.count = count
        bytes = writer.bytes
    }

    /// Every fact in order.
    package var facts: FactIterator {
        FactIterator(bytes, from: factsStart, to: bytes.count - 8, sequence: firstSequence)
    }

    /// Visits every fact in order.
    package func forEach<Failure: Error>(
        _ visit: (Fact) throws(Failure) -> Void
    ) throws(Failure) {
        var facts = self.facts
        while let fact = facts.next() { try visit(fact) }
    }
}

/// Where one fact stands in a buffer of facts.
package struct Fact: Sendable {
    package let kind: FactKind
    package let sequence: Int64
    /// The subject that it is about; 0 when it is about none.
    package let subject: Int64
    /// The buffer, and the bounds of the fact's body in it, kind byte included.
    package let bytes: [UInt8]
    /// Where the fact starts, its subject and length included.
    package let offset: Int
    package let start: Int
    package let end: Int

    package var body: ArraySlice<UInt8> { bytes[start..<end] }

    /// A reader that stands after the kind byte.
    package var reader: ByteReader { ByteReader(bytes, from: start + 1, to: end) }
}

/// Walks a buffer of facts; it stops at the first one that cannot have been written.
package struct FactIterator: IteratorProtocol {
    private let bytes: [UInt8]
    private var reader: ByteReader
    private var sequence: Int64

    package init(_ bytes: [UInt8], from: Int, to: Int, sequence: Int64) {
        self.bytes = bytes
        reader = ByteReader(bytes, from: from, to: to)
        self.sequence = sequence
    }

    package mutating func next() -> Fact? {
        let offset = reader.position
        guard !reader.isAtEnd, let subject = try? reader.unsigned(),
            let length = try? reader.count(),
            length > 0, let kind = FactKind(rawValue: bytes[reader.position])
        else { return nil }
        let start = reader.position
        guard (try? reader.skip(length)) != nil else { return nil }
        defer { sequence += 1 }
        return Fact(
            kind: kind, sequence: sequence, subject: Int64(bitPattern: subject), bytes: bytes,
            offset: offset, start: start, end: start + length)
    }
}

/// Gathers the facts of the batch that is being decided.
package struct JournalBatchBuilder: Sendable {
    package private(set) var firstSequence: Int64
    package private(set) var count = 0
    package private(set) var facts = ByteWriter(capacity: 4_096)
    private var scratch = ByteWriter(capacity: 256)
    private var index = SubjectIndex()
    /// Up to where facts are in the index.
    private var indexed = FactPlace(batch: 0, number: 0, offset: 0)

    package init(firstSequence: Int64) {
        self.firstSequence = firstSequence
    }

    package var nextSequence: Int64 { firstSequence + Int64(count) }

    /// Moves an empty batch, so that its first fact has this sequence number.
    package mutating func move(to sequence: Int64) {
        precondition(count == 0, "a batch with facts stays where it is")
        firstSequence = sequence
    }

    /// Appends one fact, and returns where it stands.
    @discardableResult
    package mutating func append(
        subject: Int64, _ write: (inout ByteWriter) -> Void
    ) -> TailPosition {
        scratch.removeAll()
        write(&scratch)
        let offset = facts.count
        facts.unsigned(UInt64(bitPattern: subject))
        facts.blob(scratch.bytes)
        count += 1
        return TailPosition(batch: firstSequence, offset: offset, sequence: nextSequence - 1)
    }

    /// What was said so far about a subject, oldest first; of a team, what those below it used as well.
    package mutating func facts(_ topic: FactTopic, of subject: Int64) -> [Fact] {
        var unindexed = FactIterator(
            facts.bytes, from: Int(indexed.offset), to: facts.count,
            sequence: firstSequence + Int64(indexed.number))
        while let fact = unindexed.next() {
            index.add(fact, at: indexed)
            indexed.number += 1
            indexed.offset = Int32(truncatingIfNeeded: fact.end)
        }
        return index.places(topic, of: subject).compactMap { place in
            Fact(at: place, in: facts.bytes, from: 0, firstSequence)
        }
    }

    package consuming func sealed() -> JournalBatch {
        JournalBatch(firstSequence: firstSequence, count: count, facts: facts.bytes)
    }
}

/// Where a fact stands in the part of the journal that is not projected yet.
package struct TailPosition: Sendable, Hashable {
    /// First sequence number of the batch.
    package let batch: Int64
    /// From the start of the batch's facts.
    package let offset: Int
    package let sequence: Int64
}
