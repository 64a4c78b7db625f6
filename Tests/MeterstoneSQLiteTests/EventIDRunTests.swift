import Foundation
import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Event ids in sealed runs: found for ever, and told to be new without looking at the file.
@Suite struct EventIDRunTests {
    private static func event(_ id: EventID, _ number: Int) -> Command {
        .record(
            UsageEvent(
                id: id, subject: SubjectID(unchecked: "user\(number % 20)"),
                occurredAt: FixedHistory.now, quantities: .one(.prompts, 1)))
    }

    private static func random(_ number: Int) -> EventID {
        var random = SplitMix64(state: UInt64(number))
        return .uuid(random.next() & ~0xF000 | 0x4000, random.next() >> 2 | 1 << 63)
    }

    /// Of one millisecond: the upper halves are equal.
    private static func equalHalf(_ number: Int) -> EventID {
        .uuid(0x0189_0000_0000_7000, 1 << 63 | UInt64(number))
    }

    @Test func `ids are found after many rounds and merges and told apart by what they are`() throws
    {
        let folder = TemporaryFolder()
        var store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        let rounds = 30, perRound = 100
        let ids = (0..<rounds * perRound).map { number in
            switch number % 3 {
            case 0: Self.random(number)
            case 1: Self.equalHalf(number)
            default: EventID.text("e\(number)")
            }
        }
        for round in 0..<rounds {
            let numbers = round * perRound..<(round + 1) * perRound
            _ = try store.commit(
                numbers.map { Self.event(ids[$0], $0) }, at: FixedHistory.now)
            while try store.project() {}
        }
        for turn in 0..<2 {
            let outcomes = try store.commit(
                ids.indices.map { Self.event(ids[$0], $0) }, at: FixedHistory.now)
            #expect(
                outcomes.allSatisfy {
                    guard case .recorded(.duplicate) = $0 else { return false }
                    return true
                })
            #expect(try store.verify().differences == [])
            try store.close()
            let other = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
            // Six levels of at most three runs.
            let runs = try other.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM id_runs") }
            #expect(try #require(runs) <= 18)
            try other.close()
            store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            if turn == 0 { _ = try store.rebuild() }
        }
        try store.close()
    }

    @Test func `an id that was never seen is answered without looking at the file`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        _ = try store.commit(
            (0..<8_000).map { Self.event(Self.random($0), $0) }, at: FixedHistory.now)
        while try store.project() {}
        let before = store.idBodiesRead
        _ = try store.commit(
            (8_000..<16_000).map { Self.event(Self.random($0), $0) }, at: FixedHistory.now)
        // One in seventy gets through a filter.
        #expect(store.idBodiesRead - before < 240)
        try store.close()
    }

    @Test func `ids of version 7 with equal upper halves are looked for where they are`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        let keys = Set((0..<8_190).map { Self.equalHalf($0).key(source: nil) })
        #expect(keys.count > 7_600)
        #expect(keys.allSatisfy { $0 >> 16 == 0x0189_0000_0000 })
        #expect(
            Self.equalHalf(1).key(source: nil) != Self.equalHalf(1).key(source: "another source"))
        let commands = (0..<2_000).map { Self.event(Self.equalHalf($0), $0) }
        _ = try store.commit(commands, at: FixedHistory.now)
        while try store.project() {}
        let before = store.idBodiesRead
        let outcomes = try store.commit(commands, at: FixedHistory.now)
        #expect(
            outcomes.allSatisfy {
                guard case .recorded(.duplicate) = $0 else { return false }
                return true
            })
        // A block or two for each.
        #expect(store.idBodiesRead - before < 2 * 2_000)
        try store.close()
    }

    @Test func `a merge that is cut off leaves nothing behind`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        var steps = 0
        for round in 0..<12 {
            let numbers = round * 900..<(round + 1) * 900
            _ = try store.commit(
                numbers.map { Self.event(Self.random($0), $0) }, at: FixedHistory.now)
            // Sometimes in the middle of everything.
            while try store.project() {
                steps += 1
                guard steps % 13 == 0 else { continue }
                let copy = TemporaryFolder()
                try folder.copyDatabase(to: copy)
                let again = try SQLiteStore(directory: copy.path, options: FixedHistory.options)
                #expect(try again.verify().differences == [], "step \(steps)")
                try again.close()
                let other = try DatabaseQueue(path: copy.path + "/meterstone.sqlite")
                let lost = try other.read {
                    try Int.fetchOne(
                        $0,
                        sql: """
                            SELECT COUNT(*) FROM id_blocks
                            WHERE id >> 24 NOT IN (SELECT number FROM id_runs)
                            """)
                }
                // What is being merged again; all of it is of one attempt.
                #expect(try #require(lost) < 60, "step \(steps)")
                try other.close()
            }
        }
        #expect(steps > 100)
        try store.close()
    }

    @Test func `runs become one so that there are few and each id is written few times`() {
        var counts: [Int] = []
        var written = 0
        for _ in 0..<1_000 {
            counts.append(250)
            written += 250
            while let places = RunMerging.mergeable(counts, besides: []) {
                let sum = places.reduce(0) { $0 + counts[$1] }
                written += sum
                counts = counts.indices.filter { !places.contains($0) }.map { counts[$0] } + [sum]
            }
            #expect(counts.count <= 3 * 7)
        }
        #expect(counts.reduce(0, +) == 250_000)
        #expect(written <= 7 * 250_000)
        let many = Array(repeating: 300_000, count: 77)
        #expect(RunMerging.mergeable(many, besides: [])?.count == RunMerging.runsMax)
        #expect(
            RunMerging.mergeable(many, besides: [RunMerging.level(300_000)]) == nil)
    }

    @Test func `a filter knows all of its keys and few others and is the same when it is read`()
        throws
    {
        var random = SplitMix64(state: 9)
        let keys = (0..<20_000).map { _ in random.next() }
        var filter = IDFilter(count: keys.count)
        for key in keys { filter.insert(key) }
        let parts = (0..<filter.partCount).map { filter.part($0) }
        let read = try IDFilter(count: keys.count, parts: parts)
        #expect(parts.count == IDFilter.parts(forKeys: keys.count))
        #expect(keys.allSatisfy { filter.mayContain($0) && read.mayContain($0) })
        var passed = 0
        for _ in 0..<20_000 {
            let key = random.next()
            let part = IDFilter.part(of: key, amongKeys: keys.count)
            let answer = try IDFilter.mayContain(key, amongKeys: keys.count, part: parts[part])
            #expect(answer == filter.mayContain(key))
            if answer { passed += 1 }
        }
        #expect(passed < 500)
    }

    @Test func `a block gives back its entries and every damage is seen`() throws {
        var random = SplitMix64(state: 3)
        let entries = (0..<IDBlock.entriesMax).map { number in
            IDEntry(
                key: random.next(),
                location: EventLocation(
                    day: Int64(number % 40) - 20, subject: Int64(number),
                    sequence: Int64(1 + number))
            )
        }.sorted()
        let bytes = IDBlock.bytes(of: entries[...])
        let block = try IDBlock(reading: bytes)
        #expect(block.entries == entries)
        for entry in entries.prefix(50) {
            #expect(block.locations(of: entry.key) == [entry.location])
        }
        #expect(block.locations(of: .max) == [] && block.locations(of: 0) == [])
        for place in stride(from: 0, to: bytes.count, by: 97) {
            var damaged = bytes
            damaged[place] ^= 0x10
            #expect(throws: MalformedRecord.self) { try IDBlock(reading: damaged) }
            #expect(throws: MalformedRecord.self) {
                try IDBlock(reading: Array(bytes[..<place]))
            }
        }
    }
}
