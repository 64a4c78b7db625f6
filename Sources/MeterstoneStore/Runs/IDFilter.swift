/// Says of most keys that are not in a run that they are not, and of none that is.
///
/// A Bloom filter of which a key touches one line of 64 bytes, after Putze, Sanders and Singler, "Cache-,
/// hash- and space-efficient Bloom filters", 2007: 10 bits and 6 marks a key let through some 1.5 %.
package struct IDFilter: Sendable {
    private static let bitsPerKey = 10
    private static let marks = 6
    private static let wordsPerLine = 8
    /// Bytes of a part as it is stored, its checksum left aside.
    package static let partBytes = 16_384
    private static let linesPerPart = partBytes / 64

    private var words: [UInt64]
    private let lines: Int

    /// - Parameter count: keys that it is made for.
    package init(count: Int) {
        lines = Self.lines(count)
        words = Array(repeating: 0, count: lines * Self.wordsPerLine)
    }

    private static func lines(_ count: Int) -> Int { max(1, (count * bitsPerKey + 511) / 512) }

    /// Bytes that a filter for so many keys takes.
    package static func bytes(forKeys count: Int) -> Int { lines(count) * 64 }

    package static func parts(forKeys count: Int) -> Int {
        (lines(count) + linesPerPart - 1) / linesPerPart
    }

    package mutating func insert(_ key: UInt64) {
        let (line, marks) = Self.place(of: key, among: lines)
        for mark in 0..<Self.marks {
            let bit = Int(truncatingIfNeeded: marks >> UInt64(9 * mark) & 511)
            words[line * Self.wordsPerLine + bit / 64] |= 1 << UInt64(bit % 64)
        }
    }

    package func mayContain(_ key: UInt64) -> Bool {
        let (line, marks) = Self.place(of: key, among: lines)
        return Self.isMarked(words, at: line, marks)
    }

    private static func isMarked(_ words: [UInt64], at line: Int, _ marks: UInt64) -> Bool {
        for mark in 0..<Self.marks {
            let bit = Int(truncatingIfNeeded: marks >> UInt64(9 * mark) & 511)
            guard words[line * wordsPerLine + bit / 64] >> UInt64(bit % 64) & 1 == 1 else {
                return false
            }
        }
        return true
    }

    private static func place(of key: UInt64, among lines: Int) -> (line: Int, marks: UInt64) {
        var mixed = (key ^ key >> 32) &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed >> 29
        let marks = mixed &* 0xBF58_476D_1CE4_E5B9
        return (Int(mixed.multipliedFullWidth(by: UInt64(lines)).high), marks ^ marks >> 32)
    }
}

/// As it is stored: in parts of bounded size, each with its XXH64.
extension IDFilter {
    package var partCount: Int { (lines + Self.linesPerPart - 1) / Self.linesPerPart }

    package func part(_ number: Int) -> [UInt8] {
        let perPart = Self.linesPerPart * Self.wordsPerLine
        let range = number * perPart..<min((number + 1) * perPart, words.count)
        var writer = ByteWriter(capacity: Self.partBytes + 8)
        for word in words[range] { writer.fixed(word) }
        writer.fixed(XXH64.hash(writer.bytes[...]))
        return writer.bytes
    }

    /// Puts a filter together from its parts.
    package init(count: Int, parts: [[UInt8]]) throws(MalformedRecord) {
        lines = Self.lines(count)
        words = []
        words.reserveCapacity(lines * Self.wordsPerLine)
        for part in parts { words += try Self.words(of: part) }
        guard words.count == lines * Self.wordsPerLine else { throw MalformedRecord() }
    }

    private static func words(of part: [UInt8]) throws(MalformedRecord) -> [UInt64] {
        guard part.count > 8, part.count % 8 == 0 else { throw MalformedRecord() }
        let end = part.count - 8
        var tail = ByteReader(part, from: end)
        guard try tail.fixed() == XXH64.hash(part[..<end]) else { throw MalformedRecord() }
        var reader = ByteReader(part, to: end)
        var words: [UInt64] = []
        words.reserveCapacity(end / 8)
        while !reader.isAtEnd { words.append(try reader.fixed()) }
        return words
    }

    /// Which part says whether a key may be among so many.
    package static func part(of key: UInt64, amongKeys count: Int) -> Int {
        place(of: key, among: lines(count)).line / linesPerPart
    }

    /// The same as ``mayContain(_:)``, from the part that ``part(of:amongKeys:)`` names.
    package static func mayContain(
        _ key: UInt64, amongKeys count: Int, part: [UInt8]
    ) throws(MalformedRecord) -> Bool {
        let (line, marks) = place(of: key, among: lines(count))
        let words = try words(of: part)
        let within = line % linesPerPart
        guard (within + 1) * wordsPerLine <= words.count else { throw MalformedRecord() }
        return isMarked(words, at: within, marks)
    }
}
