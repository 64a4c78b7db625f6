package import MeterstoneCore

/// Some facts about one UTC day, by subject and sequence, as they are stored: `MSE`, version, how many, a
/// column each of subjects, sequence numbers and lengths, the bodies, and the XXH64 of all that.
package struct EventBlock {
    /// Bytes of bodies from which on a block is full. One more body may be of any length.
    package static let bytesMax = 16_384
    private static let magic: [UInt8] = [0x4D, 0x53, 0x45, 1]

    package let subjects: [Int64]
    package let sequences: [Int64]
    private let bytes: [UInt8]
    /// Where bodies start, and where the last one ends.
    private let starts: [Int]

    package var count: Int { subjects.count }

    /// Checks magic, version, checksum and lengths.
    package init(reading bytes: [UInt8]) throws(MalformedRecord) {
        guard bytes.count > 12, bytes.starts(with: Self.magic) else { throw MalformedRecord() }
        let end = bytes.count - 8
        var tail = ByteReader(bytes, from: end)
        guard try tail.fixed() == XXH64.hash(bytes[..<end]) else { throw MalformedRecord() }
        var reader = ByteReader(bytes, from: Self.magic.count, to: end)
        let count = try reader.count()
        guard count > 0 else { throw MalformedRecord() }
        let columns = [
            try Column(&reader, count), try Column(&reader, count), try Column(&reader, count),
        ]
        subjects = columns[0].values(bytes, count: count)
        sequences = columns[1].values(bytes, count: count)
        var starts = [reader.position]
        starts.reserveCapacity(count + 1)
        for length in columns[2].values(bytes, count: count) {
            guard (1...Int64(end)).contains(length), starts[starts.count - 1] <= end else {
                throw MalformedRecord()
            }
            starts.append(starts[starts.count - 1] + Int(length))
        }
        guard starts[count] == end else { throw MalformedRecord() }
        self.starts = starts
        self.bytes = bytes
    }

    package func body(at place: Int) -> ArraySlice<UInt8> {
        bytes[starts[place]..<starts[place + 1]]
    }

    /// When the usage occurred that a fact is about; `nil`: the fact points to another.
    package func occurredAt(_ place: Int) -> Instant? {
        Fact.occurredAt(bytes, from: starts[place], to: starts[place + 1])
    }

    package func fact(at place: Int) -> StoredFact {
        StoredFact(sequence: sequences[place], body: Array(body(at: place)))
    }

    /// Where the first fact stands that is not before this one.
    package func place(of subject: Int64, sequence: Int64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if (subjects[middle], sequences[middle]) < (subject, sequence) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

/// Gathers the facts of the next block.
package struct EventBlockBuilder {
    private var subjects: [Int64] = []
    private var sequences: [Int64] = []
    private var lengths: [Int64] = []
    private var bodies = ByteWriter(capacity: EventBlock.bytesMax + 256)
    /// From when to when what is in the block occurred.
    package private(set) var times: ClosedRange<Instant>?

    package init() {}

    package var isEmpty: Bool { subjects.isEmpty }

    package var isFull: Bool { bodies.count >= EventBlock.bytesMax }

    /// What the block begins with.
    package var first: (subject: Int64, sequence: Int64) {
        (subjects.first ?? 0, sequences.first ?? 0)
    }

    /// - Parameter times: when it occurred, or between when and when that was.
    package mutating func append(
        subject: Int64, sequence: Int64, _ body: ArraySlice<UInt8>, at times: ClosedRange<Instant>
    ) {
        if let known = self.times {
            if times.lowerBound < known.lowerBound || known.upperBound < times.upperBound {
                self.times =
                    min(
                        known.lowerBound, times.lowerBound)...max(
                        known.upperBound, times.upperBound)
            }
        } else {
            self.times = times
        }
        subjects.append(subject)
        sequences.append(sequence)
        lengths.append(Int64(body.count))
        bodies.append(body)
    }

    /// The block, of which nothing is kept.
    package mutating func take() -> [UInt8] {
        var writer = ByteWriter(capacity: bodies.count + 8 * subjects.count + 64)
        writer.append([0x4D, 0x53, 0x45, 1])
        writer.unsigned(UInt64(subjects.count))
        Column.write(subjects, to: &writer)
        Column.write(sequences, to: &writer)
        Column.write(lengths, to: &writer)
        writer.append(bodies.bytes)
        writer.fixed(XXH64.hash(writer.bytes[...]))
        subjects.removeAll(keepingCapacity: true)
        sequences.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        times = nil
        bodies.removeAll()
        return writer.bytes
    }
}

/// Which event a correction is about.
package struct CorrectionPlace: Hashable, Comparable, Sendable {
    /// Where the corrected event stands.
    package var event: EventLocation
    /// The correction, which stands on the same day with the same subject.
    package var sequence: Int64

    package init(event: EventLocation, sequence: Int64) {
        self.event = event
        self.sequence = sequence
    }

    package static func < (lhs: CorrectionPlace, rhs: CorrectionPlace) -> Bool {
        if lhs.event != rhs.event { return lhs.event < rhs.event }
        return lhs.sequence < rhs.sequence
    }
}

/// What indexes say of a stored fact.
package enum IndexEntry {
    /// A usage, which is found by its id.
    case id(IDEntry)
    /// A correction, which is found by what it corrects.
    case correction(CorrectionPlace)
    /// A row that points to another.
    case none

    package init(
        day: Int64, subject: Int64, sequence: Int64, _ body: [UInt8]
    ) throws(MalformedRecord) {
        guard let kind = body.first.flatMap({ FactKind(rawValue: $0) }) else {
            throw MalformedRecord()
        }
        let fact = Fact(
            kind: kind, sequence: sequence, subject: subject, bytes: body, offset: 0, start: 0,
            end: body.count)
        let location = EventLocation(day: day, subject: subject, sequence: sequence)
        switch kind {
        case .usage:
            let (id, source) = try UsageRecord.idAndSource(fact)
            self = .id(IDEntry(key: id.key(source: source), location: location))
        case .correction:
            let target = EventLocation(
                day: day, subject: subject, sequence: try CorrectionRecord.target(fact))
            self = .correction(CorrectionPlace(event: target, sequence: sequence))
        default: self = .none
        }
    }
}

extension CorrectionRecord {
    /// Reads only which event a correction is about.
    package static func target(_ fact: Fact) throws(MalformedRecord) -> Int64 {
        var reader = fact.reader
        _ = try reader.signed()
        _ = try reader.signed()
        return Int64(bitPattern: try reader.unsigned())
    }
}
