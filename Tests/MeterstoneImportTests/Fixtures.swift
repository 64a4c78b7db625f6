import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneImport
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting

/// Real usage, and what a program in another language computed from it.
enum Fixtures {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    static func path(_ name: String) -> String {
        root.appending(path: name).path
    }

    static func expected<Value: Decodable>(_ name: String, _ type: Value.Type) throws -> Value {
        let bytes = try Data(contentsOf: root.appending(path: "expected/\(name)"))
        return try JSONDecoder().decode(type, from: bytes)
    }

    static let commits = MeterKey(unchecked: "commits")
    static let lines = MeterKey(unchecked: "lines")

    /// Columns of `commits.csv.gz`, as the README's command line names them.
    static func commitsMapping(_ quantities: [String]) -> ColumnMapping {
        ColumnMapping(
            subject: RowTemplate(column: "subject"), time: "occurred_at", id: "event_id",
            quantities: quantities.compactMap { QuantityMapping($0) })
    }

    /// The rows of `commits.csv.gz` as events, in the order of the file.
    static func commitEvents() throws -> [UsageEvent] {
        let file = try InputFile(path: path("commits.csv.gz"))
        var reader = CSVEventReader(commitsMapping(["commits=1", "lines=lines_added"]))
        while let bytes = try file.next() { reader.push(bytes) }
        reader.finish()
        var events: [UsageEvent] = []
        while let row = try reader.next() { events.append(try row.content.get()) }
        return events
    }

    static func importFile(
        _ name: String, _ request: ImportRequest, into engine: MeterstoneEngine
    ) async throws -> ImportSummary {
        let file = try InputFile(path: path(name))
        var usageImport = try UsageImport(file, into: engine, request)
        return try await usageImport.run()
    }
}

enum StoreKind: CaseIterable, Sendable {
    case sqlite
    case postgres
}

/// An engine over a store of its own, which goes away with the closure.
func withEngine<Answer>(
    on kind: StoreKind = .sqlite, timeZone: String = "UTC",
    _ body: (MeterstoneEngine) async throws -> Answer
) async throws -> Answer {
    let folder = TemporaryFolder()
    let zones = ZoneDatabase()
    var options = StoreOptions()
    options.defaultTimeZone = timeZone
    options.zoneRules = { zones.rules(named: $0) }
    let store: any Store =
        switch kind {
        case .sqlite: try SQLiteStore(directory: folder.path, options: options)
        case .postgres:
            try PostgresStore(
                PostgresOptions(
                    url: try PostgresServer.shared().makeDatabase(),
                    patience: PostgresServer.patience),
                options: options)
        }
    let engine = MeterstoneEngine(store: store)
    do {
        let answer = try await body(engine)
        await engine.shutdown()
        return answer
    } catch {
        await engine.shutdown()
        throw error
    }
}

extension ReportQuestion {
    /// About all of time, with as many rows as there can be.
    static let always = ReportQuestion(
        from: Instant(millisecondsSince1970: 0), until: Instant(rfc3339: "2100-01-01T00:00:00Z"),
        count: countMax)
}

extension MeterstoneEngine {
    /// What everybody used of a meter, ever.
    func totals(of meter: MeterKey) async throws -> [SubjectID: Int64] {
        guard case .report(let report) = try await topSubjects(of: meter, .always) else {
            return [:]
        }
        return report.rows.reduce(into: [:]) { $0[$1.subject] = $1.quantity }
    }
}
