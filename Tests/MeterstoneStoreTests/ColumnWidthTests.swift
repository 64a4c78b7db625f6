import MeterstoneCore
import MeterstoneStore
import Testing

@Suite struct ColumnWidthTests {
    /// One event as columns tell it.
    private struct Entry: Hashable, Comparable {
        var shape: ColumnShape
        var numbers: [Int64]

        static func < (lhs: Entry, rhs: Entry) -> Bool {
            lhs.numbers.lexicographicallyPrecedes(rhs.numbers)
        }
    }

    @Test(arguments: 0...63)
    func `columns read back as they were written, whatever their width`(bits: Int) throws {
        var random = SplitMix64(state: UInt64(bits))
        var entries = ColumnEntries()
        var expected: [Entry] = []
        for _ in 0..<Int.random(in: 1...200, using: &random) {
            let record = Self.record(most: Int64.max >> Int64(bits), using: &random)
            let subject = Int64.random(in: 1...(Int64.max >> Int64(bits % 60)), using: &random)
            let weight: Int64 = Int.random(in: 0..<10, using: &random) == 0 ? -1 : 1
            entries.append(record, of: subject, weight: weight, Registry())
            let time = record.occurredAt.millisecondsSince1970
            var numbers = [subject, time, weight]
            numbers += record.quantities.pairs.map(\.quantity.units)
            if let duration = record.details?.durationMilliseconds { numbers.append(duration) }
            var shape = ColumnShape()
            shape.type = record.details?.type
            shape.quantities = record.quantities.pairs.map(\.name)
            shape.hasDuration = record.details?.durationMilliseconds != nil
            expected.append(Entry(shape: shape, numbers: numbers))
        }
        expected.sort()
        let segments = entries.segments()
        #expect(segments.map(\.day) == segments.map(\.day).sorted())
        #expect(try Self.entries(segments) == expected)
        // Twice the same, merged day by day, and merged again with nothing.
        let merged = try Set(segments.map(\.day)).sorted().flatMap { day in
            let ofDay = segments.filter { $0.day == day }
            return try ColumnMerging.merged(ColumnMerging.merged(ofDay + ofDay))
        }
        #expect(try Self.entries(merged) == (expected + expected).sorted())
    }

    private static func entries(_ segments: [ColumnSegment]) throws -> [Entry] {
        var result: [Entry] = []
        for segment in segments {
            try segment.forEachRun { run in
                let (subjects, times, weights) = (run.subjects, run.times, run.weights)
                let values = (0..<run.shape.valueCount).map { run.values($0) }
                for index in subjects.indices {
                    let numbers = [subjects[index], times[index], weights?[index] ?? 1]
                    result.append(
                        Entry(shape: run.shape, numbers: numbers + values.map { $0[index] }))
                }
            }
        }
        return result.sorted()
    }

    private static func record(most: Int64, using random: inout SplitMix64) -> UsageRecord {
        let units = Quantity(Int64.random(in: 0...most, using: &random))
        let hasDetails = Bool.random(using: &random)
        let occurredAt = Instant(
            millisecondsSince1970: Int64.random(in: 0...259_200_000, using: &random))
        return UsageRecord(
            id: .text("id"), occurredAt: occurredAt, recordedAt: occurredAt,
            quantities: .one(EncodingTests.names[Int.random(in: 0...1, using: &random)], units),
            details: hasDetails
                ? EventDetails(
                    type: "type",
                    durationMilliseconds: Bool.random(using: &random)
                        ? Int64.random(in: 0...most, using: &random) : nil) : nil)
    }
}
