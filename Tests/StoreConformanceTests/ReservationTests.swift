import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Units set aside, settled, released and expired.
@Suite struct ReservationTests {
    private static let minute: Int64 = 60_000

    @Test(arguments: StoreUnderTest.allCases)
    func `what is set aside counts as used until it is settled`(store: StoreUnderTest) async throws
    {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            let reserved = try await session.engine.reserve(.ada, 8, id: "r1")
            #expect(reserved.status == .open && reserved.quantities == .one(.prompts, 8))
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 8])
            #expect(try await !session.engine.decide("ada", 3).isAllowed)
            try await session.reopen()
            #expect(try await session.engine.openReservations(of: .ada) == [reserved])
            let answer = try await session.engine.finish("r1", [.prompts: 5])
            #expect(answer.reservation.status == .settled && !answer.isDuplicate)
            #expect(answer.limits.map(\.used) == [5])
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 5])
            #expect(try await session.engine.openReservations(of: .ada) == [])
            try await session.reopen()
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 5])
            #expect(try await session.engine.decide("ada", 5).isAllowed)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the same reservation again gets the first answer`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            let first = try await engine.reserve(.ada, 8, id: "r1")
            #expect(try await engine.reserve(.ada, 8, id: "r1", isDuplicate: true) == first)
            let other = UsageEvent.of(.ada, [.prompts: 7], id: "r1")
            guard case .conflict = try await engine.reserve(other) else {
                Issue.record("another quantity")
                return
            }
            let terms = ReservationTerms(onExpiry: .charge)
            guard
                case .conflict = try await engine.reserve(
                    .of(.ada, [.prompts: 8], id: "r1"), terms)
            else {
                Issue.record("other terms")
                return
            }
            #expect(try await engine.used(.ada) == ["prompts_daily": 8])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `settling twice alike gives the first answer, and otherwise a conflict`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.reserve(.ada, 8, id: "r1")
            let first = try await engine.finish("r1", [.prompts: 5])
            _ = try await engine.decide("ada", 2)
            let again = try await engine.finish("r1", [.prompts: 5])
            #expect(again.isDuplicate && again.reservation == first.reservation)
            #expect(again.limits.map(\.used) == first.limits.map(\.used))
            guard case .conflict = try await engine.settle(.of("r1"), .of([.prompts: 6])),
                case .conflict = try await engine.release(.of("r1"))
            else {
                Issue.record("expected conflicts")
                return
            }
            #expect(try await engine.used(.ada) == ["prompts_daily": 7])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `released units can be used again`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.reserve(.ada, 8, id: "r1")
            for isDuplicate in [false, true] {
                guard case .done(let answer) = try await engine.release(.of("r1")) else {
                    Issue.record("not released")
                    return
                }
                #expect(answer.isDuplicate == isDuplicate)
                #expect(answer.reservation.status == .released)
            }
            #expect(try await engine.decide("ada", 10).isAllowed)
            try await engine.expectClean()
        }
    }

    @Test(arguments: [OveragePolicy.count, .cap], StoreUnderTest.allCases)
    func `more than was set aside counts or is cut off`(
        policy: OveragePolicy, store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.reserve(
                .ada, 8, id: "r1", terms: ReservationTerms(onOverage: policy))
            let answer = try await engine.finish("r1", [.prompts: 15])
            let counted: Quantity = policy == .count ? 15 : 8
            #expect(answer.reservation.quantities == .one(.prompts, counted))
            #expect(answer.limits.map(\.used) == [counted])
            #expect(answer.limits.map(\.overage) == [policy == .count ? 5 : 0])
            // The same again is the same, although a cap changed what was told.
            #expect(try await engine.finish("r1", [.prompts: 15]).isDuplicate)
            try await engine.expectClean()
        }
    }

    @Test(arguments: [ExpiryPolicy.release, .charge, .chargeReported], StoreUnderTest.allCases)
    func `whoever decides after the expiry sees what is left of it`(
        policy: ExpiryPolicy, store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            let terms = ReservationTerms(milliseconds: Self.minute, onExpiry: policy)
            _ = try await session.engine.reserve(.ada, 8, id: "r1", terms: terms)
            let more = ReservationExtension(id: .of("r1"), reported: .of([.prompts: 3]))
            guard case .done = try await session.engine.extend(more) else {
                Issue.record("not extended")
                return
            }
            try await session.reopen()
            session.clock.advance(bySeconds: 59)
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 8])
            session.clock.advance(bySeconds: 1)
            let left: Quantity = [.release: 0, .charge: 8, .chargeReported: 3][policy] ?? -1
            #expect(try await session.engine.used(.ada) == ["prompts_daily": left.units])
            let expired = try await session.engine.reservation(.of("r1"))
            #expect(expired?.status == .expired)
            #expect(expired?.closedAt == expired?.expiresAt)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `with a cap nothing counts of what was not set aside, an event of it neither`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .exports, aggregation: .count)],
                limits: [.limit("exports_daily", 1, of: .exports, per: .day)])
            _ = try await engine.consume(.of(.ada, [.exports: 1]))
            let terms = ReservationTerms(milliseconds: Self.minute, onOverage: .cap)
            _ = try await engine.reserve(.ada, 1, id: "r", terms: terms)
            let answer = try await engine.finish("r", [.prompts: 1, .exports: 4])
            #expect(answer.reservation.quantities == .of([.prompts: 1]))
            #expect(try await engine.used(.ada) == ["exports_daily": 1])
            try await engine.expectClean()
        }
    }

    @Test(arguments: [ExpiryPolicy.release, .charge, .chargeReported], StoreUnderTest.allCases)
    func `an end that comes after the expiry takes the place of what was counted without it`(
        policy: ExpiryPolicy, store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            for (id, onOverage) in [("count", OveragePolicy.count), ("cap", .cap)] {
                let terms = ReservationTerms(
                    milliseconds: Self.minute, onExpiry: policy, onOverage: onOverage)
                _ = try await session.engine.reserve(
                    id == "cap" ? .bob : .ada, 4, id: id, terms: terms)
                let more = ReservationExtension(
                    id: .of(id), quantities: .of([.prompts: 5]), reported: .of([.prompts: 3]))
                guard case .done = try await session.engine.extend(more) else {
                    Issue.record("not extended")
                    return
                }
            }
            // A day later, and the windows of then are meant.
            session.clock.advance(bySeconds: 86_400)
            #expect(try await session.engine.expireReservations() == 2)
            try await session.reopen()
            let first = try await session.engine.finish("count", [.prompts: 12])
            #expect(first.reservation.status == .settled && !first.isDuplicate)
            #expect(first.limits.map(\.used.units) == [12] && first.limits.map(\.overage) == [2])
            #expect(first.reservation.closedAt == session.clock.now)
            let capped = try await session.engine.finish("cap", [.prompts: 12])
            #expect(capped.limits.map(\.used.units) == [5])
            try await session.reopen()
            #expect(try await session.engine.finish("count", [.prompts: 12]).isDuplicate)
            let other = try await session.engine.settle(.of("count"), .of([.prompts: 1]))
            guard case .conflict = other else {
                Issue.record("it was ended twice")
                return
            }
            let events = try await session.engine.events(of: .ada).events
            #expect(events.map(\.reservation?.status) == [.settled])
            #expect(try await session.engine.used(.ada) == ["prompts_daily": 0])
            try await session.engine.expectClean()
            _ = try await session.engine.rebuild()
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an end that comes late pays what is lacking, and what was amended since stays`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(credits: CreditPolicy(prices: [.prompts: 1]))
            try await engine.put(.grantCredit(.ada, GrantOrder(id: GrantID("g"), amount: 20)))
            // Reserved, the policy at expiry, what the end tells; what it cost, and what is left.
            let cases: [(Int64, ExpiryPolicy, Int64, cost: Int64, left: Int64)] = [
                (8, .release, 5, 5, 15), (8, .charge, 10, 10, 5), (4, .charge, 1, 4, 1),
                (1, .release, 3, 1, 0), (0, .release, 0, 0, 0),
            ]
            for (place, (units, policy, told, cost, left)) in cases.enumerated() {
                let terms = ReservationTerms(milliseconds: Self.minute, onExpiry: policy)
                let id = "r\(place)"
                _ = try await engine.reserve(.ada, units, id: id, terms: terms)
                clock.advance(bySeconds: 60)
                let answer = try await engine.finish(id, [.prompts: told])
                #expect((answer.credits?.amount ?? 0) == cost, "\(id)")
                #expect(try await engine.wallet(of: .ada).balance == left, "\(id)")
            }
            #expect(try await engine.wallet(of: .ada).shortfall == 2)
            _ = try await engine.reserve(
                .bob, 0, id: "b", terms: ReservationTerms(milliseconds: Self.minute))
            clock.advance(bySeconds: 60)
            #expect(
                try await engine.correct(
                    Correction(
                        eventID: .of("b"), kind: .void, author: "test", reason: "test")
                )
                .code == "corrected")
            guard case .rejected(let rejection) = try await engine.settle(.of("b")) else {
                Issue.record("an event that was taken back has ended")
                return
            }
            #expect(rejection.code == .unknownReservation)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what expires within a decision is not taken for what is decided`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds)],
                limits: [.daily(10), .limit("seconds", 20, of: .seconds, per: .day)])
            _ = try await engine.reserve(
                .of(.ada, [.seconds: 9]), ReservationTerms(milliseconds: 1_000, onExpiry: .charge))
            clock.advance(bySeconds: 2)
            let decision = try await engine.decide("ada", 4)
            #expect(decision.limits.map(\.used) == [4])
            #expect(try await engine.used(.ada) == ["prompts_daily": 4, "seconds": 9])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a hundred members whose reservations expire together hold nobody up`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(1_000)])
            let terms = ReservationTerms(milliseconds: Self.minute)
            for number in 0..<100 {
                let member = SubjectID(unchecked: "member\(number)")
                try await session.engine.put(.putSubject(Subject(id: member, parent: .team)))
                _ = try await session.engine.reserve(member, 2, id: "r\(number)", terms: terms)
            }
            #expect(try await session.engine.openReservations(of: .team).count == 100)
            try await session.reopen()
            session.clock.advance(bySeconds: 60)
            #expect(try await session.engine.decide("member7").isAllowed)
            #expect(try await session.engine.used(.team) == ["prompts_daily": 1])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the id of a reservation is not forgotten`(store: StoreUnderTest) async throws {
        let options = StoreUnderTest.options { $0.eventIDMillisecondsMax = 1_000 }
        try await store.with(options) { engine, clock in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.reserve(.ada, 2, id: "r1")
            clock.advance(bySeconds: 60)
            // What is set aside is not used up, whoever says so under the same id.
            for outcome in [
                try await engine.consume(.of(.ada, [.prompts: 2], id: "r1")),
                try await engine.consume(.of(.ada, [.prompts: 5], id: "r1")),
            ] {
                guard case .conflict = outcome else {
                    Issue.record("expected a conflict, got \(outcome)")
                    return
                }
            }
            _ = try await engine.finish("r1")
            #expect(try await engine.used(.ada) == ["prompts_daily": 2])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `at expiry only what was reported is charged, and what cannot be counted is not`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(
                meters: [Meter(key: .prompts), Meter(key: .seconds)],
                limits: [.daily(10), .limit("seconds", 20, of: .seconds, per: .day)])
            let terms = ReservationTerms(milliseconds: Self.minute, onExpiry: .chargeReported)
            for (id, reported) in [("r1", 3), ("r2", Int64.max)] as [(String, Int64)] {
                _ = try await engine.reserve(
                    .of(.ada, [.prompts: 2, .seconds: 4], id: id), terms)
                _ = try await engine.extend(
                    ReservationExtension(id: .of(id), reported: .of([.prompts: reported])))
            }
            clock.advance(bySeconds: 60)
            #expect(try await engine.expireReservations() == 2)
            #expect(try await engine.expireReservations() == 0)
            // Of the second what was set aside counts.
            #expect(try await engine.used(.ada) == ["prompts_daily": 5, "seconds": 4])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `the sweeper finds what nobody asks about`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.daily(10)])
            let terms = ReservationTerms(milliseconds: Self.minute)
            for subject in [SubjectID.ada, .bob, .team] {
                _ = try await session.engine.reserve(subject, 2, id: subject.text, terms: terms)
            }
            #expect(try await session.engine.expireReservations() == 0)
            try await session.engine.flush()
            try await session.reopen()
            session.clock.advance(bySeconds: 60)
            #expect(try await session.engine.expireReservations() == 3)
            #expect(try await session.engine.expireReservations() == 0)
            let events = try await session.engine.events(of: .bob).events
            #expect(events.map(\.reservation?.status) == [.expired])
            #expect(events.map(\.event.quantities) == [.none])
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `more time and more units are given under the limits`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp(limits: [.daily(10), .limit("at_once", 9, per: .request)])
            let terms = ReservationTerms(milliseconds: Self.minute)
            _ = try await engine.reserve(.ada, 5, id: "r1", terms: terms)
            clock.advance(bySeconds: 50)
            let more = ReservationExtension(
                id: .of("r1"), milliseconds: Self.minute, quantities: .of([.prompts: 9]))
            for _ in 0..<2 {
                guard case .done(let answer) = try await engine.extend(more) else {
                    Issue.record("not extended")
                    return
                }
                #expect(answer.limits.first { $0.limit == .daily }?.used == 9)
            }
            clock.advance(bySeconds: 50)
            #expect(try await engine.used(.ada)["prompts_daily"] == 9)
            let tooMuch = ReservationExtension(id: .of("r1"), quantities: .of([.prompts: 10]))
            guard case .denied(let denial, _, _) = try await engine.extend(tooMuch) else {
                Issue.record("beyond a limit")
                return
            }
            #expect(denial.violated.map(\.text) == ["at_once"])
            let less = ReservationExtension(id: .of("r1"), quantities: .of([.prompts: 1]))
            guard case .rejected(let rejection) = try await engine.extend(less) else {
                Issue.record("less than was set aside")
                return
            }
            #expect(rejection.field == "quantities.prompts")
            _ = try await engine.finish("r1", [.prompts: 2])
            guard case .rejected(let closed) = try await engine.extend(more) else {
                Issue.record("extended when it was closed")
                return
            }
            #expect(closed.code == .reservationClosed)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `as many run at the same time as the limit says`(store: StoreUnderTest) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(limits: [.limit("running", 2, per: .concurrent)])
            try await session.engine.put(.putSubject(Subject(id: .ada, parent: .team)))
            _ = try await session.engine.reserve(.ada, 1, id: "r1")
            _ = try await session.engine.reserve(.ada, 1, id: "r2")
            let third = UsageEvent.of(.ada, id: "r3")
            guard case .decided(let decision, nil) = try await session.engine.reserve(third) else {
                Issue.record("three at once")
                return
            }
            #expect(decision.denial?.violated.map(\.text) == ["running"])
            // What is used up at once runs with nothing else.
            #expect(try await session.engine.decide("ada", 5).isAllowed)
            #expect(try await session.engine.used(.ada)["running"] == 2)
            #expect(try await session.engine.used(.team) == ["running": 2])
            _ = try await session.engine.finish("r1")
            #expect(try await session.engine.used(.ada)["running"] == 1)
            try await session.reopen()
            _ = try await session.engine.reserve(.ada, 1, id: "r3")
            #expect(try await session.engine.used(.team) == ["running": 2])
            #expect(try await session.engine.openReservations(of: .team).count == 2)
            try await session.engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a settlement that is repeated after an amendment is known again`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.reserve(.ada, 5, id: "r1")
            func settle(_ type: String) async throws -> ReservationOutcome {
                try await engine.settle(
                    .of("r1"), .of([.prompts: 4]), details: EventDetails(type: type))
            }
            _ = try await settle("walk")
            for units: Int64 in 2...3 {
                let amended = Correction(
                    eventID: .of("r1"),
                    kind: .amend(.of([.prompts: units]), EventDetails(type: "chat")),
                    author: "test", reason: "")
                #expect(try await engine.correct(amended) == .corrected)
            }
            guard case .done(let again) = try await settle("walk"),
                case .conflict = try await settle("chat")
            else {
                Issue.record("expected the first answer, and a conflict")
                return
            }
            #expect(again.isDuplicate)
            #expect(try await engine.used(.ada) == ["prompts_daily": 3])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a closed reservation can be corrected like any event, an open one cannot`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.daily(10)])
            _ = try await engine.reserve(.ada, 5, id: "r1")
            let correction = Correction(
                eventID: .of("r1"), kind: .amend(.of([.prompts: 2]), nil), author: "test",
                reason: "")
            guard case .rejected(let rejection) = try await engine.correct(correction) else {
                Issue.record("corrected while open")
                return
            }
            #expect(rejection.code == .reservationOpen)
            _ = try await engine.finish("r1")
            #expect(try await engine.used(.ada) == ["prompts_daily": 5])
            #expect(try await engine.correct(correction) == .corrected)
            #expect(try await engine.used(.ada) == ["prompts_daily": 2])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `no more are open than the options allow`(store: StoreUnderTest) async throws {
        let options = StoreUnderTest.options { $0.openReservationsMax = 2 }
        try await store.with(options) { engine, _ in
            try await engine.setUp()
            _ = try await engine.reserve(.ada, 1, id: "r1")
            _ = try await engine.reserve(.ada, 1, id: "r2")
            guard case .rejected(let rejection) = try await engine.reserve(.of(.ada)) else {
                Issue.record("three are open")
                return
            }
            #expect(rejection.code == .tooManyReservations)
        }
    }
}

extension EventID {
    static func of(_ text: String) -> EventID { EventID(text) ?? .text(text) }
}

extension Quantities {
    static func of(_ quantities: [MeterKey: Int64]) -> Quantities {
        Quantities(quantities.map { NamedQuantity(name: $0.key, quantity: Quantity($0.value)) })
    }
}

extension MeterstoneEngine {
    /// Reserves prompts, and fails the test when that is not allowed.
    func reserve(
        _ subject: SubjectID, _ quantity: Int64, id: String,
        terms: ReservationTerms = ReservationTerms(), isDuplicate: Bool = false
    ) async throws -> Reservation {
        let outcome = try await reserve(.of(subject, [.prompts: quantity], id: id), terms)
        guard case .decided(let decision, let reservation?) = outcome else {
            Issue.record("expected a reservation, got \(outcome)")
            throw UnexpectedOutcome()
        }
        #expect(decision.isDuplicate == isDuplicate)
        return reservation
    }

    /// Settles, and fails the test when that is not possible.
    func finish(
        _ id: String, _ quantities: [MeterKey: Int64] = [:]
    ) async throws -> ReservationAnswer {
        let outcome = try await settle(.of(id), .of(quantities))
        guard case .done(let answer) = outcome else {
            Issue.record("expected an answer, got \(outcome)")
            throw UnexpectedOutcome()
        }
        return answer
    }
}
