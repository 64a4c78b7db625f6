/// What is known of a sealed run of event ids without reading it.
package struct IDRun: Sendable {
    /// Rises; a number is never given again while a process lives.
    package let number: Int64
    /// Entries.
    package let count: Int
    /// The first key of each block.
    package let firstKeys: [UInt64]
    package let lastKey: UInt64
    /// `nil`: filters take enough memory already, and this one is looked at where it is stored.
    package var filter: IDFilter?

    package init(
        number: Int64, count: Int, firstKeys: [UInt64], lastKey: UInt64, filter: IDFilter?
    ) {
        self.number = number
        self.count = count
        self.firstKeys = firstKeys
        self.lastKey = lastKey
        self.filter = filter
    }

    /// The blocks in which a key can stand, if it is in the run.
    package func blocks(of key: UInt64) -> Range<Int> {
        guard let first = firstKeys.first, (first...max(first, lastKey)).contains(key) else {
            return 0..<0
        }
        // A key that begins a block may have begun in the one before.
        let next = firstKeys.firstIndex(notBefore: key)
        var end = next
        while end < firstKeys.count, firstKeys[end] == key { end += 1 }
        return max(0, next - 1)..<end
    }

    /// ``firstKeys`` as they are stored.
    package var keyBytes: [UInt8] {
        var writer = ByteWriter(capacity: 8 * firstKeys.count + 8)
        for key in firstKeys { writer.fixed(key) }
        writer.fixed(XXH64.hash(writer.bytes[...]))
        return writer.bytes
    }

    package static func keys(reading bytes: [UInt8]) throws(MalformedRecord) -> [UInt64] {
        guard bytes.count > 8, bytes.count % 8 == 0 else { throw MalformedRecord() }
        let end = bytes.count - 8
        var tail = ByteReader(bytes, from: end)
        guard try tail.fixed() == XXH64.hash(bytes[..<end]) else { throw MalformedRecord() }
        var reader = ByteReader(bytes, to: end)
        var keys: [UInt64] = []
        keys.reserveCapacity(end / 8)
        while !reader.isAtEnd { keys.append(try reader.fixed()) }
        return keys
    }
}

/// Which runs become one.
///
/// A run is of the level that its size has as a power of four. Runs up to a level are merged as soon as
/// what comes of it is of the next one: an entry is written once for each level, and there are at most
/// three runs of each.
package enum RunMerging {
    /// Runs that are merged at once.
    package static let runsMax = 8

    package static func level(_ count: Int) -> Int {
        (Int.bitWidth - 1 - max(1, count).leadingZeroBitCount) / 2
    }

    /// - Parameters:
    ///   - counts: how many entries the runs have.
    ///   - levels: levels at which nothing may be begun.
    /// - Returns: the places of those that become one; `nil`: they stay as they are.
    package static func mergeable(_ counts: [Int], besides levels: Set<Int>) -> [Int]? {
        let order = counts.indices.sorted { counts[$0] < counts[$1] }
        for (place, last) in order.enumerated() {
            let level = level(counts[last])
            let isLastOfLevel =
                place + 1 == order.count || Self.level(counts[order[place + 1]]) > level
            guard isLastOfLevel, !levels.contains(level) else { continue }
            let taken = order[max(0, place + 1 - runsMax)...place]
            let sum = taken.reduce(0) { $0 + counts[$1] }
            if taken.count > 1, Self.level(sum) > level { return Array(taken) }
        }
        return nil
    }
}
