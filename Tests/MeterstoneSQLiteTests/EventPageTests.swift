import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Pages of events, of days that have many blocks.
@Suite struct EventPageTests {
    private static let now = FixedHistory.now
    private static let team = SubjectID(unchecked: "team")
    private static let users = (0..<3).map { SubjectID(unchecked: "user\($0)") }
    private static let count = 6_000

    /// One event, and what a page should say of it.
    private struct Told {
        var event: UsageEvent
        var isVoided = false

        var at: Instant { event.occurredAt ?? .earliest }
        var id: String { event.id?.text ?? "" }
    }

    /// Two days, of which the second half was told in no order of time, so that blocks overlap.
    private static func history(_ random: inout SplitMix64) -> [Told] {
        let day: Int64 = 86_400_000
        var times = (0..<count).map { 2 * day - Int64($0) * (2 * day / Int64(count)) }
        times.reverse()
        let middle = count / 2
        let shuffled = times[middle...].shuffled(using: &random)
        return (times[..<middle] + shuffled).enumerated().map { number, before in
            Told(
                event: UsageEvent(
                    id: .text("event-\(number)"), subject: users[number % users.count],
                    occurredAt: now.advanced(byMilliseconds: before - 2 * day),
                    quantities: .one(.prompts, 1)))
        }
    }

    @Test(arguments: [1, 2], [false, true])
    func `pages are in the order of time whatever stands in which block`(
        seed: UInt64, isForgotten: Bool
    ) async throws {
        var random = SplitMix64(state: seed)
        let folder = TemporaryFolder()
        var told = Self.history(&random)
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        let changes =
            [Change.putMeter(Meter(key: .prompts))]
            + Self.users.map { .putSubject(Subject(id: $0, parent: Self.team)) }
        _ = try store.commit(
            changes.map { .change(ChangeRequest(change: $0, author: "test")) }, at: Self.now)
        for start in stride(from: 0, to: told.count, by: 400) {
            let part = start..<min(start + 400, told.count)
            _ = try store.commit(told[part].map { .record($0.event) }, at: Self.now)
            for index in part where Int.random(in: 0..<20, using: &random) == 0 {
                let void = Correction(
                    eventID: .text(told[index].id), source: nil, kind: .void, author: "grace",
                    reason: "a mistake")
                _ = try store.commit([.correct(void)], at: Self.now)
                told[index].isVoided = true
            }
            // The last ones wait.
            if part.upperBound < told.count { while try store.project() {} }
        }
        if isForgotten {
            // As blocks of an earlier version, of which nothing is said.
            while try store.project() {}
            try forgetTimes(folder)
        }
        for id in Self.users + [Self.team] {
            let own = told.filter { id == Self.team || $0.event.subject == id }
                .sorted { $0.at > $1.at }
            let found = try pages(of: id, store)
            #expect(found.map(\.event.id?.text) == own.map(\.id), "\(id)")
            #expect(found.map(\.isVoided) == own.map(\.isVoided), "\(id)")
            let view = try store.view(of: id)
            try store.read(view) { (source) throws(StoreError) in
                let reader = try UsageReader(view, source, now: Self.now)
                let counted = own.filter { !$0.isVoided }
                let first = try reader.countedEvent(in: .lifetime, .oldestFirst)
                let last = try reader.countedEvent(in: .lifetime, .newestFirst)
                #expect(first?.record.occurredAt == counted.last?.at)
                #expect(last?.record.occurredAt == counted.first?.at)
            }
        }
        #expect(try store.verify().differences == [])
        try store.close()
    }

    private func forgetTimes(_ folder: TemporaryFolder) throws {
        let other = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        try other.write { database in
            try database.execute(sql: "UPDATE event_blocks SET earliest = NULL, latest = NULL")
        }
        try other.close()
    }

    private func pages(of id: SubjectID, _ store: SQLiteStore) throws -> [RecordedEvent] {
        var result: [RecordedEvent] = []
        var cursor: EventCursor?
        repeat {
            let view = try store.view(of: id)
            let page = try store.read(view) { (source) throws(StoreError) in
                try UsageReader(view, source, now: Self.now).events(before: cursor, count: 700)
            }
            result += page.events
            cursor = page.next
        } while cursor != nil
        return result
    }
}
