import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Lines of the log of changes of which nothing follows leave the store, and nothing else does.
@Suite struct LogRetentionTests {
    private static let kept: [StoreUnderTest] = [.sqlite, .postgres]
    private static let day: Int64 = 86_400

    private func kinds(_ engine: MeterstoneEngine) async throws -> [String: Int] {
        try await engine.flush()
        return Dictionary(
            grouping: try await engine.changes(after: 0, count: 10_000), by: \.kind
        ).mapValues(\.count)
    }

    private func session(_ id: String, _ clock: ManualClock) -> AdministratorSession {
        AdministratorSession(
            id: SessionID(unchecked: id), digest: String(repeating: "0a", count: 32),
            startedAt: clock.now, expiresAt: clock.now.advanced(byMilliseconds: 900 * 86_400_000))
    }

    private func account(_ id: String, _ clock: ManualClock) -> AccountSession {
        AccountSession(
            id: SessionID(unchecked: id), device: "phone", startedAt: clock.now,
            lastSeenAt: clock.now)
    }

    private static let note = Change.noteSignIn(SignInNote(who: nil, result: .unknown))

    @Test(arguments: kept)
    func `who signed in long ago is forgotten, and sessions that go on go on`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { opened in
            let clock = opened.clock
            try await opened.engine.setUp(limits: [.daily(10)])
            for id in ["on", "off"] {
                try await opened.engine.put(.putSession(session(id, clock)))
                try await opened.engine.put(.startAccountSession(.ada, account(id, clock)))
            }
            try await opened.engine.put(
                .startAccountSession(.ada, account("keyed", clock)), key: "once")
            let off = SessionID(unchecked: "off")
            try await opened.engine.put(.deleteSession(off))
            try await opened.engine.put(.endAccountSession(.ada, off, at: clock.now))
            let uses = AccessUses(lastUsedAt: ["on": clock.now])
            try await opened.engine.put(.noteUses(uses))
            // More than one step takes.
            for _ in 0..<1_200 { try await opened.engine.put(Self.note) }
            let sessions = try await opened.engine.subject(.ada)?.account?.sessions
            clock.advance(bySeconds: 40 * Self.day)
            try await opened.engine.put(Self.note)
            var before = try await kinds(opened.engine)
            #expect(before["session"] == 3 && before["accountSession"] == 4)
            #expect(before["uses"] == 1 && before["signIn"] == 1_201)
            let month = clock.now.advanced(byMilliseconds: -30 * 1_000 * Self.day)
            // Who asks for nothing has everything.
            #expect(try await opened.engine.forgetLines(LogRetention()) == 0)
            let retention = LogRetention(accessBefore: month)
            var steps: [Int] = []
            #expect(try await opened.engine.forgetLines(retention) { steps.append($0) } == 1_207)
            #expect(steps == [1_000, 207])
            #expect(try await opened.engine.forgetLines(retention) == 0)
            // What came with a key is known again, and everything else is as it was.
            for kind in ["session", "uses"] { before[kind] = nil }
            before["signIn"] = 1
            before["accountSession"] = 1
            for round in 0..<2 {
                let engine = opened.engine
                #expect(try await kinds(engine) == before)
                #expect(try await engine.administratorSessions().map(\.id.text) == ["on"])
                #expect(try await engine.access().uses == uses)
                #expect(try await engine.subject(.ada)?.account?.sessions == sessions)
                let change = Change.startAccountSession(.ada, account("keyed", ManualClock()))
                let again = try await engine.change(
                    ChangeRequest(change: change, author: "test", idempotencyKey: "once"))
                #expect(again.isReplay)
                try await engine.expectClean()
                if round == 0 { try await opened.reopen() }
            }
        }
    }

    @Test(arguments: kept)
    func `of webhooks the last word stays, and what nobody dealt with yet`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { opened in
            let (engine, clock) = (opened.engine, opened.clock)
            let (ours, theirs) = (
                WebhookKey(unchecked: "ours"), WebhookKey(unchecked: "theirs")
            )
            func note(_ webhook: WebhookKey, through: Int64, _ delivered: Int64) async throws {
                let progress = WebhookProgress(
                    webhook: webhook, through: through, delivered: delivered,
                    waiting: [WaitingDelivery(sequence: 2, dueAt: clock.now)],
                    failed: [
                        FailedDelivery(sequence: 1, attempts: 11, failedAt: clock.now, error: "no")
                    ])
                try await engine.put(.noteProgress(progress))
            }
            try await engine.setUp(limits: [.daily(10)])
            try await engine.put(.putAlert(Alert(key: AlertKey(unchecked: "a"), usedPercent: [50])))
            _ = try await engine.decide(.of(.ada, [.prompts: 6]))
            try await engine.put(.noteReplay(ours, nil))
            try await engine.flush()
            let taken = try #require(try await engine.changes(after: 0, count: 100).last?.sequence)
            for delivered in 1...3 { try await note(ours, through: taken, Int64(delivered)) }
            try await engine.put(.noteReplay(ours, 1))
            for delivered in 1...2 { try await note(ours, through: taken, 3 + Int64(delivered)) }
            try await note(theirs, through: 1, 1)
            // Lines stand in the table once they are projected, which those that are old are.
            try await engine.flush()
            let ends = clock.now
            clock.advance(bySeconds: 8 * Self.day)
            let old = LogRetention(
                accessBefore: ends.advanced(byMilliseconds: 1), deliveriesBefore: ends)
            #expect(try await engine.forgetLines(old) == 0)
            let retention = LogRetention(deliveriesBefore: clock.now)
            // Four of five words, and the wish that the last one has dealt with.
            #expect(try await engine.forgetLines(retention) == 5)
            #expect(try await engine.forgetLines(retention) == 0)
            let left = try await kinds(engine)
            #expect(left[WebhookProgress.kind] == 2 && left["webhookReplay"] == 1)
            #expect(left["firedAlert"] == 1)
            let last = try await engine.lastChange(ofKind: WebhookProgress.kind, key: "ours")
            guard case .noteProgress(let progress)? = last?.change else {
                Issue.record("expected the last word")
                return
            }
            #expect(progress.delivered == 5 && progress.failed.count == 1)
            #expect(progress.waiting.map(\.sequence) == [2])
            try await engine.expectClean()
        }
    }

    @Test func `other nodes go on while lines leave`() async throws {
        let postgres = PostgresOptions(url: try PostgresServer.shared().makeDatabase())
        let clock = ManualClock()
        func node() throws -> MeterstoneEngine {
            MeterstoneEngine(
                store: try PostgresStore(postgres, options: StoreUnderTest.options()),
                clock: { clock.now })
        }
        let (one, other) = (try node(), try node())
        try await one.setUp(limits: [.daily(1_000)])
        for _ in 0..<1_500 { try await one.put(Self.note) }
        clock.advance(bySeconds: 40 * Self.day)
        let month = clock.now.advanced(byMilliseconds: -30 * 1_000 * Self.day)
        async let forgotten = one.forgetLines(LogRetention(accessBefore: month))
        for _ in 0..<150 {
            try await other.put(Self.note)
            try await other.count(.of(.ada))
        }
        #expect(try await forgotten == 1_500)
        #expect(try await kinds(other)["signIn"] == 150)
        #expect(try await other.used(.ada) == ["prompts_daily": 150])
        try await other.expectClean()
        for engine in [one, other] { await engine.shutdown() }
    }
}
