import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise: a number asked for after an answer includes it, and whoever asks waits for no commit.
@Suite struct ReadsBesideCommitsTests {
    @Test(.timeLimit(.minutes(2)))
    func `reads are answered while a commit is held`() async throws {
        for isOnDisk in [false, true] {
            let folder = TemporaryFolder()
            let options = StoreUnderTest.options()
            let held = HeldStore(
                isOnDisk
                    ? try SQLiteStore(directory: folder.path, options: options)
                    : MemoryStore(options: options), isLeftOpen: true)
            let clock = ManualClock()
            let engine = MeterstoneEngine(store: held, clock: { clock.now })
            try await engine.setUp(limits: [.daily(10)])
            try await engine.count(.of(.ada, [.prompts: 3], id: "e1"))
            let reserved = try await engine.reserve(.ada, 2, id: "r1")
            held.holdNextCommit()
            let last = Task { try await engine.count(.of(.ada, [.prompts: 4])) }
            await held.waitForHeldCommit()
            #expect(try await engine.used(.ada) == ["prompts_daily": 5])
            #expect(try await engine.wallet(of: .ada).balance == 0)
            #expect(try await engine.reservation(.text("r1")) == reserved)
            #expect(try await engine.openReservations(of: .ada) == [reserved])
            let other = UsageEvent.of(.ada, [.prompts: 4], id: "e1")
            #expect(try await engine.differences(of: other) == ["quantities.prompts"])
            #expect(try await engine.quantities(of: .ada, per: .day).last == 5)
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == [5])
            #expect(try await engine.events(of: .ada).events.count == 2)
            #expect(try await engine.ledger(of: .ada).entries.isEmpty)
            #expect(try await engine.subjects(after: nil, count: 9).map(\.id) == [.ada])
            #expect(try await engine.subject(.ada)?.id == .ada)
            #expect(try await engine.changes(count: 9).map(\.kind) == ["limit", "meter"])
            #expect(try await engine.statistics(of: .ada)?.totals.map(\.quantity) == [5])
            #expect(try await engine.lifetime(of: .ada)?.meters.map(\.lifetime) == [5])
            #expect(try await engine.blueprint().meters.map(\.key) == [.prompts])
            let top = try await engine.topSubjects(of: .prompts, ReportQuestion())
            guard case .report(let report) = top else { throw UnexpectedOutcome() }
            #expect(report.rows.map(\.quantity) == [5])
            let question = WhatIfQuestion(allLimits: true)
            guard case .answered(let answer) = try await engine.whatIf(question) else {
                Issue.record("expected an answer")
                return
            }
            #expect(answer.refused == 0)
            held.releaseCommit()
            try await last.value
            #expect(try await engine.quantities(of: .ada, per: .day).last == 9)
            #expect(try await engine.used(.ada) == ["prompts_daily": 9])
            await engine.shutdown()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `long reads have places of their own`() async throws {
        let folder = TemporaryFolder()
        let held = HeldStore(
            try SQLiteStore(directory: folder.path, options: StoreUnderTest.options()),
            isLeftOpen: true)
        let engine = MeterstoneEngine(store: held)
        try await engine.setUp()
        try await engine.count(.of(.ada, [.prompts: 3]))
        held.holdReads()
        let reports = (0..<6).map { _ in
            Task { try await engine.topSubjects(of: .prompts, ReportQuestion()) }
        }
        while held.heldReads < held.readPlaces.long { await Task.yield() }
        for _ in 0..<20 {
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == [3])
        }
        #expect(held.heldReads == 2)
        held.releaseReads(2)
        for report in reports {
            guard case .report(let report) = try await report.value else {
                Issue.record("there is no report")
                return
            }
            #expect(report.rows.map(\.quantity) == [3])
        }
        await engine.shutdown()
    }

    /// How far what happened first is projected, and then what happened to it.
    @Test(arguments: [0, 4, nil] as [Int?], [0, 4, nil] as [Int?])
    func `what was taken back or moved is so at once`(first: Int?, then: Int?) async throws {
        let folder = TemporaryFolder()
        let options = StoreUnderTest.options()
        let held = HeldStore(
            try SQLiteStore(directory: folder.path, options: options), isLeftOpen: true)
        let clock = ManualClock(.at("2026-03-10T20:30:00Z"))
        let engine = MeterstoneEngine(store: held, clock: { clock.now })
        let peak = Meter(
            key: MeterKey(unchecked: "peak"), aggregation: .max, quantityName: .prompts)
        try await engine.setUp(meters: [Meter(key: .prompts), peak])
        try await engine.put(.putSubject(Subject(id: .ada, parent: .team)))
        try await engine.count(
            .of(.ada, [.prompts: 3], id: "one"), .of(.ada, [.prompts: 5], id: "two"),
            .of(.ada, [.prompts: 9], id: "three", at: "2026-03-10T17:00:00Z"),
            .of(.team, [.prompts: 1]))
        held.allow(steps: first)
        try await engine.flush()
        held.allow(steps: 0)
        _ = try await engine.void("three")
        _ = try await engine.amend("two", [.prompts: 6])
        held.allow(steps: then)
        try await engine.flush()
        held.allow(steps: 0)
        #expect(try await engine.quantities(of: .ada, per: .day).last == 9)
        #expect(try await engine.quantities(of: .ada, peak.key, per: .day).last == 6)
        #expect(try await engine.quantities(of: .ada, per: .lifetime) == [9])
        #expect(try await engine.quantities(of: .team, per: .day).last == 10)
        #expect(try await engine.quantities(of: .team, peak.key, per: .lifetime) == [6])
        #expect(try await engine.events(of: .team).events.map(\.corrections.count) == [0, 1, 0, 1])
        // What comes ahead of its time falls on the 12th in Kathmandu, which takes over at midnight in UTC.
        try await engine.count(.of(.ada, [.prompts: 20], at: "2026-03-11T18:20:00Z"))
        try await engine.put(.putSubject(Subject(id: .ada, timeZone: "Asia/Kathmandu")))
        let days = try await engine.quantities(
            of: .ada, per: .day, from: "2026-03-10T00:00:00Z", until: "2026-03-12T18:15:00Z")
        #expect(days == [9, 0, 20])
        let team = try await engine.quantities(
            of: .team, per: .day, from: "2026-03-10T00:00:00Z", until: "2026-03-12T00:00:00Z")
        #expect(team == [10, 20])
        held.allow(steps: nil)
        try await engine.expectClean()
        await engine.shutdown()
    }
}
