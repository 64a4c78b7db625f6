import Foundation
import GRDB
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Whatever a row of whatever table says, a question ends with an answer or with an error of the store.
///
/// A trap ends the test program, so that the test has passed when it ends.
@Suite struct DamagedRowTests {
    private static let now = FixedHistory.now
    private static let user = SubjectID(unchecked: "user1")
    private static let cost = MeterKey(unchecked: "cost")
    private static let users = MeterKey(unchecked: "users")
    private static let peak = MeterKey(unchecked: "peak")
    private static let disk = MeterKey(unchecked: "disk")
    private static let free = PlanKey(unchecked: "free")

    private static let values = [
        "NULL", "-1", "0", "9223372036854775807", "-9223372036854775808", "4611686018427387904",
        "x''", "zeroblob(64)", "x'ffffffffffffffffffffffffffffffffffffffffffffffffff'",
        "'nonsense'",
        "'{}'", "substr({column}, 1, length({column}) / 2)", "{column} || x'00'", "{column} + 1",
        "-{column}", "substr({column}, 1, length({column}) - 1) || x'7f'",
    ]

    /// One row of a table in which a column says something else, or which is there twice.
    private struct Damage: CustomStringConvertible {
        var table = ""
        var sql: String
        var description: String { sql }
    }

    @Test func `whatever a stored row says, every question ends`() async throws {
        let base = TemporaryFolder()
        try Self.fill(base)
        var damages = try Self.damages(of: base)
        var random = SplitMix64(state: 10)
        damages.shuffle(using: &random)
        // All of them take a while: each run takes the same few of each table, unless it is told how many.
        let told = ProcessInfo.processInfo.environment["METERSTONE_DAMAGES"].flatMap { Int($0) }
        var taken: [String: Int] = [:]
        var opened = 0
        for damage in damages {
            taken[damage.table, default: 0] += 1
            if taken[damage.table, default: 0] > told ?? 2 { continue }
            if try await Self.isAsked(damage, base) { opened += 1 }
        }
        #expect(opened > 0)
        // Without damage everything is answered.
        #expect(try await Self.isAsked(Damage(sql: "SELECT 1"), base, mustAnswer: true))
    }

    private static func damages(of base: TemporaryFolder) throws -> [Damage] {
        let copy = TemporaryFolder()
        try base.copyDatabase(to: copy)
        let database = try DatabaseQueue(path: copy.path + "/meterstone.sqlite")
        defer { try? database.close() }
        return try database.read { database in
            let tables = try String.fetchAll(
                database,
                sql: """
                    SELECT name FROM sqlite_schema
                    WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'grdb_%'
                    ORDER BY name
                    """)
            var result: [Damage] = []
            for table in tables {
                let rows = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0
                #expect(rows > 0, "\(table)")
                let columns = try database.columns(in: table).map(\.name)
                for column in columns {
                    for value in values {
                        let value = value.replacing("{column}", with: column)
                        result.append(
                            Damage(
                                table: table,
                                sql: "UPDATE OR REPLACE \(table) SET \(column) = \(value)"))
                        // One row only.
                        result.append(
                            Damage(
                                table: table,
                                sql: """
                                    UPDATE OR IGNORE \(table) SET \(column) = \(value)
                                    WHERE (\(columns.joined(separator: ","))) = (
                                        SELECT \(columns.joined(separator: ",")) FROM \(table)
                                        ORDER BY \(column) DESC LIMIT 1)
                                    """))
                    }
                    let doubled = columns.map { $0 == column ? "\($0) + 1" : $0 }
                    result.append(
                        Damage(
                            table: table,
                            sql: """
                                INSERT OR IGNORE INTO \(table) (\(columns.joined(separator: ",")))
                                SELECT \(doubled.joined(separator: ",")) FROM \(table)
                                """))
                    result.append(
                        Damage(
                            table: table,
                            sql: """
                                DELETE FROM \(table) WHERE \(column) = (
                                    SELECT \(column) FROM \(table) ORDER BY \(column) LIMIT 1)
                                """))
                }
            }
            return result
        }
    }

    /// - Returns: whether the store could be opened.
    private static func isAsked(
        _ damage: Damage, _ base: TemporaryFolder, mustAnswer: Bool = false
    ) async throws -> Bool {
        let folder = TemporaryFolder()
        try base.copyDatabase(to: folder)
        let database = try DatabaseQueue(path: folder.path + "/meterstone.sqlite")
        // Some damage the schema does not allow.
        let isDone = (try? await database.write { try $0.execute(sql: damage.sql) }) != nil
        try database.close()
        guard isDone else { return false }
        var isOpen = false
        for isFirst in [true, false] {
            let store: SQLiteStore
            do throws(StoreError) {
                store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            } catch {
                #expect(!mustAnswer, "\(error)")
                return isOpen
            }
            isOpen = true
            let engine = MeterstoneEngine(store: store, clock: { now })
            for (name, question) in questions where isFirst {
                do { try await question(engine) } catch {
                    #expect(error is StoreError && !mustAnswer, "\(damage): \(name): \(error)")
                }
            }
            await engine.shutdown()
        }
        return isOpen
    }

    private typealias Question = @Sendable (MeterstoneEngine) async throws -> Void

    private static let span = ReportQuestion(from: .earliest, until: .latest, count: 2)

    private static let questions: [(String, Question)] = reads + reports + writes

    private static let reads: [(String, Question)] = [
        ("subjects", { _ = try await $0.subjects(after: nil, count: 100) }),
        ("subject", { _ = try await $0.subject(user) }),
        ("blueprint", { _ = try await $0.blueprint() }),
        ("limits", { _ = try await $0.limits(of: user) }),
        (
            "usage",
            { engine in
                for window in [Window.hour, .day, .month, .lifetime] {
                    _ = try await engine.usage(of: user, meter: .prompts, window: window)
                    _ = try await engine.usage(of: user, meter: users, window: window)
                }
            }
        ),
        ("events", { _ = try await $0.events(of: user, count: 3) }),
        ("team events", { _ = try await $0.events(of: SubjectID(unchecked: "team")) }),
        ("statistics", { _ = try await $0.statistics(of: user) }),
        ("lifetime", { _ = try await $0.lifetime(of: user) }),
        ("pace", { _ = try await $0.pace(of: user) }),
        (
            "documents",
            { engine in
                let day = CivilDate(daysSince1970: now.utcDay)
                for meter in [MeterKey.prompts, users] {
                    _ = try await engine.dailyUsage(of: user, on: day, meter: meter)
                    let month = CivilMonth(containing: day)
                    _ = try await engine.monthlyUsage(of: user, in: month, meter: meter)
                    _ = try await engine.dailyUsage(.newest(user), meter: meter)
                    _ = try await engine.monthlyUsage(.lastUpdated(user), meter: meter)
                    _ = try await engine.dailyUsage(.everybody(), meter: meter, count: 2)
                    _ = try await engine.monthlyUsage(.highest(month, plan: free), meter: meter)
                }
            }
        ),
        ("changes", { _ = try await $0.changes(count: 100) }),
        ("wallet", { _ = try await $0.wallet(of: user) }),
        ("ledger", { _ = try await $0.ledger(of: user) }),
        ("open reservations", { _ = try await $0.openReservations(of: user) }),
        ("reservation", { _ = try await $0.reservation(EventID.text("r1")) }),
        ("due", { _ = try await $0.expireReservations() }),
        (
            "what if",
            {
                let limit = Limit(
                    key: LimitKey(unchecked: "limit0"), meter: .prompts, window: .day,
                    defaultAllowance: .units(1))
                _ = try await $0.whatIf(WhatIfQuestion(limits: [limit], allLimits: true))
            }
        ),
        ("verify", { _ = try await $0.verify() }),
    ]

    private static let reports: [(String, Question)] = [
        (
            "of meters",
            { engine in
                for meter in [MeterKey.prompts, users, peak, disk] {
                    let first = try await engine.topSubjects(of: meter, span)
                    if case .report(let report) = first, let next = span.following(report) {
                        _ = try await engine.topSubjects(of: meter, next)
                    }
                    _ = try await engine.usage(of: meter, by: .type, span)
                    _ = try await engine.powerUsers(of: meter, percent: 100, span)
                    let day = CivilDate(daysSince1970: now.utcDay)
                    _ = try await engine.unusualUsage(of: meter, on: day, span)
                    _ = try await engine.planEconomics(of: meter, span)
                }
            }
        ),
        ("trends", { _ = try await $0.trends(of: [], per: .day, ReportQuestion(until: .latest)) }),
        ("trends", { _ = try await $0.trends(of: [], per: .year, span) }),
        ("errors", { _ = try await $0.errorRates(minimumEvents: 0, span) }),
        ("adoption", { _ = try await $0.featureAdoption(of: [], span) }),
        ("idle", { _ = try await $0.idleSubjects(days: 1, span) }),
        ("limits", { _ = try await $0.limitPressure(span) }),
        ("limit subjects", { _ = try await $0.limitMeetings(of: nil, span) }),
        ("overage", { _ = try await $0.overage(of: nil, span) }),
        ("funnel", { _ = try await $0.funnel(of: ["a", "b"], isOrdered: true, span) }),
        ("funnel", { _ = try await $0.funnel(of: ["a", "b"], isOrdered: false, span) }),
    ]

    private static let writes: [(String, Question)] = [
        (
            "consume",
            { _ = try await $0.consume(UsageEvent(subject: user, quantities: .one(.prompts, 1))) }
        ),
        (
            "repeat",
            { engine in
                for id in ["event-1-0", "tail-1", "r1"] {
                    _ = try await engine.consume(
                        UsageEvent(
                            id: EventID(id), subject: user, quantities: .one(.prompts, 1)))
                }
            }
        ),
        (
            "void",
            {
                guard let id = EventID("event-2-0") else { return }
                _ = try await $0.correct(
                    Correction(eventID: id, kind: .void, author: "grace", reason: "a mistake"))
            }
        ),
        ("settle", { _ = try await $0.settle(EventID.text("r1")) }),
        (
            "subject",
            {
                _ = try await $0.change(
                    ChangeRequest(
                        change: .putSubject(Subject(id: user, timeZone: "Asia/Tokyo")),
                        author: "grace"))
            }
        ),
        (
            "grant",
            {
                _ = try await $0.change(
                    ChangeRequest(
                        change: .grantCredit(user, GrantOrder(amount: 5)), author: "grace"))
            }
        ),
        (
            "refund",
            {
                _ = try await $0.change(
                    ChangeRequest(
                        change: .refundCredit(user, reference: "paid", reason: "a mistake"),
                        author: "grace"))
            }
        ),
        ("flush", { try await $0.flush() }),
        ("verify", { _ = try await $0.verify() }),
        ("rebuild", { _ = try await $0.rebuild() }),
    ]

    // MARK: The history

    /// A store with something in every table, and a tail in its journal.
    private static func fill(_ folder: TemporaryFolder) throws {
        let other = TemporaryFolder()
        let store = try SQLiteStore(directory: other.path, options: FixedHistory.options)
        try FixedHistory.prepare(store)
        try change(store)
        var history = FixedHistory()
        history.run(store)
        for (index, type) in ["a", "b", "a", "c"].enumerated() {
            _ = try store.commit([.record(event("told-\(index)", type, index))], at: now)
            while try store.project() {}
        }
        let reserved = UsageEvent(
            id: EventID("r1"), subject: user, quantities: .one(.prompts, 2))
        _ = try store.commit(
            [
                .reserve(reserved, ReservationTerms()),
                .consume(
                    UsageEvent(
                        id: EventID("paid"), subject: user, quantities: .one(cost, 3))),
                .correct(
                    Correction(
                        eventID: EventID.text("told-2"), source: "app", kind: .void,
                        author: "grace", reason: "a mistake")),
            ], at: now)
        while try store.project() {}
        _ = try store.commit(
            [
                .record(event("tail-1", "a", 1)), .record(event("tail-2", "b", 2)),
                .correct(
                    Correction(
                        eventID: EventID.text("told-1"), source: "app", kind: .void,
                        author: "grace", reason: "a mistake")),
            ], at: now)
        try other.copyDatabase(to: folder)
        try store.close()
    }

    private static func event(_ id: String, _ type: String, _ index: Int) -> UsageEvent {
        UsageEvent(
            id: EventID(id), subject: SubjectID(unchecked: "user\(index % 3)"),
            occurredAt: now.advanced(byMilliseconds: Int64(index) * -90_000_000),
            quantities: Quantities([
                NamedQuantity(name: .prompts, quantity: 3),
                NamedQuantity(name: peak, quantity: Quantity(Int64(index))),
                NamedQuantity(name: disk, quantity: Quantity(Int64(index))),
            ]),
            details: EventDetails(
                source: "app", type: type, subtype: "x", status: index == 3 ? .failed : .success,
                durationMilliseconds: 7, cost: Money(millionths: 9),
                dimensions: [Dimension(name: "user", value: "u\(index)")]))
    }

    private static func change(_ store: SQLiteStore) throws {
        let changes: [Change] = [
            .putMeter(Meter(key: cost)),
            .putMeter(
                Meter(
                    key: users, aggregation: .uniqueCount, eventTypes: ["a", "b"],
                    uniqueDimension: "user")),
            .putMeter(Meter(key: peak, aggregation: .max)),
            .putMeter(Meter(key: disk, aggregation: .latest)),
            .putPlan(Plan(key: free, isDefault: true)),
            .putPlan(Plan(key: PlanKey(unchecked: "pro"), rank: 1)),
            .putLimit(
                Limit(
                    key: LimitKey(unchecked: "hourly"), meter: .prompts,
                    window: .rolling(seconds: 3_600), defaultAllowance: .units(2), mode: .soft)),
            .putLimit(
                Limit(
                    key: LimitKey(unchecked: "shadow"), meter: .prompts, window: .day,
                    defaultAllowance: .units(1), mode: .shadow)),
            .putCreditPolicy(CreditPolicy(prices: [cost: 1])),
            .putSubscription(
                SubjectID(unchecked: "user0"),
                Subscription(plan: PlanKey(unchecked: "pro"), startsAt: now)),
            .grantCredit(user, GrantOrder(amount: 100)),
        ]
        for change in changes {
            let outcome = try store.commit(
                [.change(ChangeRequest(change: change, author: "test"))], at: now)
            guard case .changed(let result, _, _)? = outcome.first,
                case .rejected(let rejection) = result
            else { continue }
            Issue.record("\(change): \(rejection)")
        }
    }
}
