import Dispatch
import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What happens while connections or locks are not to be had.
@Suite
struct ConnectionTests {
    @Test func `reads wait their turn, are refused after a while, and hold no commit up`()
        async throws
    {
        try await TestDatabase.with { database in
            let store = try database.store { options in
                options.readersMax = 2
                options.readerWaitMilliseconds = 50
                // Other tests keep the machine busy while the readers hold their snapshots.
                options.idleTransactionMilliseconds = 60_000
            }
            let engine = database.engine(on: store)
            try await engine.setUp(daily: 10)
            #expect(await engine.answer(.of(.ada, id: "before")) == "allowed")
            let (entered, mayLeave) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let view = try store.view(of: nil)
            async let readers: [Bool] = withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await onThread {
                            try store.read(view) { (source) throws(StoreError) in
                                let isThere = try source.subject(.ada) != nil
                                entered.signal()
                                mayLeave.wait()
                                // Still the same snapshot.
                                let isStillAlone = try source.subject(.bob) == nil
                                return isThere && isStillAlone
                            }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await onThread { for _ in 0..<2 { entered.wait() } }
            let refused: StoreError.Code? = try await onThread {
                do throws(StoreError) {
                    _ = try store.changes(before: nil, count: 1)
                    return nil
                } catch {
                    return error.code
                }
            }
            #expect(refused == .overloaded)
            #expect(await engine.answer(.of(.bob, id: "meanwhile")) == "allowed")
            for _ in 0..<2 { mayLeave.signal() }
            #expect(try await readers == [true, true])
            #expect(try await engine.subjects(after: nil, count: 9).map(\.id) == [.ada, .bob])
            try await database.expectClean(engine, events: 2)
        }
    }

    @Test func `a server without connections to spare fails a commit and does nothing by halves`()
        async throws
    {
        try await TestDatabase.with { database in
            // Not an administrator: what the store asks for must be allowed to everybody.
            let role = "role_\(database.name)"
            try database.admin.run("CREATE ROLE \(role) LOGIN")
            try database.admin.run("ALTER DATABASE \(database.name) OWNER TO \(role)")
            try database.admin.run("ALTER SCHEMA public OWNER TO \(role)")
            let proxy = try database.proxy()
            var options = PostgresOptions(
                url: proxy.url(of: database.url).replacing("meterstone@", with: role + "@"))
            options.commitMilliseconds = 2_000
            let hasty = database.engine(on: try TestDatabase.store(options))
            options.commitMilliseconds = 10_000
            let patient = database.engine(on: try TestDatabase.store(options))
            try await patient.setUp(daily: 10)
            #expect(await patient.answer(.of(.ada, id: "before")) == "allowed")
            #expect(try await hasty.used(.ada) == 1)
            try database.admin.run("ALTER ROLE \(role) CONNECTION LIMIT 0")
            try database.terminateSessions()
            #expect(await hasty.answer(.of(.ada, id: "refused")) == "store_unavailable")
            let tries = proxy.connections
            async let late = patient.answer(.of(.ada, id: "late"))
            try await eventually("nobody tries") { proxy.connections > tries + 2 }
            try database.admin.run("ALTER ROLE \(role) CONNECTION LIMIT -1")
            #expect(await late == "allowed")
            #expect(await hasty.answer(.of(.ada, id: "refused")) == "allowed")
            #expect(try await hasty.used(.ada) == 3)
            try await database.expectClean(patient, events: 3)
        }
    }

    @Test func `what the server says of a lost commit is open to every role`() async throws {
        try await TestDatabase.with { database in
            let role = "role_\(database.name)"
            try database.admin.run("CREATE ROLE \(role) LOGIN")
            try database.admin.run("ALTER DATABASE \(database.name) OWNER TO \(role)")
            try database.admin.run("ALTER SCHEMA public OWNER TO \(role)")
            let proxy = try database.proxy()
            var options = PostgresOptions(
                url: proxy.url(of: database.url).replacing("meterstone@", with: role + "@"))
            options.statementMilliseconds = 300
            let engine = database.engine(on: try TestDatabase.store(options))
            try await engine.setUp(daily: 10)
            // The second one is ended by the store itself, on the server.
            for fault in [CuttingProxy.Fault.cutAfter, .silentInside] {
                proxy.failNextCommit(fault)
                #expect(await engine.answer(.of(.ada, id: "\(fault)")) == "allowed")
            }
            try await database.expectClean(engine, events: 2)
        }
    }

    @Test func `a commit waits for a lock and is carried out when it is let go`() async throws {
        try await TestDatabase.with { database in
            let proxy = try database.proxy()
            let engine = try database.engine(through: proxy) { $0.lockMilliseconds = 20 }
            try await engine.setUp(daily: 10)
            #expect(await engine.answer(.of(.ada, id: "before")) == "allowed")
            try database.admin.run("BEGIN; SELECT FROM subjects WHERE id = 'ada' FOR UPDATE")
            let roundTrips = proxy.roundTrips
            async let late = engine.answer(.of(.ada, id: "late"))
            // Each try is a round trip, and one that takes it back.
            try await eventually("nobody tries again") { proxy.roundTrips > roundTrips + 6 }
            try database.admin.run("COMMIT")
            #expect(await late == "allowed")
            #expect(try await engine.used(.ada) == 2)
            try await database.expectClean(engine, events: 2)
        }
    }

    @Test func `a lock that is held for too long fails the commit, and nothing was done`()
        async throws
    {
        try await TestDatabase.with { database in
            // Who sets it up may wait: the months of a new database are made under locks, too.
            let patient = try database.engine()
            try await patient.setUp(daily: 10)
            #expect(await patient.answer(.of(.ada, id: "before")) == "allowed")
            let hasty = try database.engine { options in
                options.lockMilliseconds = 50
                options.commitMilliseconds = 250
            }
            try database.admin.run("BEGIN; SELECT FROM subjects WHERE id = 'ada' FOR UPDATE")
            #expect(await hasty.answer(.of(.ada, id: "refused")) == "store_unavailable")
            // Others are served meanwhile.
            #expect(await patient.answer(.of(.bob, id: "other")) == "allowed")
            try database.admin.run("COMMIT")
            #expect(try await patient.used(.ada) == 1)
            #expect(await patient.answer(.of(.ada, id: "refused")) == "allowed")
            try await database.expectClean(patient, events: 3)
        }
    }

    @Test func `a read on a connection that the server has ended is answered on another`()
        async throws
    {
        try await TestDatabase.with { database in
            let engine = try database.engine()
            try await engine.setUp(daily: 10)
            #expect(await engine.answer(.of(.ada, id: "before")) == "allowed")
            for _ in 0..<3 {
                #expect(try await engine.events(of: .ada).events.count == 1)
                try database.terminateSessions()
            }
            #expect(try await engine.subjects(after: nil, count: 9).count == 1)
            #expect(await engine.answer(.of(.ada, id: "before")) == "again")
        }
    }

    @Test func `a read that was answered in part is not begun anew`() async throws {
        try await TestDatabase.with { database in
            let store = try database.store()
            let engine = database.engine(on: store)
            try await engine.setUp(daily: 10)
            #expect(await engine.answer(.of(.ada, id: "before")) == "allowed")
            // A connection that was used before.
            _ = try store.changes(before: nil, count: 1)
            let (calls, admin) = (Counter(), database.admin)
            let view = try store.view(of: nil)
            let failure = #expect(throws: StoreError.self) {
                try store.read(view) { (source) throws(StoreError) in
                    calls.increment()
                    _ = try source.subject(.ada)
                    try? Self.endReaders(admin)
                    _ = try source.subject(.bob)
                }
            }
            #expect(failure?.code == .unavailable)
            #expect(calls.value == 1)
        }
    }

    private static func endReaders(_ admin: AdminSession) throws {
        try admin.run(
            """
            SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'idle in transaction'
            """)
    }
}
