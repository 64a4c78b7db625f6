import MeterstoneCore

/// Some events of one UTC day, column by column: a row of `event_columns`.
///
/// Encoding, version 1, of the body: the version, the number of shapes; for each its shape, the number
/// of its events, and columns of subjects, weights and values. A column is its smallest value, the
/// width of the others above it in bytes, and those, least significant byte first. Times, in milliseconds of the
/// day, stand apart in the same order, since most questions are about whole days.
public struct ColumnSegment: Sendable {
    package let day: Int64
    /// How many events, those that are taken back included.
    package let count: Int
    package let body: [UInt8]
    package let times: [UInt8]

    private static let version: UInt8 = 1

    package init(day: Int64, count: Int, body: [UInt8], times: [UInt8]) {
        self.day = day
        self.count = count
        self.body = body
        self.times = times
    }

    /// Visits the events of each shape.
    ///
    /// - Parameter accepts: which shapes; the others are passed over.
    package func forEachRun(
        where accepts: (ColumnShape) -> Bool = { _ in true },
        _ visit: (ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) {
        do {
            var reader = ByteReader(body)
            var timeReader = ByteReader(times)
            guard try reader.byte() == Self.version else { throw MalformedRecord() }
            for _ in 0..<(try reader.count()) {
                let shape = try ColumnShape(&reader)
                let count = Int(try reader.unsigned())
                let subjects = try Column(&reader, count)
                let weights = try Column(&reader, count)
                var values: [Column] = []
                for _ in 0..<shape.valueCount { values.append(try Column(&reader, count)) }
                let times = try Column(&timeReader, self.times.isEmpty ? 0 : count)
                guard accepts(shape) else { continue }
                try visit(
                    ColumnRun(
                        shape: shape, day: day, count: count, subjectColumn: subjects,
                        weightColumn: weights, valueColumns: values, timeColumn: times,
                        body: body, timeBody: self.times))
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                code: .corrupt,
                message: "the event columns of \(CivilDate(daysSince1970: day)) "
                    + "are unreadable; `meterstone rebuild` makes them anew")
        }
    }
}

extension ColumnEntries {
    /// Events that one segment holds at most.
    package static let segmentMax = 262_144

    /// The events day by day.
    package func segments() -> [ColumnSegment] {
        var days: [Int64: [[Int]]] = [:]
        for (number, group) in groups.enumerated() {
            for (index, time) in group.times.enumerated() {
                let day = Instant(millisecondsSince1970: time).utcDay
                if days[day] == nil { days[day] = Array(repeating: [], count: groups.count) }
                days[day]?[number].append(index)
            }
        }
        return days.sorted { $0.key < $1.key }.map { segment(of: $0.key, $0.value) }
    }

    private func segment(of day: Int64, _ indices: [[Int]]) -> ColumnSegment {
        var (body, times) = (ByteWriter(), ByteWriter())
        var count = 0
        body.byte(1)
        body.unsigned(UInt64(indices.count { !$0.isEmpty }))
        let start = Instant.startOf(day: day).millisecondsSince1970
        for (group, indices) in zip(groups, indices) where !indices.isEmpty {
            group.shape.write(to: &body)
            body.unsigned(UInt64(indices.count))
            count += indices.count
            let isWhole = indices.count == group.subjects.count
            func column(_ values: [Int64]) -> [Int64] {
                isWhole ? values : indices.map { values[$0] }
            }
            Column.write(column(group.subjects), to: &body)
            let weights = group.weights.isEmpty ? [1] : column(group.weights)
            Column.write(
                weights.allSatisfy { $0 == weights[0] } ? [weights[0]] : weights, to: &body)
            for values in group.values { Column.write(column(values), to: &body) }
            Column.write(column(group.times).map { $0 - start }, to: &times)
        }
        return ColumnSegment(day: day, count: count, body: body.bytes, times: times.bytes)
    }
}

/// Where a column stands in a buffer.
struct Column {
    let base: Int64
    let width: Int
    let start: Int

    /// Finds a column, and moves behind it.
    init(_ reader: inout ByteReader, _ count: Int) throws(MalformedRecord) {
        guard count > 0 else {
            (base, width, start) = (0, 0, reader.position)
            return
        }
        base = try reader.signed()
        width = Int(try reader.byte())
        start = reader.position
        guard width <= 8, count <= (reader.end - start) / max(1, width) || width == 0 else {
            throw MalformedRecord()
        }
        try reader.skip(count * width)
    }

    static func write(_ values: [Int64], to writer: inout ByteWriter) {
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        let range = UInt64(bitPattern: high) &- UInt64(bitPattern: low)
        let width = (71 - range.leadingZeroBitCount) / 8
        writer.signed(low)
        writer.byte(UInt8(width))
        guard width > 0 else { return }
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: values.count * width) {
            buffer, count in
            var place = 0
            for value in values {
                var rest = UInt64(bitPattern: value) &- UInt64(bitPattern: low)
                for _ in 0..<width {
                    unsafe buffer[place] = UInt8(truncatingIfNeeded: rest)
                    rest >>= 8
                    place += 1
                }
            }
            count = place
        }
        writer.append(bytes)
    }

    /// The values, or those at some places.
    func values(_ bytes: [UInt8], count: Int, at places: [Int]? = nil) -> [Int64] {
        let count = places?.count ?? count
        guard width > 0 else { return Array(repeating: base, count: count) }
        return unsafe bytes.withUnsafeBytes { buffer in
            unsafe [Int64](unsafeUninitializedCapacity: count) { result, initialized in
                for index in 0..<count {
                    let place = start + (places.map { $0[index] } ?? index) * width
                    unsafe result[index] = base &+ Int64(bitPattern: unsafe load(buffer, place))
                }
                initialized = count
            }
        }
    }

    @inline(__always)
    private func load(_ buffer: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
        if place + 8 <= buffer.count {
            let word = unsafe buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            return UInt64(littleEndian: word) & (.max >> UInt64(64 - 8 * width))
        }
        var word: UInt64 = 0
        for index in 0..<width { word |= UInt64(unsafe buffer[place + index]) << UInt64(8 * index) }
        return word
    }
}
