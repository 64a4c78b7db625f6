import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What closed months came to, and that it is told the same whenever somebody asks.
@Suite struct MonthStatementTests {
    private static let february = CivilMonth("2026-02") ?? CivilMonth(number: 0)
    private static let march = february.next
    private static let storage = MeterKey(unchecked: "storage")
    private static let users = MeterKey(unchecked: "users")

    private static let meters = [
        Meter(key: .prompts), Meter(key: .exports, aggregation: .count, eventTypes: ["export"]),
        Meter(key: storage, aggregation: .gauge),
        Meter(key: users, aggregation: .uniqueCount, uniqueDimension: "user"),
    ]

    private static func costing(_ millionths: Int64, _ event: UsageEvent) -> UsageEvent {
        var event = event
        event.details = EventDetails(
            type: event.details?.type, cost: Money(millionths: millionths),
            dimensions: event.details?.dimensions ?? [])
        return event
    }

    private static func text(
        _ engine: MeterstoneEngine, _ month: CivilMonth, _ subject: SubjectID? = nil
    ) async throws -> String {
        guard case .document(let document) = try await engine.statement(of: month, for: subject)
        else { throw UnexpectedOutcome() }
        return document.text
    }

    private static func statement(
        _ engine: MeterstoneEngine, _ month: CivilMonth, _ subject: SubjectID? = nil
    ) async throws -> MonthStatement {
        let text = try await text(engine, month, subject)
        return try JSONDecoder().decode(MonthStatement.self, from: Data(text.utf8))
    }

    private static func lines(_ statement: MonthStatement) -> [String] {
        statement.meters.map { line in
            let adjusted = line.adjustments
            let part = adjusted.quantity.map { String($0) } ?? "-"
            return "\(line.meter) \(line.quantity) \(line.events) \(line.costMillionths) "
                + "(\(part) \(adjusted.events) \(adjusted.costMillionths))"
        }
    }

    /// Two subjects in February, one of them taken back in part, and what is told of it in March.
    private static func use(_ engine: MeterstoneEngine) async throws {
        try await engine.setUp(meters: meters)
        try await engine.count(
            costing(700, .of(.ada, [.prompts: 5], id: "a", at: "2026-02-01T00:00:00Z")),
            costing(300, .of(.ada, [.prompts: 2], id: "b", at: "2026-02-28T23:59:59.999Z")),
            .of(.bob, [.prompts: 9], id: "c", at: "2026-02-14T10:00:00Z"),
            .of(.bob, [.prompts: 100], id: "d", at: "2026-02-14T10:00:00Z"),
            .of(.bob, [:], id: "e", at: "2026-02-14T10:00:00Z", type: "export"),
            .of(.team, [storage: 40], id: "f", at: "2026-01-14T10:00:00Z"),
            .of(.ada, [storage: 2], id: "g", at: "2026-02-14T10:00:00Z"),
            .of(
                .ada, [users: 1], id: "h", at: "2026-02-14T10:00:00Z", dimensions: ["user": "u"]),
            .of(.ada, [.prompts: 50], id: "i", at: "2026-03-01T00:00:00Z"))
        _ = try await engine.void("d")
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a statement tells what a month came to, and what of it is of earlier ones`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await Self.use(engine)
            #expect(try await engine.statement(of: Self.february) == .notClosed)
            try await engine.put(.closeMonth(Self.february))
            let all = try await Self.statement(engine, Self.february)
            #expect(all.from == .at("2026-02-01T00:00:00Z") && all.subject == nil)
            #expect(all.closedAt == clock.now)
            #expect(
                Self.lines(all) == [
                    "exports 1 1 0 (0 0 0)", "prompts 16 3 1000 (0 0 0)",
                    "storage 42 1 0 (- 0 0)", "users 1 1 0 (- 0 0)",
                ])
            let ada = try await Self.statement(engine, Self.february, .ada)
            #expect(ada.subject == .ada)
            #expect(
                Self.lines(ada) == [
                    "exports 0 0 0 (0 0 0)", "prompts 7 2 1000 (0 0 0)", "storage 2 1 0 (- 0 0)",
                    "users 1 1 0 (- 0 0)",
                ])
            #expect(
                try await engine.statement(
                    of: Self.february, for: SubjectID(unchecked: "nobody")) == .unknownSubject)

            try await engine.count(
                Self.costing(80, .of(.ada, [.prompts: 4], id: "j", at: "2026-02-20T00:00:00Z")),
                .of(.bob, [.prompts: 3], id: "k", at: "2026-01-20T00:00:00Z"),
                .of(.bob, [.prompts: 1_000], id: "l", at: "2026-01-20T00:00:00Z"))
            _ = try await engine.void("l")
            clock.set(.at("2026-04-01T00:00:00Z"))
            try await engine.put(.closeMonth(Self.march))
            #expect(
                Self.lines(try await Self.statement(engine, Self.march))[1]
                    == "prompts 57 3 80 (7 2 80)")
            #expect(
                Self.lines(try await Self.statement(engine, Self.march, .ada))[1]
                    == "prompts 54 2 80 (4 1 80)")
            #expect(
                Self.lines(try await Self.statement(engine, Self.march, .bob))[1]
                    == "prompts 3 1 0 (3 1 0)")
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `whatever happens since, a statement is the same byte for byte`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            var engine: MeterstoneEngine { session.engine }
            try await Self.use(engine)
            try await engine.put(.closeMonth(Self.february))
            let all = try await Self.text(engine, Self.february)
            let ada = try await Self.text(engine, Self.february, .ada)
            for step in 0..<6 {
                switch step {
                case 0: try await engine.flush()
                case 1: try await session.reopen()
                case 2:
                    try await engine.count(
                        .of(.ada, [.prompts: 3], at: "2026-02-14T10:00:00Z"),
                        .of(.ada, [Self.storage: 9], at: "2026-02-14T10:00:00Z"))
                case 3:
                    // Another meter counts the past, too, and this one counts no more.
                    try await engine.put(.putMeter(Meter(key: .seconds)))
                    try await engine.put(
                        .putMeter(Meter(key: .prompts, dimensions: ["kind": ["none"]])))
                case 4: try await engine.put(.deleteMeter(.exports))
                default:
                    session.clock.set(.at("2026-04-02T00:00:00Z"))
                    try await engine.put(.closeMonth(Self.march))
                }
                #expect(try await Self.text(engine, Self.february) == all, "\(step)")
                #expect(try await Self.text(engine, Self.february, .ada) == ada, "\(step)")
            }
            // A merge moves what one subject used, and what all did stays.
            #expect(try await engine.put(.mergeSubject(.ada, from: .bob)).isChange)
            #expect(try await Self.text(engine, Self.february) == all)
            let notes = try await engine.changes(
                ChangeFilter(kind: "statement"), before: nil, count: 10)
            #expect(notes.map(\.key) == ["2026-02"])
            #expect(notes.first?.after == all)
        }
    }
}
