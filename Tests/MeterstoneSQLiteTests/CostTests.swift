import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What a command or a read costs must not grow with the history of its subject.
///
/// The cost is counted, and not timed: pages that a store which was just opened has to read. A b-tree
/// is a page deeper here and there when it is a hundred times as large, and what stood in one block of
/// events stands in several; that is all. With `COSTS=1` it prints what it counted.
@Suite struct CostTests {
    private static let busy = SubjectID(unchecked: "busy")
    private static let now = FixedHistory.now
    /// Pages that deeper trees and blocks of their own may cost: ten open reservations have ten.
    private static let slack = 40
    private static let isTold = ProcessInfo.processInfo.environment["COSTS"] != nil

    private static func usage(_ id: String) -> UsageEvent {
        UsageEvent(
            id: EventID(id), subject: busy, occurredAt: now, quantities: .one(.prompts, 1))
    }

    private static func id(_ text: String) -> EventID { .text(text) }

    private static let peak = Meter(
        key: MeterKey(unchecked: "peak"), aggregation: .max, quantityName: .prompts)

    private static let late = Meter(key: MeterKey(unchecked: "late"), quantityName: .prompts)

    /// Everything of one subject, and all of it today, an event a millisecond up to now.
    private final class History {
        let folder = TemporaryFolder()
        let disk: FaultyDisk
        private let count: Int
        private static let eventsPerCommit = 500

        init(events count: Int) throws {
            disk = FaultyDisk(folder: folder.path)
            self.count = count
            let store = try open()
            let limit = Limit(
                key: LimitKey(unchecked: "daily"), meter: .prompts, window: .day,
                defaultAllowance: .units(1_000_000))
            let changes: [Change] = [
                .putMeter(Meter(key: .prompts)), .putMeter(peak), .putLimit(limit),
                .putCreditPolicy(CreditPolicy(prices: [.prompts: 1])),
                .grantCredit(busy, GrantOrder(amount: 10_000_000)),
            ]
            _ = try store.commit(
                changes.map { .change(ChangeRequest(change: $0, author: "test")) }, at: now)
            for start in stride(from: 0, to: count, by: Self.eventsPerCommit) {
                let numbers = start..<min(start + Self.eventsPerCommit, count)
                _ = try store.commit(
                    numbers.flatMap(commands), at: occurrence(of: numbers.upperBound))
            }
            // A meter that is younger than its subject looks at the day once, when it is first moved. What it
            // found is stored with the second event.
            let change = ChangeRequest(change: .putMeter(late), author: "test")
            let last = ["one more", "last"].map { Command.consume(usage($0)) }
            _ = try store.commit([.change(change)] + last, at: now)
            try store.close()
        }

        func occurrence(of number: Int) -> Instant {
            now.advanced(byMilliseconds: Int64(number - count))
        }

        /// A tenth is voided, a tenth is a reservation that was settled, a tenth an open one.
        private func commands(_ number: Int) -> [Command] {
            let id = "e\(number)"
            var usage = CostTests.usage(id)
            usage.occurredAt = occurrence(of: number)
            // Whatever is voided is not the largest.
            if number == 0 { usage.quantities = .one(.prompts, 3) }
            var held = usage
            held.occurredAt = nil
            switch number % 10 {
            case 1:
                return [.consume(usage), .correct(void(id))]
            case 2:
                return [
                    .reserve(held, ReservationTerms()),
                    .close(
                        ReservationClosing(
                            id: .text(id), end: .settle(.one(.prompts, 1)), details: nil)),
                ]
            case 3 where number < 100: return [.reserve(held, ReservationTerms())]
            default: return [.consume(usage)]
            }
        }

        func open() throws -> SQLiteStore {
            try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        }

        /// Pages that it takes to do something with a store that was just opened.
        func cost(
            _ body: (MeterstoneEngine) async throws -> Void
        ) async throws -> Int {
            let engine = MeterstoneEngine(store: try open(), clock: { now })
            // Finding the subject, what every connection reads first, and the filters of event ids,
            // which are read once and stay in memory.
            _ = try await engine.limits(of: busy)
            _ = try await engine.check(usage("unheard of"))
            _ = try await engine.subject(busy)
            let before = disk.reads
            try await body(engine)
            let cost = disk.reads - before
            await engine.shutdown()
            return cost
        }
    }

    private static func void(_ id: String) -> Correction {
        Correction(
            eventID: .text(id), source: nil, kind: .void, author: "grace", reason: "a mistake")
    }

    private struct Deed {
        let name: String
        let body: (MeterstoneEngine) async throws -> Void

        init(_ name: String, _ body: @escaping (MeterstoneEngine) async throws -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static var deeds: [Deed] {
        [
            Deed("consume") { _ = try await $0.consume(usage("new")) },
            Deed("consume again") { _ = try await $0.consume(usage("e4")) },
            Deed("consume again what was voided") { _ = try await $0.consume(usage("e1")) },
            Deed("check") { _ = try await $0.check(usage("another")) },
            Deed("record") { _ = try await $0.record([usage("told")]) },
            Deed("void") { _ = try await $0.correct(void("e5")) },
            Deed("void again") { _ = try await $0.correct(void("e11")) },
            Deed("amend") {
                _ = try await $0.correct(
                    Correction(
                        eventID: id("e6"), source: nil, kind: .amend(.one(.prompts, 2), nil),
                        author: "grace", reason: "more"))
            },
            Deed("reserve") { _ = try await $0.reserve(usage("held")) },
            Deed("reserve again") { _ = try await $0.reserve(usage("e13")) },
            Deed("extend") {
                _ = try await $0.extend(
                    ReservationExtension(id: id("e23"), quantities: .one(.prompts, 2)))
            },
            Deed("settle") { _ = try await $0.settle(id("e33"), .one(.prompts, 1)) },
            Deed("settle again") { _ = try await $0.settle(id("e12"), .one(.prompts, 1)) },
            Deed("release") { _ = try await $0.release(id("e43")) },
            Deed("look at an open reservation") { _ = try await $0.reservation(id("e53")) },
            Deed("look at a closed reservation") { _ = try await $0.reservation(id("e22")) },
            Deed("look at open reservations") { _ = try await $0.openReservations(of: busy) },
            Deed("grant credit") {
                _ = try await $0.change(
                    ChangeRequest(change: .grantCredit(busy, GrantOrder(amount: 1)), author: "test")
                )
            },
            Deed("refund") {
                _ = try await $0.change(
                    ChangeRequest(
                        change: .refundCredit(busy, reference: "e7", reason: "kind"), author: "test"
                    ))
            },
            Deed("name another plan") {
                _ = try await $0.change(
                    ChangeRequest(
                        change: .putSubject(Subject(id: busy, plan: PlanKey(unchecked: "pro"))),
                        author: "test"))
            },
            Deed("limits") { _ = try await $0.limits(of: busy) },
            Deed("wallet") { _ = try await $0.wallet(of: busy) },
            Deed("usage of days") {
                _ = try await $0.usage(of: busy, meter: .prompts, window: .day)
            },
            Deed("usage of a lifetime") {
                _ = try await $0.usage(of: busy, meter: .prompts, window: .lifetime)
            },
            Deed("newest events") {
                let page = try await $0.events(of: busy, count: 100)
                #expect(page.next != nil)
            },
            Deed("older events") { engine in
                let cursor = EventCursor(
                    occurredAt: now.advanced(byMilliseconds: -500), sequence: .min)
                let page = try await engine.events(of: busy, before: cursor, count: 100)
                #expect(page.events.count == 100)
            },
            Deed("statistics") {
                let statistics = try await $0.statistics(of: busy)
                #expect(statistics?.events.isEmpty == false)
            },
            Deed("lifetime") {
                let lifetime = try await $0.lifetime(of: busy)
                #expect(lifetime?.lastActivityAt != nil)
            },
            Deed("pace") { _ = try await $0.pace(of: busy) },
            Deed("largest of a month") {
                _ = try await $0.usage(of: busy, meter: peak.key, window: .month)
            },
            Deed("usage of a young meter") {
                _ = try await $0.usage(of: busy, meter: late.key, window: .month)
            },
            Deed("newest ledger entries") { _ = try await $0.ledger(of: busy, count: 10) },
            Deed("newest changes") { _ = try await $0.changes(count: 10) },
        ]
    }

    @Test func `nothing costs more where a subject has a hundred times the history`() async throws {
        let short = try History(events: 1_000)
        let long = try History(events: 100_000)
        for deed in Self.deeds {
            let few = try await short.cost(deed.body)
            let many = try await long.cost(deed.body)
            if Self.isTold { print("\(deed.name): \(few) pages, \(many) pages") }
            #expect(
                many <= few + Self.slack,
                "\(deed.name): \(few) pages with 1,000 events, \(many) with 100,000")
        }
    }
}
