package import MeterstoneCore

/// A compiled time zone as RFC 9636 describes it: the offsets of a zone and when they change.
///
/// Every number in the file is checked before it is used: a damaged file gives `nil`.
package struct TZifFile {
    private let initialOffsetSeconds: Int64
    private let transitions: [ZoneRules.Transition]

    /// Daylight saving time continues by the rule at the end of the file until the end of this
    /// year. After it the last offset stays.
    package static let lastYear = 2_200

    package func rules(named name: String) -> ZoneRules {
        ZoneRules(
            name: name, initialOffsetSeconds: initialOffsetSeconds, transitions: transitions)
    }

    /// Files of version 1 hold times of 32 bits. Later versions repeat the block with 64 bits, and
    /// add the rule.
    package init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes: bytes)
        guard let first = Header(&reader) else { return nil }
        if first.version == 0 {
            guard let block = Block(first, bytesPerTime: 4, &reader) else { return nil }
            self.init(block, rule: nil)
            return
        }
        guard reader.skip(first.blockByteCount(bytesPerTime: 4)),
            let second = Header(&reader), second.version == first.version,
            let block = Block(second, bytesPerTime: 8, &reader),
            let footer = reader.line()
        else { return nil }
        if footer.isEmpty {
            self.init(block, rule: nil)
            return
        }
        guard let rule = PosixZoneRule(footer) else { return nil }
        self.init(block, rule: rule)
    }

    private init(_ block: Block, rule: PosixZoneRule?) {
        let last = block.transitions.last
        // A file without transitions leaves everything to the rule.
        initialOffsetSeconds =
            last == nil
            ? rule?.standardOffsetSeconds ?? block.initialOffsetSeconds
            : block.initialOffsetSeconds
        let firstYear = last.map { CivilDate(daysSince1970: $0.at.utcDay).year - 1 } ?? 1
        let years = min(max(firstYear, 1), Self.lastYear)...Self.lastYear
        let later = rule?.transitions(years: years) ?? []
        transitions = block.transitions + later.filter { $0.at > last?.at ?? .earliest }
    }
}

/// The 44 bytes before a data block: the version of the format, and how much the block holds.
private struct Header {
    let version: UInt8
    let utcIndicatorCount: Int
    let standardIndicatorCount: Int
    let leapSecondCount: Int
    let transitionCount: Int
    let typeCount: Int
    let nameByteCount: Int

    init?(_ reader: inout ByteReader) {
        guard reader.accept(Array("TZif".utf8)), let version = reader.byte(), reader.skip(15),
            let utcIndicatorCount = reader.count(), let standardIndicatorCount = reader.count(),
            let leapSecondCount = reader.count(), let transitionCount = reader.count(),
            let typeCount = reader.count(), let nameByteCount = reader.count(),
            version == 0 || version >= UInt8(ascii: "2")
        else { return nil }
        self.version = version
        self.utcIndicatorCount = utcIndicatorCount
        self.standardIndicatorCount = standardIndicatorCount
        self.leapSecondCount = leapSecondCount
        self.transitionCount = transitionCount
        self.typeCount = typeCount
        self.nameByteCount = nameByteCount
    }

    func blockByteCount(bytesPerTime: Int) -> Int {
        transitionCount * (bytesPerTime + 1) + typeCount * 6
            + byteCountAfterTypes(bytesPerTime: bytesPerTime)
    }

    func byteCountAfterTypes(bytesPerTime: Int) -> Int {
        nameByteCount + leapSecondCount * (bytesPerTime + 4) + standardIndicatorCount
            + utcIndicatorCount
    }
}

/// The transitions of a data block. Names of offsets, and what says where they came from, are
/// skipped.
private struct Block {
    let initialOffsetSeconds: Int64
    let transitions: [ZoneRules.Transition]

    init?(_ header: Header, bytesPerTime: Int, _ reader: inout ByteReader) {
        // Instants do not count leap seconds, and a zone that does would be off by half a minute.
        guard header.leapSecondCount == 0, (1...256).contains(header.typeCount),
            header.blockByteCount(bytesPerTime: bytesPerTime) <= reader.remaining,
            let times = Self.times(header.transitionCount, bytesPerTime, &reader),
            let types = reader.bytes(header.transitionCount),
            let offsets = Self.offsets(header.typeCount, &reader),
            reader.skip(header.byteCountAfterTypes(bytesPerTime: bytesPerTime)),
            types.allSatisfy({ Int($0) < offsets.count })
        else { return nil }
        initialOffsetSeconds = offsets[0]
        transitions = zip(times, types).map { time, type in
            ZoneRules.Transition(at: time, offsetSeconds: offsets[Int(type)])
        }
    }

    /// `nil` unless each is later than the one before.
    private static func times(
        _ count: Int, _ bytesPerTime: Int, _ reader: inout ByteReader
    ) -> [Instant]? {
        var times: [Instant] = []
        var previous: Int64?
        for _ in 0..<count {
            guard let seconds = reader.signed(byteCount: bytesPerTime) else { return nil }
            if let previous, seconds <= previous { return nil }
            previous = seconds
            times.append(Instant(millisecondsSince1970: seconds.saturatingMilliseconds))
        }
        return times
    }

    private static func offsets(_ count: Int, _ reader: inout ByteReader) -> [Int64]? {
        var offsets: [Int64] = []
        for _ in 0..<count {
            guard let offset = reader.signed(byteCount: 4),
                ZoneRules.offsetSecondsAllowed.contains(offset), reader.skip(2)
            else { return nil }
            offsets.append(offset)
        }
        return offsets
    }
}

extension Int64 {
    fileprivate var saturatingMilliseconds: Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: 1_000)
        return overflow ? (self < 0 ? .min : .max) : product
    }
}

/// Takes big-endian numbers off the front of some bytes, and nothing beyond their end.
private struct ByteReader {
    let bytes: [UInt8]
    var position = 0

    var remaining: Int { bytes.count - position }

    mutating func skip(_ count: Int) -> Bool {
        guard count <= remaining else { return false }
        position += count
        return true
    }

    mutating func byte() -> UInt8? {
        guard remaining > 0 else { return nil }
        position += 1
        return bytes[position - 1]
    }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard skip(count) else { return nil }
        return bytes[position - count..<position]
    }

    mutating func accept(_ expected: [UInt8]) -> Bool {
        bytes(expected.count)?.elementsEqual(expected) ?? false
    }

    mutating func signed(byteCount: Int) -> Int64? {
        guard let bytes = bytes(byteCount), let first = bytes.first else { return nil }
        return bytes.dropFirst().reduce(Int64(Int8(bitPattern: first))) { $0 << 8 | Int64($1) }
    }

    /// A number of things in the file, each of at least one byte.
    mutating func count() -> Int? {
        guard let bytes = bytes(4) else { return nil }
        let count = bytes.reduce(0) { $0 << 8 | Int($1) }
        return count <= self.bytes.count ? count : nil
    }

    /// The text between two line feeds.
    mutating func line() -> ArraySlice<UInt8>? {
        let lineFeed = UInt8(ascii: "\n")
        guard byte() == lineFeed, let end = bytes[position...].firstIndex(of: lineFeed) else {
            return nil
        }
        return bytes(end - position)
    }
}
