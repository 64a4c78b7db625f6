import Foundation
import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// After compaction no byte of an erased person is left in what the store wrote, and every number is.
@Suite struct CompactionTests {
    private static let ann = SubjectID(unchecked: "ann-lee")
    private static let erased = SubjectID(unchecked: "erased-0f")
    private static let visits = MeterKey(unchecked: "visits")
    private static let visitors = MeterKey(unchecked: "visitors")
    private static let now = "2026-03-10T11:00:00Z"

    /// Everything that names the person or was told of her.
    private static let texts = [
        "ann-lee", "Ann Lee", "annie", "ann.lee@example.com", "583231", "likes tea", "Oslo",
        "her phone", "10.1.2.3", "write to mother", "no route home", "private-7", "for herself",
        "mistyped by", "given by hand", "campaign-ann", "anns-laptop", "keepsake", "a favour",
        "cus_annlee", "guest-77", "Curious Guest", "guest.mail@example.org", "guest-event",
        "guest-gift", "was Curious",
    ]

    /// A store by hand, and everything that it has written.
    private struct Place {
        let open: () throws -> any Store
        let written: () throws -> Data

        init(_ kind: StoreUnderTest) throws {
            let options = StoreUnderTest.options()
            guard kind == .postgres else {
                let folder = TemporaryFolder()
                open = { try SQLiteStore(directory: folder.path, options: options) }
                written = {
                    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                    return try names.sorted().reduce(into: Data()) { bytes, name in
                        bytes += try Data(contentsOf: URL(filePath: "\(folder.path)/\(name)"))
                    }
                }
                return
            }
            let postgres = PostgresOptions(
                url: try PostgresServer.shared().makeDatabase(), patience: PostgresServer.patience)
            open = { try PostgresStore(postgres, options: options) }
            written = {
                let connection = try MeterstonePostgres.Session.ofMirror(postgres)
                defer { connection.close() }
                let tables = try connection.run(
                    Query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
                return try (0..<tables.count).reduce(into: Data()) { bytes, row in
                    let rows = try connection.run(
                        Query("SELECT t::text FROM \"\(tables.text(row, 0))\" t"))
                    for row in 0..<rows.count { bytes += Data(rows.text(row, 0).utf8) }
                }
            }
        }

        /// Those of some texts that are found, as they are or as hexadecimal digits.
        func found(_ texts: [String]) throws -> [String] {
            let bytes = try written()
            return texts.filter { text in
                let hex = text.utf8.map { byte in
                    let digits = String(byte, radix: 16)
                    return digits.count == 1 ? "0" + digits : digits
                }
                return bytes.range(of: Data(text.utf8)) != nil
                    || bytes.range(of: Data(hex.joined().utf8)) != nil
            }
        }
    }

    private static func run<Result>(
        _ store: any Store, _ body: (MeterstoneEngine) async throws -> Result
    ) async throws -> Result {
        let clock = ManualClock()
        let engine = MeterstoneEngine(store: store, clock: { clock.now })
        do {
            let result = try await body(engine)
            await engine.shutdown()
            return result
        } catch {
            await engine.shutdown()
            throw error
        }
    }

    private static func visit(
        _ id: String, by subject: SubjectID, of visitor: String, _ units: Int64
    ) -> UsageEvent {
        UsageEvent(
            id: EventID(id), subject: subject, occurredAt: .at(now),
            quantities: Quantities([NamedQuantity(name: visits, quantity: Quantity(units))]),
            details: subject == .bob
                ? ofBob
                : EventDetails(
                    type: "visit", errorMessage: "no route home", project: "keepsake",
                    session: "private-7",
                    dimensions: [
                        Dimension(name: "title", value: "for herself"),
                        Dimension(name: "visitor", value: visitor),
                    ], properties: #"{"prompt":"write to mother"}"#))
    }

    private static let ofBob = EventDetails(
        type: "visit", dimensions: [Dimension(name: "visitor", value: "v1")],
        properties: #"{"prompt":"call home"}"#)

    private static func tell(_ engine: MeterstoneEngine) async throws {
        try await engine.put(.putMeter(Meter(key: visits)))
        try await engine.put(
            .putMeter(
                Meter(
                    key: visitors, aggregation: .uniqueCount, eventTypes: ["visit"],
                    uniqueDimension: "visitor")))
        try await engine.put(.putCreditPolicy(CreditPolicy(prices: [visits: 2])))
        try await engine.put(.putPlan(Plan(key: .pro)))
        let limit = Limit(
            key: LimitKey(unchecked: "weekly"), meter: visits, window: .week(startsOn: .monday))
        try await engine.put(.putLimit(limit))
        let account = PersonAccount(
            email: EmailAddress(unchecked: "ann.lee@example.com"),
            externalIDs: ["github": "583231"], variables: ["city": .text("Oslo")])
        for subject in [ann, .bob] {
            try await engine.put(.putSubject(Subject(id: subject, parent: .team)))
            try await engine.put(.grantCredit(subject, GrantOrder(amount: 500)))
        }
        try await engine.put(.resetLimit(.bob, limit.key, reason: "as Ann Lee asked"))
        try await engine.put(
            .putSubject(
                Subject(id: ann, parent: .team, name: "Ann Lee", metadata: ["note": "likes tea"])),
            key: "create ann-lee")
        try await engine.put(.putAccount(ann, account))
        try await engine.put(
            .startAccountSession(
                ann,
                AccountSession(
                    id: SessionID(unchecked: "s"), device: "her phone", address: "10.1.2.3",
                    startedAt: .at(now), lastSeenAt: .at(now))))
        try await engine.put(.putAlias(ann, alias: SubjectID(unchecked: "annie")))
        try await engine.put(
            .putSubscription(
                ann,
                Subscription(
                    plan: .pro, startsAt: .at(now), externalIDs: ["stripe": "cus_annlee"])))
        try await engine.put(
            .grantCredit(
                ann,
                GrantOrder(
                    id: GrantID("campaign-ann"), amount: 50, metadata: ["why": "given by hand"])))
        try await engine.put(
            .putKey(
                APIKey(
                    key: APIKeyID(unchecked: "k1"), name: "anns-laptop",
                    digest: String(repeating: "0", count: 64),
                    scopes: [.read], subject: ann, createdAt: .at(now))))
    }

    /// Somebody who turns out to be her.
    private static func merge(_ engine: MeterstoneEngine) async throws {
        let guest = SubjectID(unchecked: "guest-77")
        let mail = EmailAddress(unchecked: "guest.mail@example.org")
        for change in [
            Change.putSubject(Subject(id: guest, name: "Curious Guest")),
            .putAccount(guest, PersonAccount(email: mail)),
            .grantCredit(
                guest, GrantOrder(id: GrantID("guest-gift"), amount: 30, oncePerPerson: true)),
            .deleteAccount(guest),
        ] {
            #expect(try await engine.put(change).isChange)
        }
        let used = try await engine.consume(visit("guest-event", by: guest, of: "v3", 4))
        #expect(used.code == "allowed")
        #expect(try await engine.put(.mergeSubject(ann, from: guest)).code == "replaced")
        try await engine.put(
            .resetLimit(.bob, LimitKey(unchecked: "weekly"), reason: "she was Curious Guest"))
    }

    private static func use(_ engine: MeterstoneEngine) async throws {
        for (id, subject, visitor, units) in [
            ("ann-lee-1", ann, "ann.lee@example.com", 5), ("ann-lee-2", ann, "v1", 2),
            ("b1", .bob, "v1", 3), ("ann-lee-3", ann, "v2", 7),
        ] as [(String, SubjectID, String, Int64)] {
            let outcome = try await engine.consume(visit(id, by: subject, of: visitor, units))
            #expect(outcome.code == "allowed")
        }
        #expect(try await engine.amend("ann-lee-2", [visits: 4]).code == "corrected")
        let void = Correction(
            eventID: try #require(EventID("ann-lee-3")), kind: .void, author: "test",
            reason: "mistyped by Ann Lee")
        #expect(try await engine.correct(void).code == "corrected")
        try await engine.put(
            .refundCredit(ann, reference: "ann-lee-1", reason: "a favour to Ann Lee"))
    }

    /// What is left to be told, by what subjects are called then.
    private static func numbers(
        _ engine: MeterstoneEngine, of person: SubjectID
    ) async throws -> [String] {
        var lines: [String] = []
        for (name, subject) in [("person", person), ("bob", .bob), ("team", .team)] {
            for meter in [visits, visitors] {
                let used = try await engine.quantities(
                    of: subject, meter, per: .day, from: "2026-03-10T00:00:00Z",
                    until: "2026-03-11T00:00:00Z")
                lines.append("\(name) \(meter) \(used)")
            }
            let ledger = try await engine.ledger(of: subject, before: nil, count: 100)
            lines += ledger.entries.map { "\(name) \($0.entry.kind) \($0.entry.amount)" }
            let wallet = try await engine.wallet(of: subject)
            lines.append("\(name) \(wallet.balance)")
        }
        return lines
    }

    @Test(arguments: [StoreUnderTest.sqlite, .postgres])
    func `no byte of the person is left, and every number is`(kind: StoreUnderTest) async throws {
        let place = try Place(kind)
        let before = try await Self.run(try place.open()) { engine in
            try await Self.tell(engine)
            try await Self.use(engine)
            try await Self.merge(engine)
            return try await Self.numbers(engine, of: Self.ann)
        }
        // All of it is found while she is there.
        #expect(try place.found(Self.texts) == Self.texts)
        try await Self.run(try place.open()) { engine in
            try await engine.put(.eraseSubject(Self.ann, Erasure(key: Self.erased)))
            #expect(try await Self.numbers(engine, of: Self.erased) == before)
            for persons in [1, 1] {
                let report = try await engine.compact()
                #expect(report.persons == persons)
                #expect(try place.found(Self.texts) == [])
                #expect(try await engine.verify().differences == [])
                #expect(try await Self.numbers(engine, of: Self.erased) == before)
                #expect(try await engine.subject(Self.ann) == nil)
            }
            // Nothing tells who had it, and yet the same person does not get it again.
            let again = SubjectID(unchecked: "again")
            let mail = EmailAddress(unchecked: "guest.mail@example.org")
            try await engine.put(.putAccount(again, PersonAccount(email: mail)))
            let order = GrantOrder(id: GrantID("guest-gift"), amount: 30, oncePerPerson: true)
            #expect(try await engine.put(.grantCredit(again, order)).code == "duplicate_grant")
            // What the rest tells is as it was.
            let events = try await engine.events(of: .bob).events
            #expect(events.first?.event.details?.properties == Self.ofBob.properties)
        }
    }
}
