import Foundation
import Meterstone
import MeterstoneArchive
import MeterstoneCore
import MeterstoneImport
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Real usage of 21 years, archived: every number that another program computed stays, and the archive has them too.
@Suite(.serialized) struct RealArchiveTests {
    private static let request = ImportRequest(
        format: .csv, mapping: Fixtures.commitsMapping(["commits=1", "lines=lines_added"]))
    private static let rows = 60_751

    private struct Lifetime: Decodable {
        struct Subject: Decodable, Equatable {
            let commits: Int64
            let linesAdded: Int64
        }
        let subjects: [String: Subject]
    }

    private static func lifetimes(
        _ engine: MeterstoneEngine
    ) async throws -> [String: Lifetime.Subject] {
        var result: [String: Lifetime.Subject] = [:]
        for subject in try await engine.subjects(after: nil, count: 10_000) {
            result[subject.id.text] = Lifetime.Subject(
                commits: try await lifetime(engine, subject.id, Fixtures.commits),
                linesAdded: try await lifetime(engine, subject.id, Fixtures.lines))
        }
        return result
    }

    private static func lifetime(
        _ engine: MeterstoneEngine, _ subject: SubjectID, _ meter: MeterKey
    ) async throws -> Int64 {
        guard
            case .series(let series) = try await engine.usage(
                of: subject, meter: meter, window: .lifetime)
        else { return -1 }
        return series.points.first?.quantity.units ?? 0
    }

    @Test(arguments: StoreKind.allCases)
    func `an archive leaves every number, and gives it again`(store: StoreKind) async throws {
        let expected = try Fixtures.expected("lifetime.json", Lifetime.self).subjects
        #expect(expected.count == 2_669)
        let place = TemporaryFolder()
        let folder = ArchiveFolder(place.path + "/archive")
        try await withEngine(on: store) { engine in
            _ = try await Fixtures.importFile("commits.csv.gz", Self.request, into: engine)
            try await engine.flush()
            let lines = try await engine.totals(of: Fixtures.lines)
            var parts = 0
            let log = try await folder.archive(engine, before: SystemClock.now().utcDay) { _ in
                parts += 1
            }
            #expect(log.events == Self.rows)
            #expect(log.parts.count == parts)
            let report = try await engine.verify()
            #expect(report.differences == [])
            #expect(report.archived == Self.rows)
            #expect(try await Self.lifetimes(engine) == expected)
            #expect(try await engine.totals(of: Fixtures.lines) == lines)
            // Ids of what was archived are remembered.
            let again = try await Fixtures.importFile("commits.csv.gz", Self.request, into: engine)
            #expect(again.duplicate == Self.rows)
            #expect(again.counted == 0)
            // Nothing is left to be archived.
            try await engine.flush()
            let second = try await folder.archive(engine, before: SystemClock.now().utcDay)
            #expect(second.parts == log.parts)
            #expect(try await engine.rebuild() > 0)
            #expect(try await Self.lifetimes(engine) == expected)
        }
        let found = try folder.check()
        #expect(found.events == Self.rows)
        #expect(found.mistakes == [])
        var text = Data()
        try folder.forEachEvent { text += $0 }
        try text.write(to: URL(filePath: place.path + "/old.ndjson"))
        try await withEngine { engine in
            let file = try InputFile(path: place.path + "/old.ndjson")
            var usageImport = try UsageImport(
                file, into: engine, ImportRequest(format: .ndjson))
            let summary = try await usageImport.run()
            #expect(summary.counted == Self.rows)
            #expect(try await Self.lifetimes(engine) == expected)
        }
    }
}
