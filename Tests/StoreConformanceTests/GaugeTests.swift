import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

extension MeterKey {
    fileprivate static let seats = MeterKey(unchecked: "seats")
    fileprivate static let storage = MeterKey(unchecked: "storage")
    fileprivate static let stored = MeterKey(unchecked: "stored")
}

/// What a gauge shows stays until there is another reading.
@Suite struct GaugeTests {
    private static let seats = Meter(key: .seats, aggregation: .gauge)

    /// Windows per month, and then days around the 5th of March, as somebody asks on a day.
    static let shown: [(on: String, months: [Int64], days: [Int64])] = [
        ("2026-03-05T08:00:00Z", [0, 0, 0], [0, 0, 0, 0]),
        ("2026-03-05T09:00:00Z", [0, 5, 0], [0, 5, 0, 0]),
        ("2026-03-06T00:00:00Z", [0, 5, 0], [0, 5, 5, 0]),
        ("2026-03-31T23:59:59Z", [0, 5, 0], [0, 5, 5, 5]),
        ("2026-04-01T00:00:00Z", [0, 5, 5], [0, 5, 5, 5]),
        ("2026-04-02T12:00:00Z", [0, 5, 4], [0, 5, 5, 5]),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `five seats in March are five in April`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-05T08:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                meters: [Self.seats],
                limits: [
                    .limit("day", 8, of: .seats, per: .day),
                    .limit("month", 10, of: .seats, per: .month, mode: .soft),
                ])
            try await session.engine.count(.of(.ada, [.seats: 1], id: "early"))
            #expect(try await session.engine.void("early").code == "corrected")
            for (on, months, days) in Self.shown {
                session.clock.set(.at(on))
                if on == "2026-03-05T09:00:00Z" {
                    #expect(
                        try await session.engine.consume(.of(.ada, [.seats: 5])).code == "allowed")
                }
                if on == "2026-04-02T12:00:00Z" {
                    try await session.reopen()
                    #expect(try await session.engine.used(.ada) == ["day": 5, "month": 5])
                    let refused = try await session.engine.decide(.of(.ada, [.seats: 9]))
                    #expect(!refused.isAllowed && refused.denial?.retryAt == nil)
                    #expect(
                        try await session.engine.consume(.of(.ada, [.seats: 4])).code == "allowed")
                }
                #expect(
                    try await session.engine.quantities(
                        of: .ada, .seats, per: .month, from: "2026-02-01T00:00:00Z",
                        until: "2026-05-01T00:00:00Z") == months, "\(on)")
                #expect(
                    try await session.engine.quantities(
                        of: .ada, .seats, per: .day, from: "2026-03-04T00:00:00Z",
                        until: "2026-03-08T00:00:00Z") == days, "\(on)")
            }
            #expect(try await session.engine.used(.ada) == ["day": 4, "month": 4])
            // It does not begin anew when a window turns.
            #expect(try await session.engine.limits(of: .ada).map(\.resetsAt) == [nil, nil])
            #expect(
                try await session.engine.quantities(of: .ada, .seats, per: .lifetime) == [4])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a late reading and a correction change what was shown from their time on`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-05-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                meters: [Self.seats], limits: [.limit("month", 10, of: .seats, per: .month)])
            func months() async throws -> [Int64] {
                try await session.engine.quantities(
                    of: .ada, .seats, per: .month, from: "2026-01-01T00:00:00Z",
                    until: "2026-06-01T00:00:00Z")
            }
            try await session.engine.count(
                .of(.ada, [.seats: 3], id: "may", at: "2026-05-01T00:00:00Z"),
                .of(.ada, [.seats: 5], id: "march", at: "2026-03-05T00:00:00Z"))
            #expect(try await months() == [0, 0, 5, 5, 3])
            // Twelve are more than ten, and are of the past: they are not shown now.
            #expect(
                try await session.engine.consume(
                    .of(.ada, [.seats: 12], id: "late", at: "2026-02-01T00:00:00Z")
                ).code == "allowed")
            #expect(try await months() == [0, 12, 5, 5, 3])
            #expect(try await session.engine.void("march").code == "corrected")
            #expect(try await months() == [0, 12, 12, 12, 3])
            try await session.reopen()
            #expect(try await session.engine.void("may").code == "corrected")
            #expect(try await months() == [0, 12, 12, 12, 12])
            #expect(try await session.engine.used(.ada) == ["month": 12])
            // Above its allowance, a gauge may go down, and not up.
            #expect(try await session.engine.consume(.of(.ada, [.seats: 13])).code == "denied")
            #expect(try await session.engine.consume(.of(.ada, [.seats: 11])).code == "allowed")
            #expect(try await session.engine.amend("late", [.seats: 2]).code == "corrected")
            #expect(try await months() == [0, 2, 2, 2, 11])
            try await session.engine.expectClean()
            #expect(try await session.engine.rebuild() >= 0)
            #expect(try await session.engine.used(.ada) == ["month": 11])
            #expect(try await months() == [0, 2, 2, 2, 11])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a team has what its members have together`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-10T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                meters: [Self.seats],
                limits: [.limit("ever", 8, of: .seats, per: .month)])
            try await session.engine.put(.putSubject(Subject(id: .team, parent: .company)))
            for id in [SubjectID.ada, .bob] {
                try await session.engine.put(.putSubject(Subject(id: id, parent: .team)))
            }
            func consume(_ id: SubjectID, _ units: Int64) async throws -> String {
                try await session.engine.consume(.of(id, [.seats: units])).code
            }
            #expect(try await consume(.ada, 3) == "allowed")
            #expect(try await consume(.bob, 4) == "allowed")
            #expect(
                try await session.engine.used(.ada)
                    == ["ever": 3, "ever@team": 7, "ever@company": 7])
            #expect(try await consume(.ada, 5) == "denied")
            #expect(try await consume(.ada, 4) == "allowed")
            #expect(try await consume(.bob, 5) == "denied")
            #expect(try await consume(.bob, 0) == "allowed")
            session.clock.set(.at("2026-04-10T12:00:00Z"))
            try await session.reopen()
            // The team's own reading is one more.
            #expect(try await consume(.team, 2) == "allowed")
            #expect(try await consume(.ada, 7) == "denied")
            #expect(try await consume(.ada, 6) == "allowed")
            #expect(try await session.engine.used(.company) == ["ever": 8])
            #expect(
                try await session.engine.quantities(
                    of: .company, .seats, per: .month, from: "2026-02-01T00:00:00Z",
                    until: "2026-05-01T00:00:00Z") == [0, 4, 8])
            try await session.engine.expectClean()
            #expect(try await session.engine.rebuild() >= 0)
            #expect(try await session.engine.used(.team) == ["ever": 8, "ever@company": 8])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a member that nobody has seen adds to what its team itself has`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Self.seats], limits: [.limit("ever", 8, of: .seats, per: .lifetime)])
            try await engine.count(.of(.team, [.seats: 5]))
            let event = UsageEvent(
                subject: .ada, quantities: .one(.seats, 4),
                details: EventDetails(levels: [.team]))
            #expect(try await engine.consume(event).code == "denied")
            #expect(try await engine.used(.team) == ["ever": 5])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a reading of the future is not there until its time`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-31T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(
                meters: [Self.seats],
                limits: [
                    .limit("day", 10, of: .seats, per: .day, mode: .soft),
                    .limit("month", 20, of: .seats, per: .month),
                ])
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            try await session.engine.put(.putSubject(Subject(id: .bob, parent: .team)))
            try await session.engine.count(
                .of(.ada, [.seats: 2]), .of(.bob, [.seats: 3]),
                .of(.ada, [.seats: 15], at: "2026-04-01T09:00:00Z"))
            for (on, ada, team) in [
                ("2026-03-31T12:00:00Z", 2, 5), ("2026-04-01T08:59:59Z", 2, 5),
                ("2026-04-01T09:00:00Z", 15, 18),
            ] as [(String, Int64, Int64)] {
                session.clock.set(.at(on))
                try await session.reopen()
                #expect(
                    try await session.engine.used(.ada)
                        == ["day": ada, "month": ada, "day@team": team, "month@team": team],
                    "\(on)")
                for (id, shown) in [(SubjectID.ada, ada), (.team, team)] {
                    #expect(
                        try await session.engine.quantities(of: id, .seats, per: .lifetime)
                            == [shown])
                    #expect(
                        try await session.engine.quantities(
                            of: id, .seats, per: .month, from: on, until: "2026-05-01T00:00:00Z"
                        ).max() == shown)
                }
            }
            // From then on it counts in decisions, too: 15 and 6 are more than 20.
            #expect(try await session.engine.consume(.of(.bob, [.seats: 6])).code == "denied")
            #expect(try await session.engine.consume(.of(.bob, [.seats: 5])).code == "allowed")
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `gauges are no sums`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [
                    Self.seats,
                    Meter(key: .stored, aggregation: .integral, quantityName: .storage),
                ])
            for window in [Window.rolling(seconds: 60), .request, .concurrent] {
                let code = try await engine.put(
                    .putLimit(.limit("limit", 1, of: .seats, per: window))
                ).code
                #expect(code == "invalid_field")
            }
            #expect(
                try await engine.put(.putLimit(.limit("limit", 1, of: .stored, per: .month))).code
                    == "invalid_field")
            try await engine.put(.putLimit(.limit("limit", 1, of: .seats, per: .month)))
            #expect(
                try await engine.put(.putMeter(Meter(key: .seats, aggregation: .integral))).code
                    == "invalid_field")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `readings beyond any number stop at the greatest`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(
                meters: [Self.seats], limits: [.limit("ever", 9, of: .seats, per: .lifetime)])
            for id in [SubjectID.ada, .bob] {
                try await session.engine.put(.putSubject(Subject(id: id, parent: .team)))
                try await session.engine.count(.of(id, [.seats: .max]))
            }
            #expect(try await session.engine.used(.team) == ["ever": .max])
            try await session.engine.count(.of(.ada, [.seats: 1]))
            try await session.reopen()
            #expect(try await session.engine.used(.team) == ["ever": .max])
            try await session.engine.count(.of(.bob, [.seats: 1]))
            #expect(try await session.engine.used(.team) == ["ever": 2])
            try await session.engine.expectClean()
        }
    }
}

/// Units times seconds.
@Suite struct IntegralTests {
    private static let meters = [
        Meter(key: .storage, aggregation: .gauge),
        Meter(key: .stored, aggregation: .integral, quantityName: .storage),
    ]

    /// Days from the 1st to the 4th of March as of the 4th at 06:00, after one more thing was told.
    static let days: [(told: String, days: [Int64])] = [
        // 10 from midnight, and 4 from noon of the 2nd on.
        ("two readings", [864_000, 432_000 + 172_800, 345_600, 86_400]),
        // 2 at noon of the 1st: until noon of the 2nd.
        ("a late one", [432_000 + 86_400, 86_400 + 172_800, 345_600, 86_400]),
        // 6 in the place of 10.
        ("an amendment", [259_200 + 86_400, 86_400 + 172_800, 345_600, 86_400]),
        // Without the 2.
        ("a void", [518_400, 259_200 + 172_800, 345_600, 86_400]),
        // 7 for half a second, and 1 from the next on: a second is cut to its beginning.
        ("fractions", [518_400, 259_200 + 172_800, 345_600, 86_400 - 4 * 3_600 + 7 + 3_599]),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `what is stored counts by the second`(store: StoreUnderTest) async throws {
        let clock = ManualClock(.at("2026-03-04T06:00:00.900Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(meters: Self.meters)
            for (told, days) in Self.days {
                switch told {
                case "two readings":
                    try await session.engine.count(
                        .of(.ada, [.storage: 4], at: "2026-03-02T12:00:00Z"),
                        .of(.ada, [.storage: 10], id: "ten", at: "2026-03-01T00:00:00Z"))
                case "a late one":
                    try await session.engine.count(
                        .of(.ada, [.storage: 2], id: "two", at: "2026-03-01T12:00:00Z"))
                case "an amendment":
                    #expect(
                        try await session.engine.amend("ten", [.storage: 6]).code == "corrected")
                case "a void":
                    #expect(try await session.engine.void("two").code == "corrected")
                default:
                    try await session.engine.count(
                        .of(.ada, [.storage: 7], at: "2026-03-04T05:00:00.300Z"),
                        .of(.ada, [.storage: 1], at: "2026-03-04T05:00:01.800Z"))
                }
                try await session.reopen()
                #expect(
                    try await session.engine.quantities(
                        of: .ada, .stored, per: .day, from: "2026-03-01T00:00:00Z",
                        until: "2026-03-05T00:00:00Z") == days, "\(told)")
                let sum = days.reduce(0, +)
                #expect(
                    try await session.engine.quantities(
                        of: .ada, .stored, per: .month, from: "2026-03-01T00:00:00Z",
                        until: "2026-04-01T00:00:00Z") == [sum], "\(told)")
                #expect(
                    try await session.engine.quantities(of: .ada, .stored, per: .lifetime)
                        == [sum], "\(told)")
            }
            try await session.engine.expectClean()
            #expect(try await session.engine.rebuild() >= 0)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a day has as many seconds as its clock shows, and members add up`(
        store: StoreUnderTest
    ) async throws {
        let clock = ManualClock(.at("2026-03-31T12:00:00Z"))
        try await store.withSession(clock: clock) { session in
            try await session.engine.setUp(meters: Self.meters)
            try await session.engine.put(
                .putSubject(Subject(id: .team, timeZone: "Europe/Berlin")))
            for id in [SubjectID.ada, .bob] {
                try await session.engine.put(
                    .putSubject(Subject(id: id, timeZone: "Europe/Berlin", parent: .team)))
            }
            try await session.engine.count(
                .of(.ada, [.storage: 1], at: "2026-03-20T00:00:00Z"),
                .of(.bob, [.storage: 2], at: "2026-03-28T23:00:00Z"))
            // The 29th of March has 23 hours in Berlin.
            let days = (from: "2026-03-27T23:00:00Z", until: "2026-03-30T22:00:00Z")
            for (id, expected) in [
                (SubjectID.ada, [86_400, 82_800, 86_400]),
                (.bob, [0, 2 * 82_800, 2 * 86_400]), (.team, [86_400, 3 * 82_800, 3 * 86_400]),
            ] {
                let found = try await session.engine.quantities(
                    of: id, .stored, per: .day, from: days.from, until: days.until)
                #expect(found == expected.map { Int64($0) }, "\(id)")
            }
            try await session.engine.expectClean()
        }
    }
}
