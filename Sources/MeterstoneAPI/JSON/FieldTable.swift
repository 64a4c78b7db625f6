/// Finds the field that a member's name stands for, without making a `String` of the name.
///
/// A name of at most sixteen bytes is two machine words, so that looking it up is a few comparisons
/// of integers; no field of ours has a longer name.
struct FieldTable<Field: RawRepresentable & CaseIterable & Sendable>: Sendable
where Field.RawValue == String {
    private let entries: [(words: FieldWords, field: Field)]

    init(_: Field.Type) {
        entries = Field.allCases.map { (FieldWords($0.rawValue.utf8), $0) }
        assert(Field.allCases.allSatisfy { $0.rawValue.utf8.count <= FieldWords.bytesMax })
    }

    /// The field and its number, by which ``SeenFields`` remembers it.
    @inline(__always)
    func field(
        _ name: JSONText, in reader: borrowing JSONReader
    ) -> (field: Field, number: Int)? {
        let words: FieldWords
        if name.hasEscapes {
            words = FieldWords(reader.text(of: name).utf8)
        } else if name.range.count <= FieldWords.bytesMax {
            words = FieldWords(reader.bytes, name.range)
        } else {
            return nil
        }
        for number in entries.indices where entries[number].words == words {
            return (entries[number].field, number)
        }
        return nil
    }
}

/// Up to sixteen bytes and their number.
struct FieldWords: Equatable {
    static let bytesMax = 16

    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private var count: Int

    init(_ text: some Collection<UInt8>) {
        count = text.count
        for (index, byte) in text.prefix(Self.bytesMax).enumerated() { put(byte, at: index) }
    }

    @inline(__always)
    init(_ bytes: [UInt8], _ range: Range<Int>) {
        count = range.count
        for index in 0..<range.count { put(bytes[range.lowerBound + index], at: index) }
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8, at index: Int) {
        if index < 8 {
            low |= UInt64(byte) << UInt64(index * 8)
        } else {
            high |= UInt64(byte) << UInt64((index - 8) * 8)
        }
    }
}

/// Which fields of an object were there, to refuse the second of a name.
struct SeenFields {
    private var bits: UInt64 = 0

    /// Whether the field is new.
    mutating func insert(_ number: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(number)
        defer { bits |= bit }
        return bits & bit == 0
    }
}
