import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Who looks on is told what stands, and nothing is kept for anybody.
@Suite struct LiveFeedTests {
    private static let prompts = MeterKey(unchecked: "prompts")
    private static let ann = SubjectID(unchecked: "ann")
    private static let team = SubjectID(unchecked: "team")

    private static let blueprint = Blueprint(
        meters: [Meter(key: prompts)],
        limits: [
            Limit(
                key: LimitKey(unchecked: "daily"), meter: prompts, window: .day,
                defaultAllowance: .units(1_000))
        ])

    private func run(
        _ work: (MeterstoneEngine, ManualClock) async throws -> Void
    ) async throws {
        let folder = TemporaryFolder()
        let clock = ManualClock()
        for store in [MemoryStore(), try SQLiteStore(directory: folder.path)] as [any Store] {
            let engine = MeterstoneEngine(store: store, clock: { clock.now })
            _ = try await engine.apply(Self.blueprint, author: "test")
            try await work(engine, clock)
            await engine.shutdown()
        }
    }

    private func consume(_ engine: MeterstoneEngine, _ subject: SubjectID) async throws {
        _ = try await engine.consume(
            UsageEvent(subject: subject, quantities: .one(Self.prompts, 1)))
    }

    /// Reads until so much is used.
    private func read(
        _ stream: inout AsyncStream<LiveStanding>.Iterator, until used: Int64
    ) async -> LiveStanding? {
        while let standing = await stream.next(isolation: #isolation) {
            if standing.limits.first?.used.units == used { return standing }
        }
        return nil
    }

    @Test func `each change is told, and the last of many`() async throws {
        try await run { engine, _ in
            var stream = engine.live(of: Self.ann).makeAsyncIterator()
            let first = try #require(await read(&stream, until: 0))
            try await consume(engine, Self.ann)
            let second = try #require(await read(&stream, until: 1))
            #expect(second.sequence > first.sequence)
            for _ in 0..<50 { try await consume(engine, Self.ann) }
            #expect(await read(&stream, until: 51) != nil)
        }
    }

    @Test func `what members use is told of their team, and what an alias uses of its subject`()
        async throws
    {
        try await run { engine, _ in
            let alias = SubjectID(unchecked: "ann@example.org")
            for change in [
                Change.putSubject(Subject(id: Self.ann, parent: Self.team)),
                .putAlias(Self.ann, alias: alias),
            ] {
                _ = try await engine.change(ChangeRequest(change: change, author: "test"))
            }
            var ofTeam = engine.live(of: Self.team).makeAsyncIterator()
            var ofAnn = engine.live(of: Self.ann).makeAsyncIterator()
            #expect(await read(&ofTeam, until: 0) != nil)
            try await consume(engine, alias)
            #expect(await read(&ofTeam, until: 1) != nil)
            #expect(await read(&ofAnn, until: 1) != nil)
        }
    }

    @Test func `a window that ends is told without a commit`() async throws {
        try await run { engine, clock in
            var stream = engine.live(of: Self.ann).makeAsyncIterator()
            try await consume(engine, Self.ann)
            #expect(await read(&stream, until: 1) != nil)
            clock.set(clock.now.advanced(byMilliseconds: 86_400_000))
            #expect(await read(&stream, until: 0) != nil)
        }
    }

    @Test func `a stream ends when its time is over, and with the engine`() async throws {
        try await run { engine, _ in
            var count = 0
            for await _ in engine.live(of: Self.ann, forMilliseconds: 0) { count += 1 }
            #expect(count <= 1)
            var stream = engine.live(of: nil).makeAsyncIterator()
            #expect(await stream.next(isolation: #isolation) != nil)
            await engine.shutdown()
            while await stream.next(isolation: #isolation) != nil {}
            var late = engine.live(of: nil).makeAsyncIterator()
            #expect(await late.next(isolation: #isolation) == nil)
        }
    }
}
