import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A copy moves a deployment with all its numbers, and goes on where it was.
@Suite struct CopyTests {
    /// Every way from a store to one with tables.
    private static let ways: [(StoreUnderTest, StoreUnderTest)] =
        StoreUnderTest.allCases.flatMap { from in
            [StoreUnderTest.sqlite, .postgres].map { (from, $0) }
        }

    @Test(arguments: ways)
    func `everything is equal and recording goes on`(
        from: StoreUnderTest, to: StoreUnderTest
    ) async throws {
        let (source, target) = (try CopiedPlace(from), try CopiedPlace(to))
        let before = try await source.withEngine { engine, clock in
            try await CopiedHistory.record(in: engine, clock)
            return try await CopiedHistory.numbers(of: engine)
        }
        let report = try StoreCopy.run(from: try source.store(), to: try target.store())
        #expect(report.differences == [])
        #expect(report.subjects == 7)
        #expect(report.events == 42)
        #expect(report.counters > 80)
        try source.close()
        try await target.withEngine { engine, clock in
            clock.set(CopiedHistory.end)
            #expect(try await CopiedHistory.numbers(of: engine) == before)
            try await engine.expectClean()
            try await goOn(engine)
        }
        // The numbers that were given out before and after the copy do not meet.
        try await target.withEngine { engine, _ in try await engine.expectClean() }
        try target.close()
    }

    private func goOn(_ engine: MeterstoneEngine) async throws {
        let repeats = [CopiedHistory.text, CopiedHistory.uuid, CopiedHistory.ofAda]
        let codes = try await engine.record(repeats).map(\.code)
        #expect(codes == ["duplicate", "duplicate", "duplicate"])
        let others = try await engine.record([.of(.ada, [.prompts: 99], id: "e-1", source: "web")])
        #expect(others.map(\.code) == ["conflict"])
        // The limit of those above her is the one that is reached first.
        let used = try await engine.used(.ada).filter { $0.key.hasPrefix("prompts_daily") }.values
        let left = 10 - (used.max() ?? 0)
        #expect(left > 0 && left < 6)
        #expect(try await engine.decide("ada", Quantity(left)).isAllowed)
        #expect(try await !engine.decide("ada", 1).isAllowed)
        #expect(try await engine.put(CopiedHistory.keyed, key: "key-1").code == "created")
        let other = Change.putSubject(Subject(id: SubjectID(unchecked: "cid"), name: "Other"))
        #expect(try await engine.put(other, key: "key-1").code == "idempotency_conflict")
        let lifetime = try await engine.quantities(of: .bob, per: .lifetime)
        #expect(try await engine.void("e-1", source: "web").code == "corrected")
        #expect(try await engine.quantities(of: .bob, per: .lifetime) == lifetime.map { $0 - 3 })
        let changes = try await engine.changes(before: nil, count: 1).map(\.sequence)
        try await engine.put(.putSubject(Subject(id: SubjectID(unchecked: "new"), parent: .team)))
        try await engine.count(.of(SubjectID(unchecked: "zoe"), [.prompts: 2]))
        try await engine.count(.of(SubjectID(unchecked: "new"), [.prompts: 2]))
        #expect(
            try await engine.quantities(of: SubjectID(unchecked: "zoe"), per: .lifetime) == [2])
        let newest = try await engine.changes(before: nil, count: 1).map(\.sequence)
        #expect(newest[0] > changes[0])
        try await engine.put(.putLimit(.limit("later", 5, per: .month)))
        try await engine.expectClean()
    }

    @Test func `a copy of a copy of a copy is the first again`() async throws {
        let places = try [.sqlite, .postgres, .sqlite, .postgres, .postgres].map {
            try CopiedPlace($0)
        }
        try await places[0].withEngine { try await CopiedHistory.record(in: $0, $1) }
        for (from, to) in zip(places, places.dropFirst()) {
            let report = try StoreCopy.run(from: try from.store(), to: try to.store())
            #expect(report.differences == [])
            // What comes in between is copied, too.
            try await to.withEngine { engine, _ in
                try await engine.count(.of(.ada, [.prompts: 1]), .of(SubjectID(unchecked: "x")))
            }
        }
        let report = try StoreCopy.compare(try places[0].store(), try places[4].store())
        #expect(!report.isEqual)
        for place in places {
            #expect(try place.store().verify().differences == [])
            try place.close()
        }
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `a store with records is not filled`(kind: StoreUnderTest) async throws {
        let (source, target) = (try CopiedPlace(.sqlite), try CopiedPlace(kind))
        try await source.withEngine { try await CopiedHistory.record(in: $0, $1) }
        let before = try await target.withEngine { engine, _ in
            try await engine.put(.putMeter(Meter(key: .prompts)))
            try await engine.count(.of(.ada))
            return try await engine.quantities(of: .ada, per: .lifetime)
        }
        let (full, other) = (try source.store(), try target.store())
        #expect(try !StoreCopy.isEmpty(other))
        #expect(throws: StoreError.self) { try StoreCopy.run(from: full, to: other) }
        try await target.withEngine { engine, _ in
            #expect(try await engine.quantities(of: .ada, per: .lifetime) == before)
            #expect(try await engine.blueprint().meters.count == 1)
            try await engine.expectClean()
        }
        try source.close()
        try target.close()
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres], 0..<6)
    func `a copy that fails half way leaves nothing behind`(
        kind: StoreUnderTest, parts: Int
    ) async throws {
        let (source, target) = (try CopiedPlace(.sqlite), try CopiedPlace(kind))
        try await source.withEngine { try await CopiedHistory.record(in: $0, $1) }
        let (full, empty) = (try source.store(), try target.store())
        var count = 0
        #expect(throws: StoreError.self) {
            try empty.fill { (take) throws(StoreError) in
                try full.export { (part) throws(StoreError) in
                    guard count < parts else {
                        throw StoreError(code: .inputOutput, message: "out of paper")
                    }
                    count += 1
                    try take(part)
                }
                throw StoreError(code: .inputOutput, message: "out of paper")
            }
        }
        #expect(try StoreCopy.isEmpty(empty))
        #expect(try empty.verify().counters == 0)
        try target.close()
        #expect(try StoreCopy.run(from: full, to: try target.store()).isEqual)
        try source.close()
        try target.close()
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `counters of another calendar are not copied`(kind: StoreUnderTest) async throws {
        let source = try CopiedPlace(.sqlite)
        try await source.withEngine { try await CopiedHistory.record(in: $0, $1) }
        let target = try CopiedPlace(
            kind, StoreUnderTest.options { $0.defaultTimeZone = "Asia/Kathmandu" })
        let (full, empty) = (try source.store(), try target.store())
        let error = #expect(throws: StoreError.self) { try StoreCopy.run(from: full, to: empty) }
        #expect(error?.code == .halted)
        #expect(error?.message.contains("'UTC'") == true)
        #expect(try StoreCopy.isEmpty(empty))
        try source.close()
        try target.close()
    }

    @Test func `a node that waited for the copy goes on with it`() async throws {
        let (source, target) = (try CopiedPlace(.sqlite), try CopiedPlace(.postgres))
        try await source.withEngine { try await CopiedHistory.record(in: $0, $1) }
        let clock = ManualClock(CopiedHistory.end)
        let engine = MeterstoneEngine(store: try target.another(), clock: { clock.now })
        #expect(try await engine.blueprint().meters.isEmpty)
        #expect(try await engine.consume(.of(.bob)).code == "unknown_meter")
        #expect(try StoreCopy.run(from: try source.store(), to: try target.store()).isEqual)
        #expect(try await engine.blueprint().meters.count == CopiedHistory.meters.count)
        #expect(try await engine.record([CopiedHistory.text]).map(\.code) == ["duplicate"])
        #expect(try await engine.decide("bob", 1).isAllowed)
        try await engine.expectClean()
        await engine.shutdown()
        try source.close()
        try target.close()
    }

    @Test func `an empty store is copied`() throws {
        let (source, target) = (try CopiedPlace(.sqlite), try CopiedPlace(.postgres))
        let report = try StoreCopy.run(from: try source.store(), to: try target.store())
        #expect(report.isEqual && report.subjects == 0 && report.counters == 0)
        try source.close()
        try target.close()
    }

    @Test func `what is recorded after the copy is told as a difference`() async throws {
        let (source, target) = (try CopiedPlace(.postgres), try CopiedPlace(.sqlite))
        try await source.withEngine { try await CopiedHistory.record(in: $0, $1) }
        #expect(try StoreCopy.run(from: try source.store(), to: try target.store()).isEqual)
        try await source.withEngine { engine, _ in
            try await engine.count(.of(.bob, [.prompts: 5]), .of(SubjectID(unchecked: "zoe")))
            try await engine.put(.putPlan(Plan(key: .big)))
        }
        let report = try StoreCopy.compare(try source.store(), try target.store())
        let told = report.differences.map(\.what)
        #expect(told.contains("plans"))
        #expect(told.contains("number of events"))
        #expect(told.contains("subject zoe"))
        #expect(told.contains { $0.hasPrefix("prompts per day from") && $0.hasSuffix(" of bob") })
        try source.close()
        try target.close()
    }
}
