import Meterstone
import MeterstoneCore
import MeterstoneMirror
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A page that is cut off in the middle has not happened, wherever that is.
@Suite struct CutOffTests {
    /// A database that fails at one call, and from then on.
    private final class FailingDatabase: MirrorDatabase {
        private let database: any MirrorDatabase
        /// `nil`: as many as there are.
        var callsLeft: Int?

        init(_ database: any MirrorDatabase, after calls: Int? = nil) {
            self.database = database
            callsLeft = calls
        }

        private func call() throws(StoreError) {
            guard let left = callsLeft else { return }
            callsLeft = left - 1
            if left <= 0 { throw StoreError(code: .unavailable, message: "cut off") }
        }

        var dialect: MirrorDialect { database.dialect }

        func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
            try database.transaction { () throws(StoreError) in
                try body()
                // Between the last statement and the commit.
                try call()
            }
        }

        func execute(_ sql: String) throws(StoreError) {
            try call()
            try database.execute(sql)
        }

        func put(_ rows: [[MirrorValue]], into table: MirrorTable) throws(StoreError) {
            // In the middle of a set of rows, too.
            try database.put(Array(rows.prefix(rows.count / 2)), into: table)
            try call()
            try database.put(rows, into: table)
        }

        func delete(
            _ values: [MirrorValue], ofColumn column: String, from table: MirrorTable
        ) throws(StoreError) {
            try call()
            try database.delete(values, ofColumn: column, from: table)
        }

        func rows(
            _ columns: [String], from table: MirrorTable, where column: String,
            isOneOf values: [MirrorValue]
        ) throws(StoreError) -> [[MirrorValue]] {
            try call()
            return try database.rows(columns, from: table, where: column, isOneOf: values)
        }

        func ask(
            _ sql: String, _ parameters: [MirrorValue], rowsMax: Int?
        ) throws(StoreError) -> MirrorAnswer {
            try call()
            return try database.ask(sql, parameters, rowsMax: rowsMax)
        }

        func close() { database.close() }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `a mirror that is cut off at any statement has every fact once in the end`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with { scene in
            let prompts = Meter(key: MeterKey(unchecked: "prompts"))
            try await scene.apply(Blueprint(meters: [prompts], plans: [], limits: []))
            for number in 0..<30 {
                // Hers come ahead of their time.
                let isHers = number.isMultiple(of: 3)
                try await scene.use(
                    isHers ? "ada" : "bob", nil, ["prompts": Int64(number)],
                    at: isHers ? "2026-04-03T10:00:00Z" : nil, id: "e\(number)")
            }
            _ = try await scene.engine.correct(
                Correction(
                    eventID: try #require(EventID("e4")), kind: .void, author: "eve",
                    reason: "twice"))
            try await scene.change(
                .putSubject(
                    Subject(id: SubjectID(unchecked: "ada"), timeZone: "Pacific/Kiritimati")))
            let pages = try await Self.pages(of: scene.engine, count: 9)
            // So is the making of its tables.
            for calls in [0, 7, 40] {
                let database = FailingDatabase(try scene.location.open(), after: calls)
                #expect(throws: StoreError.self) {
                    _ = try MirrorWriter(database, defaultTimeZone: "UTC")
                }
                database.close()
            }
            var failures = 0
            for page in pages {
                var calls = 0
                // It is cut off at each statement of the page, and another process goes on.
                while try !Self.write(page, to: scene.location, cutOffAfter: calls) {
                    calls += 1
                }
                failures += calls
            }
            #expect(failures > 40)
            #expect(
                try scene.stale("SELECT subject, quantity FROM usage_lifetime ORDER BY subject")
                    == ["ada|135", "bob|296"])
            #expect(
                try scene.stale("SELECT COUNT(*), COUNT(DISTINCT id) FROM events") == ["30|30"])
            #expect(try scene.stale("SELECT COUNT(*) FROM corrections") == ["1"])
            #expect(
                try scene.stale("SELECT DISTINCT subject, day FROM usage ORDER BY subject")
                    == ["ada|2026-04-04", "bob|2026-04-02"])
        }
    }

    private static func pages(
        of engine: MeterstoneEngine, count: Int
    ) async throws -> [FactPage] {
        var pages: [FactPage] = []
        while true {
            let page = try await engine.facts(
                after: pages.last?.lastSequence ?? 0, count: count)
            pages.append(page)
            if page.isLast { return pages }
        }
    }

    /// `false`: it was cut off.
    private static func write(
        _ page: FactPage, to location: MirrorLocation, cutOffAfter calls: Int
    ) throws -> Bool {
        let database = FailingDatabase(try location.open())
        defer { database.close() }
        let writer = try MirrorWriter(database, defaultTimeZone: "UTC")
        let watermark = writer.watermark
        database.callsLeft = calls
        do throws(StoreError) {
            try writer.write(page, at: .at("2026-04-02T12:00:00Z"))
            return true
        } catch {
            #expect(error.message == "cut off" && writer.watermark == watermark)
            return false
        }
    }
}
