import MeterstoneCore
import MeterstoneStore
import Testing

/// The part of the journal that is not projected, and what is found in it by subject.
@Suite struct TailTests {
    private static func record(_ number: Int, teams: [Int64] = []) -> UsageRecord {
        UsageRecord(
            id: .text("event-\(number)"),
            occurredAt: Instant(millisecondsSince1970: Int64(number)),
            recordedAt: Instant(millisecondsSince1970: Int64(number)),
            quantities: .one(EncodingTests.names[0], 1), details: nil, ancestors: teams)
    }

    /// One event of subject 1, in team 2, in every so many of others.
    private static func tail(of count: Int, every step: Int) -> Tail {
        var tail = Tail()
        var builder = JournalBatchBuilder(firstSequence: 1)
        for number in 0..<count {
            let isOwn = number % step == step - 1
            let record = record(number, teams: isOwn ? [2] : [])
            builder.append(subject: isOwn ? 1 : Int64(3 + number % 1_000)) { writer in
                record.write(to: &writer, nameNumber: EncodingTests.number)
            }
            guard builder.count == 100 else { continue }
            let next = builder.nextSequence
            tail.append(builder.sealed())
            tail.closeFullSection()
            builder = JournalBatchBuilder(firstSequence: next)
        }
        return tail
    }

    @Test(arguments: [1_000, 100_000])
    func `as many facts are looked at as a subject has`(count: Int) {
        let tail = Self.tail(of: count, every: count / 10)
        let expected = (1...10).map { Int64($0 * count / 10) }
        #expect(tail.facts(.usage, of: 1).map(\.sequence) == expected)
        #expect(tail.facts(.usage, of: 2).map(\.sequence) == expected)
        #expect(tail.facts(.usage, of: 2).allSatisfy { $0.subject == 1 })
        #expect(tail.facts(.ledger, of: 1).isEmpty)
        #expect(tail.facts(.usage, of: 1_000_000).isEmpty)
    }

    @Test func `what comes after a subject was looked at is found as well`() {
        var tail = Tail()
        for number in 0..<200 {
            var builder = JournalBatchBuilder(firstSequence: Int64(number + 1))
            builder.append(subject: Int64(number % 2)) { writer in
                Self.record(number).write(to: &writer, nameNumber: EncodingTests.number)
            }
            tail.append(builder.sealed())
            #expect(tail.facts(.usage, of: Int64(number % 2)).count == number / 2 + 1)
        }
        let slice = tail.takeSlice(whole: false)
        #expect(slice?.facts.batches.count == 200)
        tail.drop(through: 200)
        #expect(tail.facts(.usage, of: 0).isEmpty && tail.count == 0)
    }

    /// Which subjects stand in columns, in their order.
    private static func subjects(_ entries: [ColumnEntries]) throws -> [Int64] {
        var result: [Int64] = []
        for segment in entries.flatMap({ $0.segments() }) {
            try segment.forEachRun { result += $0.subjects }
        }
        return result.sorted()
    }

    @Test func `a report has the columns of what was committed before, and projection in parts`()
        throws
    {
        var tail = Tail(factsPerSection: 30)
        var heads: [TailSnapshot] = []
        let registry = Registry(names: EncodingTests.names, limits: [], series: [])
        for number in 0..<10 {
            var builder = JournalBatchBuilder(firstSequence: Int64(number * 10 + 1))
            for fact in 0..<10 {
                builder.append(subject: Int64(number * 10 + fact + 1)) { writer in
                    Self.record(fact).write(to: &writer, nameNumber: EncodingTests.number)
                }
            }
            tail.append(builder.sealed())
            tail.closeFullSection()
            heads.append(tail.snapshot)
            // One that came first knows nothing of what is there by now.
            let first = try heads[number / 2].columns(registry)
            #expect(try Self.subjects(first) == Array(1...Int64((number / 2 + 1) * 10)))
        }
        for (after, through) in [(0, 100), (10, 40), (30, 60), (40, 50), (0, 20)] {
            let entries = try heads[9].columns(
                after: Int64(after), through: Int64(through), registry)
            #expect(try Self.subjects(entries) == Array(Int64(after + 1)...Int64(through)))
        }
        #expect(try heads[9].columns(after: 100, registry).isEmpty)
        let taken = tail.takeSlice(whole: true, cuts: [10, 30, 50, 60, 100])
        let slice = try #require(taken)
        let parts = try slice.columns.parts(registry)
        #expect(parts.map(\.until) == [10, 30, 50, 60, 90, 100])
        #expect(parts.map(\.entries.count) == [10, 20, 20, 10, 30, 10])
        #expect(try Self.subjects([parts[2].entries]) == Array(31...50))
    }

    @Test func `a batch that is being decided finds its facts`() {
        var builder = JournalBatchBuilder(firstSequence: 7)
        for number in 0..<20 {
            builder.append(subject: 5) { writer in
                Self.record(number, teams: [9])
                    .write(to: &writer, nameNumber: EncodingTests.number)
            }
            let facts = builder.facts(.usage, of: 9)
            #expect(facts.map(\.sequence) == Array(7...Int64(7 + number)))
            #expect(facts.allSatisfy { $0.subject == 5 })
        }
        #expect(builder.facts(.usage, of: 5).count == 20)
        #expect(builder.facts(.usage, of: 6).isEmpty)
    }
}
