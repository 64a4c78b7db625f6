import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Synchronization
import Testing

/// Projection keeps step with commits, and nothing that waits grows old.
@Suite struct ProjectionPaceTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let second = 1_000 * millisecond
    private static let kept = ProjectionPace.factsKept

    /// Steps that follow when each takes so long.
    private static func steps(
        _ pace: inout ProjectionPace, each nanoseconds: UInt64, at now: UInt64 = 0
    ) -> Int {
        var count = 0
        while pace.isDue {
            pace.note(projectedIn: nanoseconds, waiting: (kept, kept), at: now)
            count += 1
        }
        return count
    }

    @Test func `while few facts wait and commits leave no time nothing is projected`() {
        var pace = ProjectionPace()
        for commit in 1...500 {
            let facts = commit * 500
            pace.note(
                committedIn: 9 * Self.millisecond, waiting: facts, owed: facts,
                at: UInt64(commit) * 10 * Self.millisecond)
            #expect(!pace.isDue)
        }
    }

    @Test(arguments: [(1, 0), (16_384, 4), (32_768, 8), (65_536, 16), (1_000_000, 32)])
    func `the more wait the longer a commit is followed by projection`(
        beyond: Int, expected: Int
    ) {
        var pace = ProjectionPace()
        var steps = 0
        for _ in 0..<50 {
            let waiting = Self.kept + beyond
            pace.note(committedIn: 4 * Self.millisecond, waiting: waiting, owed: waiting, at: 0)
            steps += Self.steps(&pace, each: Self.millisecond / 2)
        }
        #expect(abs(steps - 50 * expected) <= 1)
    }

    @Test func `what one step takes beyond what is owed counts for the commits after it`() {
        var pace = ProjectionPace()
        var steps = 0
        for _ in 0..<1_000 {
            let waiting = Self.kept + 16_384
            pace.note(committedIn: Self.millisecond / 5, waiting: waiting, owed: waiting, at: 0)
            steps += Self.steps(&pace, each: 2 * Self.millisecond)
        }
        #expect(steps == 50)
    }

    @Test func `what could not be done after some commits is not made up for after one`() {
        var pace = ProjectionPace()
        let waiting = Self.kept + 32_768
        // A slice is being put in order meanwhile.
        for _ in 0..<50 {
            pace.note(committedIn: 4 * Self.millisecond, waiting: waiting, owed: waiting, at: 0)
        }
        #expect(Self.steps(&pace, each: Self.millisecond / 2) == 8)
    }

    @Test func `a store that wants few facts to wait has fewer`() {
        var pace = ProjectionPace(factsMax: 3_000)
        pace.note(committedIn: 1_000, waiting: 2_000, owed: 2_000, at: 0)
        #expect(!pace.isDue)
        pace.note(committedIn: 1_000, waiting: 2_250, owed: 2_250, at: 0)
        #expect(Self.steps(&pace, each: 500) == 2)
    }

    @Test func `what is a second old is projected where commits leave time`() {
        var pace = ProjectionPace()
        func commit(waiting: Int, at now: UInt64) {
            pace.note(committedIn: 1_000, waiting: waiting, owed: waiting, at: now)
        }
        commit(waiting: 1, at: 0)
        commit(waiting: 2, at: Self.second - 1)
        #expect(!pace.isDue)
        commit(waiting: 3, at: Self.second)
        #expect(pace.isDue)
        // The round takes all three; the fourth comes while it is under way.
        pace.note(projectedIn: 2_000, waiting: (3, 3), at: Self.second)
        #expect(!pace.isDue)
        commit(waiting: 4, at: Self.second + 1)
        #expect(pace.isDue)
        pace.note(projectedIn: 2_000, waiting: (4, 1), at: Self.second + 1)
        commit(waiting: 2, at: 2 * Self.second - 1)
        #expect(!pace.isDue)
        commit(waiting: 3, at: 2 * Self.second)
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
