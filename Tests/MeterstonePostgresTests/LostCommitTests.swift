import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promises 2 and 3 where the connection fails at the commit.
@Suite
struct LostCommitTests {
    @Test(arguments: CuttingProxy.Fault.allCases)
    func `a commit whose connection fails is answered as it ended, and serving goes on`(
        fault: CuttingProxy.Fault
    ) async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy) { options in
                options.statementMilliseconds = 300
                options.commitMilliseconds = fault.isBlackHole ? 6_000 : 20_000
            }
            try await engine.setUp(daily: 3)
            #expect(await engine.answer(.of(.ada, id: "before")) == "allowed")
            proxy.failNextCommit(fault)
            let answer = await engine.answer(.of(.ada, id: "cut"))
            #expect(answer == (fault.isBlackHole ? "outcome_unknown" : "allowed"))
            await proxy.faultIsMet()
            proxy.recover()
            #expect(await engine.answer(.of(.ada, id: "next")) == "allowed")
            // What arrived was carried out; what did not was only done if the store tried again.
            let isStored = fault.arrives || !fault.isBlackHole
            let stored = try database.admin.number("SELECT count(*) FROM event_ids")
            #expect(stored == (isStored ? 3 : 2))
            let again = await engine.answer(.of(.ada, id: "cut"))
            #expect(again == (isStored ? "again" : "allowed"))
            #expect(await engine.answer(.of(.ada, id: "more")) == "denied")
            #expect(try await engine.used(.ada) == 3)
            try await database.expectClean(engine, events: 3)
        }
    }

    @Test func `nobody waits longer than the bound while the database is away`() async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy) { $0.commitMilliseconds = 3_000 }
            try await engine.setUp(daily: 1_000)
            #expect(await engine.unreachable()?.code == nil)
            proxy.failNextCommit(.blackHoleBefore)
            let clock = ContinuousClock()
            let start = clock.now
            async let first = (engine.answer(.of(.ada, id: "first")), clock.now - start)
            await proxy.faultIsMet()
            // These wait in the committer's queue, behind one that waits for the database.
            try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<300 {
                    group.addTask { await engine.answer(.of(.ada, id: "\(number)")) }
                }
                for _ in 0..<100 {
                    group.addTask {
                        do {
                            _ = try await engine.blueprint()
                            return "read"
                        } catch let error as StoreError {
                            return error.code.text
                        }
                    }
                }
                for try await answer in group {
                    #expect(["store_unavailable", "overloaded", "read"].contains(answer))
                }
            }
            let waited = clock.now - start
            let (answer, alone) = await first
            #expect(answer == "outcome_unknown")
            // About five seconds: the bound, and the two seconds that libpq waits at least; where the
            // machine is busy, as long as the first one waited. What must not be is that 400 callers
            // wait one after the other.
            #expect(waited < max(.seconds(8), alone * 2))
            let away = try #require(await engine.unreachable())
            #expect(away.code == .unavailable)
            #expect(away.message == "the database cannot be reached")
            proxy.recover()
            #expect(await engine.answer(.of(.ada, id: "next")) == "allowed")
            while await engine.unreachable() != nil {}
            #expect(try await engine.used(.ada) == 1)
        }
    }

    @Test func `what an answer says of the database has no address in it`() async throws {
        let options = PostgresOptions(url: "postgres://secret-user@127.0.0.1:1/secret-database")
        do {
            _ = try PostgresStore(options)
            Issue.record("expected no database at port 1")
        } catch {
            #expect(error.code == .unavailable)
            #expect(error.message == "the database cannot be reached")
            #expect(error.description.contains("127.0.0.1"))
        }
    }

    @Test(arguments: CuttingProxy.Fault.allCases.filter { !$0.isBlackHole })
    func `a month whose making is cut off is made all the same`(
        fault: CuttingProxy.Fault
    ) async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy) { options in
                options.statementMilliseconds = 300
                options.idleTransactionMilliseconds = 300
            }
            try await engine.setUp(daily: 3)
            proxy.failNextCommit(fault)
            let old = Instant(millisecondsSince1970: 1_700_000_000_000)
            #expect(await engine.answer(.of(.ada, id: "old", at: old)) == "allowed")
            await proxy.faultIsMet()
            let months = try database.admin.number(
                "SELECT count(*) FROM pg_class WHERE relname = 'usage_events_2023_11'")
            #expect(months == 1)
            try await database.expectClean(engine, events: 1)
        }
    }

    /// Whoever waits for locks of a node that nobody hears of any more gets them.
    @Test func `a node that falls silent in a transaction holds nobody up for long`() async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let silent = try database.engine(through: proxy) { options in
                options.statementMilliseconds = 300
                options.idleTransactionMilliseconds = 200
            }
            let other = try database.engine { options in
                options.lockMilliseconds = 100
                options.commitMilliseconds = 4_000
            }
            try await silent.setUp(daily: 10)
            #expect(await silent.answer(.of(.ada, id: "before")) == "allowed")
            proxy.failNextCommit(.silentBefore)
            async let lost = silent.answer(.of(.ada, id: "silent"))
            await proxy.faultIsMet()
            // The silent node itself gives up after more than five seconds.
            #expect(await other.answer(.of(.ada, id: "other")) == "allowed")
            #expect(await lost == "allowed")
            #expect(try await other.used(.ada) == 3)
            try await database.expectClean(other, events: 3)
        }
    }

    /// The server that crashed had not written down that it gave the transaction's number away, and
    /// gives it to another.
    ///
    /// It may have written it down all the same: what its log has of a transaction goes to the disk by itself
    /// now and then, whenever a page of it is full. Then this is tried again.
    @Test func `a transaction that shares its number with a lost one does not answer for it`()
        async throws
    {
        let server = try PostgresServer(settings: [
            "wal_writer_delay": "10s", "autovacuum": "off", "full_page_writes": "off",
            "wal_level": "minimal", "max_wal_senders": "0",
        ])
        try await TestDatabase.with(server) { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy) { options in
                options.statementMilliseconds = 60_000
                options.commitMilliseconds = 4_000
            }
            try await engine.setUp(daily: 100)
            #expect(await engine.answer(.of(.ada, id: "before")) == "allowed")
            try database.admin.run("CREATE TABLE others (number xid8)")
            var takers = 0
            for attempt in 0..<10 where takers == 0 {
                takers = try await Self.loseNumber(
                    "lost-\(attempt)", server, database, proxy, engine)
            }
            #expect(takers == 1, "the server wrote every number down, and the test proves nothing")
        }
        server.stop()
    }

    /// Loses a commit, restarts the server, and returns how many transactions got its number then.
    private static func loseNumber(
        _ id: String, _ server: PostgresServer, _ database: TestDatabase, _ proxy: CuttingProxy,
        _ engine: MeterstoneEngine
    ) async throws -> Int {
        let admin = try AdminSession(url: database.url)
        let before = try admin.number("SELECT count(*) FROM event_ids")
        proxy.failNextCommit(.silentBefore)
        async let answer = engine.answer(.of(.ada, id: id))
        await proxy.faultIsMet()
        let lost = try admin.number(
            "SELECT max(backend_xid::text::bigint) FROM pg_stat_activity")
        try await onThread { try server.restartImmediately() }
        let other = try AdminSession(url: database.url)
        let next = "INSERT INTO others VALUES (pg_current_xact_id()) RETURNING number"
        while try other.number(next) < lost {}
        let takers = try other.number("SELECT count(*) FROM others WHERE number = '\(lost)'")
        proxy.recover()
        let word = await answer
        let count = try other.number("SELECT count(*) FROM event_ids") - before
        // Where the machine is busy the time is over before the engine can try again; it may know by then
        // that nothing was committed.
        #expect(["allowed", "outcome_unknown", "store_unavailable"].contains(word))
        #expect(count == (word == "allowed" ? 1 : 0), "\(id): \(word)")
        // However long the server takes until it answers again.
        while await engine.unreachable() != nil {}
        #expect(await engine.answer(.of(.ada, id: id)) == (count == 1 ? "again" : "allowed"))
        return takers
    }
}
