import MeterstoneCore
import MeterstoneStore
import Testing

/// Events by column, and what is made of bytes that are none.
@Suite struct ColumnTests {
    private static let day: Int64 = 86_400_000

    /// One event a day, each of a shape of its own.
    private static func entries(_ count: Int64) -> ColumnEntries {
        var entries = ColumnEntries()
        for number in 0..<count {
            let at = Instant(millisecondsSince1970: number * day + number)
            entries.append(
                UsageRecord(
                    id: .text("e\(number)"), occurredAt: at, recordedAt: at, quantities: .none,
                    details: EventDetails(type: "t\(number)")),
                of: number, weight: 1, Registry())
        }
        return entries
    }

    @Test func `segments take room for the events that there are`() throws {
        let segments = Self.entries(20_000).segments()
        var found: [String] = []
        for segment in segments {
            try segment.forEachRun { run in
                found.append("\(segment.day) \(run.shape.type ?? "") \(run.subjects) \(run.times)")
            }
        }
        let expected = (0..<Int64(20_000)).map { "\($0) t\($0) [\($0)] [\($0 * (Self.day + 1))]" }
        #expect(found == expected)
    }

    @Test func `no bytes but the right ones are read`() throws {
        let segment = try #require(Self.entries(1).segments().first)
        for place in segment.body.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var body = segment.body
                body[place] = value
                try? read(ColumnSegment(day: 0, count: 1, body: body, times: segment.times))
                body.insert(
                    contentsOf: [UInt8](repeating: value, count: 9), at: place)
                try? read(ColumnSegment(day: 0, count: 1, body: body, times: segment.times))
            }
            let cut = Array(segment.body[..<place])
            #expect(throws: StoreError.self) {
                try read(ColumnSegment(day: 0, count: 1, body: cut, times: segment.times))
            }
        }
    }

    private func read(_ segment: ColumnSegment) throws {
        try segment.forEachRun { run in
            #expect(run.subjects.count <= 1 && run.times.count <= 1)
        }
    }
}
