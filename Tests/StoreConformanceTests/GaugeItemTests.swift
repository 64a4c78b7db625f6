import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

extension MeterKey {
    fileprivate static let seats = MeterKey(unchecked: "seats")
}

/// A gauge of items goes up and down by item.
@Suite struct GaugeItemTests {
    private static let seats = Meter(
        key: .seats, aggregation: .gauge, eventTypes: ["seat"], uniqueDimension: "person")
    private static let limit = Limit.limit("seats", 2, of: .seats, per: .month)

    private static func seat(
        _ person: String, _ operation: String? = nil, of subject: SubjectID = .company,
        id: String? = nil, at instant: String? = nil
    ) -> UsageEvent {
        var dimensions = ["person": person]
        dimensions["operation"] = operation
        return .of(subject, [:], id: id, at: instant, type: "seat", dimensions: dimensions)
    }

    /// Who holds what: "ann 1".
    private static func held(
        _ engine: MeterstoneEngine, of subject: SubjectID = .company, meter: MeterKey = .seats
    ) async throws -> [String] {
        guard case .page(let page) = try await engine.heldItems(of: subject, meter: meter)
        else { throw UnexpectedOutcome() }
        return page.items.map { item in
            let teller = item.subject == subject ? "" : " by \(item.subject)"
            return "\(item.item ?? "-") \(item.quantity.units)\(teller)"
        }
    }

    /// What is asked one after the other, what is answered, and who has a seat then.
    static let steps: [(event: UsageEvent, answer: String, held: [String])] = [
        (seat("ann", "add"), "allowed", ["ann 1"]),
        (seat("ben"), "allowed", ["ann 1", "ben 1"]),
        // Who has a seat has one however often it is said, also where none is left.
        (seat("ann", "add"), "allowed", ["ann 1", "ben 1"]),
        (seat("cy", "add"), "denied", ["ann 1", "ben 1"]),
        (seat("dan", "remove"), "allowed", ["ann 1", "ben 1"]),
        (seat("ann", "remove"), "allowed", ["ben 1"]),
        (seat("ann", "remove"), "allowed", ["ben 1"]),
        // What is said late of the time before does not bring her back.
        (seat("ann", "add", at: "2026-03-10T11:00:00Z"), "allowed", ["ben 1"]),
        (seat("cy", "add", id: "cy"), "allowed", ["ben 1", "cy 1"]),
        (seat("ann", "add"), "denied", ["ben 1", "cy 1"]),
        (seat("ann", "lend"), "nothing_to_count", ["ben 1", "cy 1"]),
        (.of(.company, [:], type: "seat"), "nothing_to_count", ["ben 1", "cy 1"]),
        // Two for one of them are two.
        (
            .of(.company, [.seats: 2], type: "seat", dimensions: ["person": "ben"]), "denied",
            ["ben 1", "cy 1"]
        ),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `a limit bounds how many items are held`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(meters: [Self.seats], limits: [Self.limit])
            for (number, step) in Self.steps.enumerated() {
                session.clock.advance(bySeconds: 1)
                if number % 4 == 3 { try await session.reopen() }
                let answer = try await session.engine.consume(step.event).code
                #expect(answer == step.answer, "step \(number)")
                #expect(try await Self.held(session.engine) == step.held, "step \(number)")
                #expect(
                    try await session.engine.used(.company) == ["seats": Int64(step.held.count)],
                    "step \(number)")
            }
            // Taken back, it is as if it had not been said.
            #expect(try await session.engine.void("cy").code == "corrected")
            #expect(try await Self.held(session.engine) == ["ben 1"])
            session.clock.set(.at("2026-04-10T12:00:00Z"))
            try await session.reopen()
            #expect(try await Self.held(session.engine) == ["ben 1"])
            try await session.engine.expectClean()
            #expect(try await session.engine.rebuild() >= 0)
            #expect(try await Self.held(session.engine) == ["ben 1"])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `of many who ask at once as many get a seat as there are`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: [Self.seats], limits: [Self.limit])
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await engine.consume(Self.seat("p\(number)")).code == "allowed"
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 2)
            #expect(try await Self.held(engine).count == 2)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `members hold items of their own, and a team all of them`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                meters: [Self.seats, Meter(key: .prompts, aggregation: .gauge)],
                limits: [.limit("seats", 3, of: .seats, per: .lifetime)])
            for id in [SubjectID.ada, .bob] {
                try await session.engine.put(.putSubject(Subject(id: id, parent: .team)))
            }
            func consume(_ event: UsageEvent) async throws -> String {
                try await session.engine.consume(event).code
            }
            #expect(try await consume(Self.seat("x", of: .bob)) == "allowed")
            #expect(try await consume(Self.seat("x", of: .ada)) == "allowed")
            #expect(try await consume(Self.seat("y", of: .team)) == "allowed")
            #expect(try await consume(Self.seat("z", of: .ada)) == "denied")
            #expect(
                try await Self.held(session.engine, of: .team)
                    == ["x 1 by ada", "x 1 by bob", "y 1"])
            #expect(try await consume(Self.seat("x", "remove", of: .bob)) == "allowed")
            try await session.reopen()
            #expect(try await Self.held(session.engine, of: .team) == ["x 1 by ada", "y 1"])
            #expect(try await Self.held(session.engine, of: .bob) == [])
            // Without items the list says who has how much.
            try await session.engine.count(.of(.ada, [.prompts: 4]), .of(.team, [.prompts: 2]))
            #expect(
                try await Self.held(session.engine, of: .team, meter: .prompts)
                    == ["- 2", "- 4 by ada"])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a long list comes in pages`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: [Self.seats, Meter(key: .prompts)])
            for number in 10..<35 { try await engine.count(Self.seat("p\(number)")) }
            var items: [String] = []
            var position: HeldItem.Position?
            var pages = 0
            repeat {
                let outcome = try await engine.heldItems(
                    of: .company, meter: .seats, after: position, count: 10)
                guard case .page(let page) = outcome else { throw UnexpectedOutcome() }
                items += page.items.compactMap(\.item)
                position = page.next
                pages += 1
            } while position != nil
            #expect(items == (10..<35).map { "p\($0)" } && pages == 3)
            for meter in [MeterKey.prompts, .exports] {
                guard
                    case .rejected(let rejection) = try await engine.heldItems(
                        of: .company, meter: meter)
                else {
                    Issue.record("expected a rejection")
                    continue
                }
                #expect(rejection.field == "meter")
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a meter that is younger than its items knows them`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp()
            for person in ["ann", "ben", "ben"] {
                try await session.engine.count(
                    .of(
                        .company, [.prompts: 1], type: "seat", dimensions: ["person": person]))
            }
            try await session.engine.put(.putMeter(Self.seats))
            try await session.engine.put(.putLimit(Self.limit))
            #expect(try await Self.held(session.engine) == ["ann 1", "ben 1"])
            try await session.reopen()
            #expect(try await session.engine.consume(Self.seat("cy")).code == "denied")
            #expect(try await Self.held(session.engine) == ["ann 1", "ben 1"])
            try await session.engine.expectClean()
        }
    }
}
