import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Synchronization
import Testing

/// Projection keeps step with commits, and nothing that waits grows old.
@Suite struct ProjectionPaceTests {
    private static let second: UInt64 = 1_000_000_000
    private static let kept = ProjectionPace.factsKept

    @Test func `while few facts wait and they are young nothing is projected`() {
        var pace = ProjectionPace()
        for commit in 1...100 {
            let facts = commit * 500
            pace.note(committed: 500, waiting: facts, owed: facts, at: UInt64(commit) * 9_000_000)
            #expect(!pace.isDue)
        }
    }

    @Test func `when more wait a commit is followed by a quarter more than it brought`() {
        var pace = ProjectionPace()
        let waiting = Self.kept + 10_000
        for _ in 0..<50 {
            pace.note(committed: 1_000, waiting: waiting, owed: waiting, at: 0)
            var done = 0
            while pace.isDue {
                pace.note(projectedFrom: (waiting, waiting), work: 50, at: 0)
                done += 50
            }
            #expect(done == 1_250)
        }
    }

    @Test func `what one step does beyond what is owed counts for the commits after it`() {
        var pace = ProjectionPace()
        let waiting = Self.kept + 10_000
        var steps = 0
        for _ in 0..<1_000 {
            pace.note(committed: 4, waiting: waiting, owed: waiting, at: 0)
            while pace.isDue {
                pace.note(projectedFrom: (waiting, waiting), work: 100, at: 0)
                steps += 1
            }
        }
        #expect(steps == 50)
    }

    @Test func `what is a second old is projected whatever it is`() {
        var pace = ProjectionPace()
        pace.note(committed: 1, waiting: 1, owed: 1, at: 0)
        pace.note(committed: 1, waiting: 2, owed: 2, at: Self.second - 1)
        #expect(!pace.isDue)
        pace.note(committed: 1, waiting: 3, owed: 3, at: Self.second)
        #expect(pace.isDue)
        // The round takes all three; the fourth comes while it is under way.
        pace.note(projectedFrom: (3, 3), work: 2, at: Self.second)
        #expect(!pace.isDue)
        pace.note(committed: 1, waiting: 4, owed: 2, at: Self.second + 1)
        #expect(pace.isDue)
        pace.note(projectedFrom: (4, 1), work: 1, at: Self.second + 1)
        pace.note(committed: 1, waiting: 2, owed: 2, at: 2 * Self.second - 1)
        #expect(!pace.isDue)
        pace.note(committed: 1, waiting: 3, owed: 3, at: 2 * Self.second)
        #expect(pace.isDue)
    }

    @Test func `consumes every four milliseconds without a lull are projected within the second`()
        async throws
    {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path)
        let clock = ManualClock()
        let uptime = Uptime()
        let engine = MeterstoneEngine(
            store: store, clock: { clock.now }, uptime: { uptime.nanoseconds })
        let prompts = MeterKey(unchecked: "prompts")
        _ = try await engine.apply(Blueprint(meters: [Meter(key: prompts)]), author: "test")
        var longest: Int64 = 0
        for number in 1...1_500 {
            uptime.advance(by: 4_000_000)
            _ = try await engine.consume(
                UsageEvent(
                    id: .text("e\(number)"), subject: SubjectID(unchecked: "ada"),
                    quantities: .one(prompts, 1)))
            let view = try store.view(of: nil)
            let watermark = try store.read(view) { (source) throws(StoreError) in
                try source.watermark()
            }
            longest = max(longest, Int64(number) - watermark)
        }
        // 250 in the second, and one for each step of a round.
        #expect(longest < 350)
        await engine.shutdown()
    }
}

/// A clock that only rises, and only when it is told to.
private final class Uptime: Sendable {
    private let now = Mutex<UInt64>(0)

    var nanoseconds: UInt64 { now.withLock { $0 } }

    func advance(by nanoseconds: UInt64) {
        now.withLock { $0 += nanoseconds }
    }
}
