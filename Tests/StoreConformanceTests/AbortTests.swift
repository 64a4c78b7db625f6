import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What operations count that failed or were cancelled.
@Suite struct AbortTests {
    /// What the meter says, what the reservation says, what was told at the end, and what counts of a
    /// hundred that were set aside.
    private static let cases:
        [(
            meter: AbortPolicy?, meterMinimum: Int64, terms: AbortPolicy?, minimum: Int64?,
            told: Int64?, counts: Int64
        )] = [
            (nil, 0, nil, nil, 40, 0), (.told, 0, nil, nil, 40, 40), (.told, 0, nil, nil, nil, 0),
            (.told, 25, nil, nil, nil, 25), (.told, 25, nil, nil, 40, 40),
            (.reserved, 0, nil, nil, nil, 100), (.reserved, 0, nil, nil, 40, 40),
            (.nothing, 0, nil, nil, 40, 0), (.nothing, 10, nil, nil, 40, 10),
            (nil, 0, .told, nil, 40, 40), (nil, 0, .reserved, nil, nil, 100),
            (nil, 0, .told, 30, 10, 30), (nil, 0, nil, 30, 10, 30),
            (.reserved, 0, .nothing, nil, 40, 0), (.nothing, 0, .told, nil, 40, 40),
            (.told, 25, .told, 5, nil, 5),
        ]

    @Test(arguments: StoreUnderTest.allCases)
    func `what was aborted counts as its reservation or else the meter says`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            let meters = Self.cases.indices.map { place in
                Meter(
                    key: Self.key(place), onAbort: Self.cases[place].meter,
                    abortMinimum: Self.cases[place].meterMinimum)
            }
            try await session.engine.setUp(
                meters: meters,
                limits: meters.map { .limit("\($0.key)", 1_000, of: $0.key, per: .day) })
            for (place, one) in Self.cases.enumerated() {
                let (id, key) = ("r\(place)", Self.key(place))
                let terms = ReservationTerms(
                    onAbort: one.terms,
                    abortMinimum: one.minimum.map { .one(key, Quantity($0)) } ?? .none)
                guard
                    case .decided = try await session.engine.reserve(
                        .of(.ada, [key: 100], id: id), terms)
                else {
                    Issue.record("\(place): not reserved")
                    return
                }
                let told = one.told.map { Quantities.one(key, Quantity($0)) } ?? .none
                let status: EventStatus = place % 2 == 0 ? .failed : .cancelled
                let details = EventDetails(
                    status: status, durationMilliseconds: 1_234, errorMessage: "boom")
                for isRepeat in [false, true] {
                    guard
                        case .done(let answer) = try await session.engine.settle(
                            .of(id), told, details: details)
                    else {
                        Issue.record("\(place): not settled")
                        return
                    }
                    #expect(answer.isDuplicate == isRepeat, "\(place)")
                    #expect(answer.limits.map(\.used.units) == [one.counts], "\(place)")
                }
            }
            let expected = Dictionary(
                uniqueKeysWithValues: Self.cases.enumerated().map { ("\(Self.key($0))", $1.counts) }
            )
            #expect(try await session.engine.used(.ada) == expected)
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == expected)
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            #expect(try await session.engine.used(.ada) == expected)
            for (place, one) in Self.cases.enumerated() {
                #expect(
                    try await session.engine.quantities(of: .ada, Self.key(place), per: .lifetime)
                        == [one.counts], "\(place)")
                // Reports go by the columns of events.
                guard
                    case .report(let top) = try await session.engine.topSubjects(
                        of: Self.key(place), ReportQuestion())
                else {
                    Issue.record("\(place): no report")
                    return
                }
                #expect(top.rows.first?.quantity ?? 0 == one.counts, "\(place)")
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what was reported counts where the end tells nothing`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(1_000)])
            _ = try await engine.reserve(
                .ada, 100, id: "r", terms: ReservationTerms(onAbort: .told))
            _ = try await engine.extend(
                ReservationExtension(id: .of("r"), reported: .of([.prompts: 17])))
            guard
                case .done(let answer) = try await engine.settle(
                    .of("r"), details: EventDetails(status: .cancelled))
            else {
                Issue.record("not settled")
                return
            }
            #expect(answer.limits.map(\.used.units) == [17])
            // What was amended since stays within the terms.
            _ = try await engine.amend("r", [.prompts: 18], details: EventDetails(status: .failed))
            #expect(try await engine.used(.ada) == ["prompts_daily": 18])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a meter that counts alongside a quantity says nothing of it`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [
                    Meter(key: .prompts, countedStatuses: [.success, .failed]),
                    Meter(
                        key: .exports, aggregation: .count, alongside: .prompts, onAbort: .nothing),
                ], limits: [.daily(100)])
            _ = try await engine.reserve(.ada, 7, id: "r1")
            _ = try await engine.settle(.of("r1"), details: EventDetails(status: .failed))
            #expect(try await engine.used(.ada) == ["prompts_daily": 7])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what names no quantity counts with what was reserved`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            let exports = Meter(key: .exports, aggregation: .count, eventTypes: ["export"])
            try await engine.setUp(
                meters: [exports], limits: [.limit("exports", 9, of: .exports, per: .day)])
            let cases: [(AbortPolicy?, Int64)] = [
                (nil, 0), (.nothing, 0), (.told, 0), (.reserved, 1),
            ]
            var used: Int64 = 0
            for (place, (policy, counts)) in cases.enumerated() {
                let event = UsageEvent.of(.ada, [:], id: "e\(place)", type: "export")
                _ = try await engine.reserve(event, ReservationTerms(onAbort: policy))
                let details = EventDetails(status: .failed)
                _ = try await engine.settle(.of("e\(place)"), details: details)
                used += counts
                #expect(try await engine.used(.ada) == ["exports": used], "\(place)")
            }
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an end that comes late counts by the same terms`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.daily(1_000)])
            _ = try await engine.reserve(
                .ada, 100, id: "r",
                terms: ReservationTerms(milliseconds: 60_000, onAbort: .reserved))
            clock.advance(bySeconds: 61)
            #expect(try await engine.used(.ada) == ["prompts_daily": 0])
            guard
                case .done(let answer) = try await engine.settle(
                    .of("r"), details: EventDetails(status: .failed))
            else {
                Issue.record("not settled")
                return
            }
            #expect(answer.limits.map(\.used.units) == [100])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `terms that name what no meter reads are rejected`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            for (name, units, code) in [
                ("nobody", Int64(1), Rejection.Code.unknownMeter), ("prompts", -1, .invalidField),
            ] {
                let terms = ReservationTerms(
                    abortMinimum: .one(MeterKey(unchecked: name), Quantity(units)))
                guard
                    case .rejected(let rejection) = try await engine.reserve(
                        .of(.ada, id: "r"), terms)
                else {
                    Issue.record("reserved")
                    return
                }
                #expect(rejection.code == code && rejection.field == "abortMinimum.\(name)")
            }
        }
    }

    private static func key(_ place: Int) -> MeterKey { MeterKey(unchecked: "m\(place)") }
}
