import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What reports keep while they read: not every event, and no more than there is memory for.
@Suite struct ReportFoldTests {
    private static let peak = Meter(
        key: MeterKey(unchecked: "peak"), aggregation: .max, quantityName: .prompts)
    private static let level = Meter(
        key: MeterKey(unchecked: "level"), aggregation: .latest, quantityName: .prompts)
    private static let files = Meter(
        key: MeterKey(unchecked: "files"), aggregation: .uniqueCount, eventTypes: ["edit"],
        uniqueDimension: "file")
    private static let meters = [Meter(key: .prompts), peak, level, files]

    private static func edit(
        _ subject: SubjectID, _ units: Int64, _ id: String, at time: String, file: String
    ) -> UsageEvent {
        .of(
            subject, [.prompts: units], id: id, at: "2026-03-10T\(time)Z", type: "edit",
            dimensions: ["file": file])
    }

    private func top(
        _ meter: Meter, _ engine: MeterstoneEngine
    ) async throws -> [String: Int64] {
        let outcome = try await engine.topSubjects(
            of: meter.key, ReportQuestion(from: .earliest, until: .latest))
        guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
        return Dictionary(
            uniqueKeysWithValues: report.rows.map { ($0.subject.text, $0.quantity) })
    }

    private func all(
        _ engine: MeterstoneEngine, _ meters: [Meter] = [files, level, peak]
    ) async throws -> [Int64] {
        let outcome = try await engine.trends(
            of: meters.map(\.key), per: .year,
            ReportQuestion(
                from: .at("2026-01-01T00:00:00Z"), until: .at("2027-01-01T00:00:00Z")))
        guard case .report(let report) = outcome else { throw UnexpectedOutcome() }
        return report.rows.map(\.quantity)
    }

    @Test(arguments: StoreUnderTest.allCases, [false, true])
    func `what was taken back gives way to what is left`(
        store: StoreUnderTest, projects: Bool
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(meters: Self.meters)
            clock.set(.at("2026-03-10T20:00:00Z"))
            func settle() async throws { if projects { try await engine.flush() } }
            try await engine.count(
                Self.edit(.ada, 9, "a", at: "10:00:00", file: "x"),
                Self.edit(.ada, 7, "b", at: "11:00:00", file: "y"),
                Self.edit(.ada, 7, "c", at: "09:00:00", file: "y"),
                Self.edit(.bob, 8, "d", at: "12:00:00", file: "x"))
            try await settle()
            #expect(try await top(Self.peak, engine) == ["ada": 9, "bob": 8])
            #expect(try await top(Self.level, engine) == ["ada": 7, "bob": 8])
            #expect(try await top(Self.files, engine) == ["ada": 2, "bob": 1])
            #expect(try await all(engine) == [2, 15, 9])
            _ = try await engine.void("a")
            try await settle()
            #expect(try await top(Self.peak, engine) == ["ada": 7, "bob": 8])
            #expect(try await top(Self.files, engine) == ["ada": 1, "bob": 1])
            #expect(try await all(engine) == [2, 15, 8])
            _ = try await engine.amend("b", [.prompts: 3])
            try await settle()
            // The other 7 is still there.
            #expect(try await top(Self.peak, engine) == ["ada": 7, "bob": 8])
            #expect(try await top(Self.level, engine) == ["ada": 3, "bob": 8])
            _ = try await engine.void("d")
            _ = try await engine.void("c")
            try await settle()
            #expect(try await top(Self.peak, engine) == ["ada": 3])
            #expect(try await top(Self.level, engine) == ["ada": 3])
            #expect(try await top(Self.files, engine) == ["ada": 1])
            #expect(try await all(engine) == [1, 3, 3])
            _ = try await engine.void("b")
            #expect(try await top(Self.peak, engine) == [:])
            #expect(try await all(engine) == [0, 0, 0])
        }
    }

    private static func isOverloaded(_ work: () async throws -> Void) async throws -> Bool {
        do {
            try await work()
            return false
        } catch let error as StoreError {
            guard error.code == .overloaded else { throw error }
            return true
        }
    }

    @Test func `a report of few subjects takes little, however many events they have`() async throws
    {
        let budget = MemoryBudget(bytes: 70_000)
        let clock = ManualClock(.at("2026-03-11T00:00:00Z"))
        let engine = MeterstoneEngine(
            store: MemoryStore(options: StoreUnderTest.options()), clock: { clock.now },
            memory: budget)
        try await engine.setUp(meters: Self.meters)
        for batch in 0..<10 {
            _ = try await engine.record(
                (0..<1_000).map { number in
                    let number = batch * 1_000 + number
                    return UsageEvent(
                        subject: number % 2 == 0 ? .ada : .bob,
                        occurredAt: clock.now.advanced(byMilliseconds: -Int64(number) - 1),
                        quantities: .one(.prompts, Quantity(Int64(number))))
                })
        }
        #expect(try await top(Self.peak, engine) == ["ada": 9_998, "bob": 9_999])
        #expect(try await top(Self.level, engine) == ["ada": 0, "bob": 1])
        #expect(budget.take(70_000))
        await engine.shutdown()
    }

    @Test func `reports share the memory that there is for them`() async throws {
        let budget = MemoryBudget(bytes: 4_000_000)
        let engine = MeterstoneEngine(
            store: MemoryStore(options: StoreUnderTest.options()),
            clock: { .at("2026-03-11T00:00:00Z") }, memory: budget)
        try await engine.setUp(meters: Self.meters)
        _ = try await engine.record(
            (0..<3_000).map { number in
                .of(
                    SubjectID(unchecked: "user\(number)"), [.prompts: 1],
                    at: "2026-03-10T10:00:00Z", type: "edit", dimensions: ["file": "f"])
            })
        for _ in 0..<20 {
            #expect(try await top(Self.peak, engine).count == 100)
        }
        // As if other questions had nearly all of it.
        #expect(budget.take(3_900_000))
        for meter in Self.meters {
            #expect(
                try await Self.isOverloaded { _ = try await top(meter, engine) }, "\(meter.key)")
        }
        // Who was there takes less, and for that there is room.
        #expect(try await all(engine, [Self.files]) == [1])
        budget.giveBack(3_900_000)
        for meter in Self.meters {
            #expect(try await !Self.isOverloaded { _ = try await top(meter, engine) })
        }
        #expect(budget.take(4_000_000))
        #expect(try await Self.isOverloaded { _ = try await all(engine) })
        await engine.shutdown()
    }
}
