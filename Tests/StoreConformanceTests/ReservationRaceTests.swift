import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promises 1, 3 and 5 for reservations, while many ask at once.
@Suite struct ReservationRaceTests {
    @Test(arguments: StoreUnderTest.allCases)
    func `of a hundred reservations three are open at once`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.limit("renders", 3, per: .concurrent)])
            for round in 1...3 {
                let words = try await engine.race(count: 100) { engine, number in
                    try await engine.reserve(.of(.ada, id: "\(round)-\(number)")).word
                }
                #expect(words == ["allowed": 3, "denied": 97])
                let open = try await engine.openReservations(of: .ada)
                #expect(open.count == 3)
                for reservation in open {
                    #expect(try await engine.settle(reservation.id).word == "done")
                }
                #expect(try await engine.used(.ada) == ["renders": 0])
            }
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `members reserve what their team may have open at once`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(limits: [.limit("renders", 5, per: .concurrent)])
            for id in [SubjectID.ada, .bob] {
                try await engine.put(.putSubject(Subject(id: id, parent: .team)))
            }
            let words = try await engine.race(count: 100) { engine, number in
                try await engine.reserve(.of(number % 2 == 0 ? .ada : .bob)).word
            }
            #expect(words == ["allowed": 5, "denied": 95])
            #expect(try await engine.openReservations(of: .team).count == 5)
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one reservation of many with one id is made`(store: StoreUnderTest) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 100, limits: [.daily(10)])
            let words = try await engine.race(count: 50) { engine, _ in
                try await engine.reserve(.of(.ada, [.prompts: 4], id: "work")).word
            }
            #expect(words == ["allowed": 1, "again": 49])
            #expect(try await engine.used(.ada) == ["prompts_daily": 4])
            #expect(try await engine.wallet(of: .ada).held == 28)
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `one settlement of many alike is made, and all get its answer`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 100, limits: [.daily(10)])
            _ = try await engine.reserve(.of(.ada, [.prompts: 9], id: "work"))
            let answers = try await engine.race(count: 50) { engine, _ in
                let outcome = try await engine.settle(
                    try #require(EventID("work")), .one(.prompts, 5))
                guard case .done(let answer) = outcome else { return "\(outcome)" }
                return "\(answer.isDuplicate) \(answer.limits.map(\.used)) "
                    + "\(answer.credits?.amount ?? 0) \(answer.credits?.balance ?? 0) "
                    + "\(answer.reservation.quantities)"
            }
            #expect(answers.values.sorted() == [1, 49])
            let told = Set(answers.keys.map { $0.drop { $0 != " " } })
            #expect(told.count == 1)
            #expect(answers.first { $0.value == 1 }?.key.hasPrefix("false") == true)
            #expect(try await engine.wallet(of: .ada).balance == 65)
            #expect(try await engine.used(.ada) == ["prompts_daily": 5])
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `of settling, releasing and settling otherwise at once one happens`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUpCredits(price: 7, balance: 100)
            for round in 0..<10 {
                let id = try #require(EventID("work\(round)"))
                _ = try await engine.reserve(.of(.ada, [.prompts: 1], id: id.text))
                let words = try await engine.race(count: 9) { engine, number in
                    switch number % 3 {
                    case 0: try await engine.release(id).word
                    case 1: try await engine.settle(id).word
                    default: try await engine.settle(id, .one(.prompts, 0)).word
                    }
                }
                #expect(words == ["done": 1, "again": 2, "conflict": 6])
            }
            #expect(try await engine.wallet(of: .ada).held == 0)
            try await engine.expectConserved()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `whatever many do at once, nothing is lost and nothing leaks`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            let refill = RecurringGrant(window: .day, amount: 20, rolloverMax: 50)
            try await engine.setUpCredits(
                price: 3, balance: 200,
                plan: Plan(key: .free, isDefault: true, recurringGrants: [refill], overdraft: 10),
                limits: [.daily(400), .limit("open", 12, per: .concurrent)])
            for id in [SubjectID.ada, .bob] {
                try await engine.put(.putSubject(Subject(id: id, parent: .team)))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<24 {
                    group.addTask { try await Self.work(engine, clock, task) }
                }
                try await group.waitForAll()
            }
            try await engine.expectConserved(of: [.ada, .bob, .team])
            // Nobody settles what is left; it expires.
            clock.advance(bySeconds: 3_600)
            try await engine.expireReservations()
            for id in [SubjectID.ada, .bob, .team] {
                #expect(try await engine.openReservations(of: id).isEmpty)
                #expect(try await engine.wallet(of: id).held == 0)
                #expect(try await engine.used(id)["open"] == 0)
            }
            try await engine.expectConserved(of: [.ada, .bob, .team])
        }
    }

    private static func work(
        _ engine: MeterstoneEngine, _ clock: ManualClock, _ task: Int
    ) async throws {
        var random = SplitMix64(state: UInt64(task))
        for step in 0..<40 {
            let subject = Bool.random(using: &random) ? SubjectID.ada : .bob
            let number = Int.random(in: 0..<120, using: &random)
            let id = try #require(EventID("work\(number)"))
            let units = Quantity(Int64.random(in: 0...4, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3:
                _ = try await engine.reserve(
                    UsageEvent(id: id, subject: subject, quantities: .one(.prompts, units)),
                    ReservationTerms(
                        milliseconds: Int64.random(in: 1...4_000, using: &random),
                        onExpiry: ExpiryPolicy.allCases[number % 3]))
            case 3, 4: _ = try await engine.settle(id, .one(.prompts, units))
            case 5: _ = try await engine.release(id)
            case 6: _ = try await engine.consume(.of(subject, id: "spent\(number)"))
            case 7:
                let grant = GrantID(unchecked: "grant\(number % 20)")
                try await engine.put(
                    step % 2 == 0
                        ? .grantCredit(subject, GrantOrder(id: grant, amount: Int64(number) + 1))
                        : .voidGrant(subject, grant, reason: "race"))
            case 8:
                try await engine.put(
                    .refundCredit(subject, reference: id.text, reason: "race"))
            default:
                clock.advance(bySeconds: 1)
                try await engine.expireReservations()
            }
        }
    }
}

extension ReserveOutcome {
    var word: String {
        switch self {
        case .rejected(let rejection): rejection.code.rawValue
        case .conflict: "conflict"
        case .decided(let decision, _):
            decision.isDuplicate ? "again" : decision.isAllowed ? "allowed" : "denied"
        }
    }
}

extension ReservationOutcome {
    var word: String {
        switch self {
        case .rejected(let rejection): rejection.code.rawValue
        case .conflict: "conflict"
        case .denied: "denied"
        case .done(let answer): answer.isDuplicate ? "again" : "done"
        }
    }
}
