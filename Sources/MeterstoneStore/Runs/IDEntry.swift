/// Where the event with an id stands, by the key of the id; a key can be that of several ids.
package struct IDEntry: Hashable, Comparable, Sendable {
    package var key: UInt64
    package var location: EventLocation

    package init(key: UInt64, location: EventLocation) {
        self.key = key
        self.location = location
    }

    package static func < (lhs: IDEntry, rhs: IDEntry) -> Bool {
        if lhs.key != rhs.key { return lhs.key < rhs.key }
        return lhs.location.sequence < rhs.location.sequence
    }
}

/// Some sorted entries of a run, as they are stored: `MSI`, version, how many, a column each of keys,
/// sequence numbers, days and subjects, and the XXH64 of all that.
package struct IDBlock {
    /// Entries of one block: some 16 KiB when keys are random.
    package static let entriesMax = 1_024
    private static let magic: [UInt8] = [0x4D, 0x53, 0x49, 1]

    package let count: Int
    private let bytes: [UInt8]
    private let keyColumn: Column
    private let columns: [Column]

    /// Checks magic, version and checksum.
    package init(reading bytes: [UInt8]) throws(MalformedRecord) {
        guard bytes.count > 12, bytes.starts(with: Self.magic) else { throw MalformedRecord() }
        let end = bytes.count - 8
        var tail = ByteReader(bytes, from: end)
        guard try tail.fixed() == XXH64.hash(bytes[..<end]) else { throw MalformedRecord() }
        var reader = ByteReader(bytes, from: Self.magic.count, to: end)
        let number = try reader.unsigned()
        guard (1...UInt64(Self.entriesMax)).contains(number) else { throw MalformedRecord() }
        count = Int(number)
        keyColumn = try Column(&reader, count)
        columns = [
            try Column(&reader, count), try Column(&reader, count), try Column(&reader, count),
        ]
        self.bytes = bytes
    }

    package static func bytes(of entries: ArraySlice<IDEntry>) -> [UInt8] {
        var writer = ByteWriter(capacity: 20 * entries.count + 64)
        writer.append(magic)
        writer.unsigned(UInt64(entries.count))
        Column.write(entries.map { signed($0.key) }, to: &writer)
        Column.write(entries.map(\.location.sequence), to: &writer)
        Column.write(entries.map(\.location.day), to: &writer)
        Column.write(entries.map(\.location.subject), to: &writer)
        writer.fixed(XXH64.hash(writer.bytes[...]))
        return writer.bytes
    }

    package var entries: [IDEntry] {
        let keys = keyColumn.values(bytes, count: count)
        let values = columns.map { $0.values(bytes, count: count) }
        return keys.indices.map { place in
            IDEntry(
                key: Self.unsigned(keys[place]),
                location: EventLocation(
                    day: values[1][place], subject: values[2][place], sequence: values[0][place]))
        }
    }

    package func locations(of key: UInt64) -> [EventLocation] {
        let keys = keyColumn.values(bytes, count: count)
        let wanted = Self.signed(key)
        let first = keys.firstIndex(notBefore: wanted)
        let places = Array(keys[first...].prefix { $0 == wanted }.indices)
        guard !places.isEmpty else { return [] }
        let values = columns.map { $0.values(bytes, count: count, at: places) }
        return places.indices.map { place in
            EventLocation(
                day: values[1][place], subject: values[2][place], sequence: values[0][place])
        }
    }

    /// Columns hold signed numbers, which come in the same order.
    private static func signed(_ key: UInt64) -> Int64 { Int64(bitPattern: key ^ 1 << 63) }

    private static func unsigned(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ 1 << 63 }
}

extension RandomAccessCollection where Element: Comparable, Index == Int {
    /// Where the first element of a sorted collection stands that is not before another.
    func firstIndex(notBefore element: Element) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
