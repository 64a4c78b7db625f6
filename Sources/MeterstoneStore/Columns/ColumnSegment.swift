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
    /// No segment has more events; one that says so is damaged.
    private static let countMax = 1 << 24
    private static let days = Instant.earliest.utcDay...Instant.latest.utcDay
    /// Milliseconds of a day, with what the width of a column has room for above them.
    private static let timesOfDay: ClosedRange<Int64> = 0...1 << 33

    package init(day: Int64, count: Int, body: [UInt8], times: [UInt8]) {
        self.day = day
        self.count = count
        self.body = body
        self.times = times
    }

    /// Visits the events of each shape.
    package func forEachRun(
        _ visit: (ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) {
        try forEachRun(ShapeTable(), where: { _, _ in true }, visit)
    }

    /// - Parameters:
    ///   - table: of the scan that this is a part of.
    ///   - accepts: which shapes, asked with their numbers; the others are passed over.
    func forEachRun(
        _ table: ShapeTable, where accepts: (Int, ColumnShape) -> Bool,
        _ visit: (ColumnRun) throws(StoreError) -> Void
    ) throws(StoreError) {
        do {
            var reader = ByteReader(body)
            var timeReader = ByteReader(times)
            guard try reader.byte() == Self.version, Self.days.contains(day),
                (0...Self.countMax).contains(self.count)
            else { throw MalformedRecord() }
            for _ in 0..<(try reader.count()) {
                let (number, shape) = try table.next(&reader, of: body)
                let events = try reader.unsigned()
                guard events <= UInt64(self.count) else { throw MalformedRecord() }
                let count = Int(events)
                let subjects = try Column(&reader, count)
                let weights = try Column(&reader, count)
                // Arrays are indexed by the numbers of subjects.
                guard
                    subjects.isWithin(0...Int64.max)
                        || subjects.values(body, count: count).allSatisfy({ $0 >= 0 }),
                    weights.isWithin(-1...254)
                else { throw MalformedRecord() }
                let isAccepted = accepts(number, shape)
                var values: [Column] = []
                for _ in 0..<shape.valueCount {
                    let column = try Column(&reader, count)
                    if isAccepted { values.append(column) }
                }
                let times = try Column(&timeReader, self.times.isEmpty ? 0 : count)
                guard times.isWithin(Self.timesOfDay) else {
                    throw MalformedRecord()
                }
                guard isAccepted else { continue }
                try visit(
                    ColumnRun(
                        shape: shape, shapeNumber: number, day: day, count: count,
                        subjectColumn: subjects, weightColumn: weights, valueColumns: values,
                        timeColumn: times, body: body, timeBody: self.times))
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
        var days: [Int64: [Part]] = [:]
        for (number, group) in groups.enumerated() {
            if let day = group.onlyDay {
                days[day, default: []].append((number, []))
                continue
            }
            var parts: [Int64: [Int]] = [:]
            for (index, time) in group.times.enumerated() {
                parts[Instant(millisecondsSince1970: time).utcDay, default: []].append(index)
            }
            for (day, indices) in parts { days[day, default: []].append((number, indices)) }
        }
        return days.sorted { $0.key < $1.key }.map { segment(of: $0.key, $0.value) }
    }

    /// Events of one day in one group; without indices: all of them.
    private typealias Part = (group: Int, indices: [Int])

    private func segment(of day: Int64, _ parts: [Part]) -> ColumnSegment {
        var (body, times) = (ByteWriter(), ByteWriter())
        var count = 0
        body.byte(1)
        body.unsigned(UInt64(parts.count))
        let start = Instant.startOf(day: day).millisecondsSince1970
        for (place, indices) in parts {
            let group = groups[place]
            let number = indices.isEmpty ? group.subjects.count : indices.count
            group.shape.write(to: &body)
            body.unsigned(UInt64(number))
            count += number
            func column(_ values: [Int64]) -> [Int64] {
                indices.isEmpty ? values : indices.map { values[$0] }
            }
            Column.write(column(group.subjects), to: &body)
            let weights = group.weights.isEmpty ? [1] : column(group.weights)
            Column.write(
                weights.allSatisfy { $0 == weights[0] } ? [weights[0]] : weights, to: &body)
            for values in group.values { Column.write(column(values), to: &body) }
            Column.write(column(group.times), above: start, to: &times)
        }
        return ColumnSegment(day: day, count: count, body: body.bytes, times: times.bytes)
    }
}

extension ColumnGroup {
    /// The UTC day of all events; `nil`: there is more than one.
    fileprivate var onlyDay: Int64? {
        guard let first = times.min(), let last = times.max() else { return nil }
        let day = Instant(millisecondsSince1970: first).utcDay
        return Instant(millisecondsSince1970: last).utcDay == day ? day : nil
    }
}
