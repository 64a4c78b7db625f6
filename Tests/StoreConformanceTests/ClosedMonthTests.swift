import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Nothing changes of a month that is closed: what is told late counts in the first open one, and says so.
///
/// The clock stands on 10 March 2026, noon.
@Suite struct ClosedMonthTests {
    private static func close(_ text: String) -> Change {
        .closeMonth(CivilMonth(text) ?? CivilMonth(number: 0))
    }

    private static let february = close("2026-02")
    private static let late = UsageEvent.of(
        .ada, [.prompts: 3], id: "late", at: "2026-02-20T10:00:00Z")
    private static let adjustment = Adjustment(
        occurredAt: .at("2026-02-20T10:00:00Z"), countedAt: .at("2026-03-01T00:00:00Z"))

    private static func months(_ engine: MeterstoneEngine) async throws -> [Int64] {
        try await engine.quantities(
            of: .ada, per: .month, from: "2026-01-01T00:00:00Z", until: "2026-05-01T00:00:00Z")
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what is told late counts in the first open month, and keeps what was told`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            var engine: MeterstoneEngine { session.engine }
            try await engine.setUp(limits: [.limit("monthly", 10, per: .month)])
            try await engine.count(
                .of(.ada, [.prompts: 5], id: "before", at: "2026-02-10T10:00:00Z"))
            #expect(try await engine.put(Self.february) == .created)
            for step in 0..<3 {
                if step == 1 { try await engine.flush() }
                if step == 2 { try await session.reopen() }
                guard
                    case .decided(let decision) = try await engine.consume(Self.late)
                else { throw UnexpectedOutcome() }
                #expect(decision.isAllowed && decision.isDuplicate == (step > 0))
                #expect(decision.adjustment == Self.adjustment)
                #expect(try await Self.months(engine) == [0, 5, 3, 0])
            }
            let page = try await engine.events(of: .ada)
            #expect(page.events.map(\.adjustment) == [Self.adjustment, nil])
            #expect(page.events[0].event.occurredAt == Self.adjustment.countedAt)
            // Of the new month, and as any late event: ten are allowed, and three are used.
            #expect(
                try await engine.decide(
                    .of(.ada, [.prompts: 8], at: "2026-02-21T10:00:00Z")
                ).isAllowed == false)
            #expect(
                try await engine.decide(.of(.ada, [.prompts: 7], at: "2026-02-21T10:00:00Z"))
                    .isAllowed)
            #expect(try await Self.months(engine) == [0, 5, 10, 0])
            // The instant at which a month begins is its own.
            let first = try await engine.record([
                .of(.bob, id: "first", at: "2026-03-01T00:00:00Z"),
                .of(.bob, id: "last", at: "2026-02-28T23:59:59.999Z"),
            ])
            #expect(first.map(\.adjustment?.occurredAt) == [nil, .at("2026-02-28T23:59:59.999Z")])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a repeat stays one when another month is closed`(store: StoreUnderTest) async throws {
        try await store.with { engine, clock in
            try await engine.setUp()
            try await engine.put(Self.february)
            try await engine.count(Self.late)
            clock.set(.at("2026-04-02T00:00:00Z"))
            #expect(try await engine.put(Self.close("2026-03")) == .created)
            let again = try await engine.record([Self.late])
            #expect(again.map(\.code) == ["duplicate"])
            #expect(again.map(\.adjustment) == [Self.adjustment])
            var other = Self.late
            other.occurredAt = Self.adjustment.countedAt
            #expect(try await engine.record([other]).map(\.code) == ["conflict"])
            #expect(try await engine.differences(of: other, terms: nil) == ["occurredAt"])
            #expect(try await engine.differences(of: Self.late, terms: nil) == [])
            // What is told now of February counts in April.
            try await engine.count(.of(.ada, id: "later", at: "2026-02-20T10:00:00Z"))
            #expect(try await Self.months(engine) == [0, 0, 3, 1])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `an event of a closed month is neither voided nor amended, and texts may be`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(
                .of(.ada, [.prompts: 5], id: "before", at: "2026-02-10T10:00:00Z", type: "chat"),
                .of(.ada, [.prompts: 5], id: "voided", at: "2026-02-10T10:00:00Z"))
            #expect(try await engine.void("voided").code == "corrected")
            try await engine.put(Self.february)
            #expect(try await engine.void("before").code == "month_closed")
            #expect(try await engine.void("voided").code == "unchanged")
            #expect(try await engine.amend("before", [.prompts: 4]).code == "month_closed")
            let otherType = EventDetails(type: "image")
            #expect(
                try await engine.amend("before", [.prompts: 5], details: otherType).code
                    == "month_closed")
            let text = EventDetails(type: "chat", properties: #"{"note":"seen"}"#)
            #expect(
                try await engine.amend("before", [.prompts: 5], details: text).code == "corrected")
            #expect(try await Self.months(engine) == [0, 5, 0, 0])
            // An adjustment stands in the open month, and is corrected like its other events.
            try await engine.count(Self.late)
            #expect(try await engine.amend("late", [.prompts: 2]).code == "corrected")
            #expect(try await Self.months(engine) == [0, 5, 2, 0])
            #expect(
                try await engine.events(of: .ada).events.first?.adjustment == Self.adjustment)
            #expect(try await engine.void("late").code == "corrected")
            #expect(try await Self.months(engine) == [0, 5, 0, 0])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a month with an open reservation is closed when that has ended`(
        store: StoreUnderTest
    ) async throws {
        try await store.with(clock: ManualClock(.at("2026-02-28T23:50:00Z"))) { engine, clock in
            try await engine.setUp()
            let terms = ReservationTerms(milliseconds: 3_600_000)
            _ = try await engine.reserve(.of(.ada, [.prompts: 4], id: "over midnight"), terms)
            _ = try await engine.reserve(.of(.bob, [.prompts: 4], id: "nobody ends it"), terms)
            #expect(try await engine.put(Self.february).code == "month_not_over")
            clock.set(.at("2026-03-01T00:10:00Z"))
            #expect(try await engine.put(Self.february).code == "reservation_open")
            _ = try await engine.settle(
                #require(EventID("over midnight")), source: nil, .one(.prompts, 2))
            #expect(try await engine.put(Self.february).code == "reservation_open")
            // One of the new month is in nobody's way.
            _ = try await engine.reserve(.of(.ada, [.prompts: 1], id: "new"), terms)
            clock.set(.at("2026-03-01T00:55:00Z"))
            _ = try await engine.expireReservations()
            #expect(try await engine.put(Self.february) == .created)
            let end = try await engine.settle(
                #require(EventID("nobody ends it")), source: nil, .one(.prompts, 2))
            guard case .rejected(let rejection) = end else { throw UnexpectedOutcome() }
            #expect(rejection.code == .monthClosed)
            // A reservation for a time that is closed counts in the open month, too.
            let outcome = try await engine.reserve(
                .of(.ada, [.prompts: 1], id: "told late", at: "2026-02-20T10:00:00Z"), terms)
            guard case .decided(let decision, let reservation?) = outcome else {
                throw UnexpectedOutcome()
            }
            #expect(decision.adjustment == Self.adjustment)
            #expect(reservation.adjustment == Self.adjustment)
            #expect(try await Self.months(engine) == [0, 2, 2, 0])
            try await engine.expectClean()
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `months are closed in order, once, and in the zone of the store`(
        store: StoreUnderTest
    ) async throws {
        let options = StoreUnderTest.options { $0.defaultTimeZone = "Europe/Berlin" }
        try await store.withSession(options) { session in
            var engine: MeterstoneEngine { session.engine }
            try await engine.setUp()
            #expect(try await engine.put(Self.close("2026-03")).code == "month_not_over")
            #expect(try await engine.put(Self.close("2026-01")) == .created)
            #expect(try await engine.put(Self.close("2025-12")).code == "month_closed")
            #expect(try await engine.put(Self.close("2026-01")) == .unchanged)
            #expect(try await engine.put(Self.february) == .created)
            try await engine.flush()
            try await session.reopen()
            #expect(try await engine.put(Self.february) == .unchanged)
            let entries = try await engine.changes(
                ChangeFilter(kind: "closedMonth"), before: nil, count: 10)
            #expect(entries.map(\.key) == ["2026-02", "2026-01"])
            let months = try await engine.closedMonths()
            #expect(months.map(\.month.text) == ["2026-01", "2026-02"])
            #expect(months.map(\.sequence) == entries.map(\.sequence).reversed())
            #expect(months[1].from == .at("2026-01-31T23:00:00Z"))
            #expect(months[1].until == .at("2026-02-28T23:00:00Z"))
            try await engine.count(
                .of(.ada, id: "a", at: "2026-02-28T22:59:59Z"),
                .of(.ada, id: "b", at: "2026-02-28T23:00:00Z"))
            let events = try await engine.events(of: .ada).events
            #expect(events.map(\.event.occurredAt) == [months[1].until, months[1].until])
            #expect(
                Set(events.map(\.adjustment?.occurredAt)) == [nil, .at("2026-02-28T22:59:59Z")])
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a merge moves usage of a closed month, and its sums stay`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp()
            try await engine.count(
                .of(.bob, [.prompts: 5], id: "before", at: "2026-02-10T10:00:00Z"),
                .of(.ada, [.prompts: 1], id: "own", at: "2026-02-10T10:00:00Z"))
            try await engine.put(Self.february)
            try await engine.count(.of(.bob, [.prompts: 2], id: "late", at: "2026-02-10T10:00:00Z"))
            #expect(try await engine.put(.mergeSubject(.ada, from: .bob)).isChange)
            #expect(try await Self.months(engine) == [0, 6, 2, 0])
            let again = try await engine.record([
                .of(.ada, [.prompts: 2], id: "late", at: "2026-02-10T10:00:00Z")
            ])
            #expect(again.map(\.code) == ["duplicate"])
            try await engine.expectClean()
        }
    }
}

extension RecordOutcome {
    fileprivate var adjustment: Adjustment? {
        switch self {
        case .counted(_, _, let adjustment), .duplicate(_, _, let adjustment): adjustment
        case .conflict, .rejected: nil
        }
    }
}
