import Foundation
import MeterstoneBlueprint
import MeterstoneMirror
import MeterstoneTesting
import Testing

/// What `Web/schema` has of the mirror for query builders.
@Suite struct SchemaTests {
    @Test func `the schemas of query builders say what stands in the mirror`() async throws {
        try await MirrorUnderTest.postgres.with(.videoStudio) { scene in
            try await scene.catchUp()
            let database = try scene.location.open(isReadOnly: true)
            defer { database.close() }
            let schema = try MirrorSchema(of: database)
            for (language, file) in [
                (MirrorSchema.Language.drizzle, "drizzle-postgres.ts"),
                (.drizzleSQLite, "drizzle-sqlite.ts"), (.prisma, "postgres.prisma"),
                (.prismaSQLite, "sqlite.prisma"),
            ] {
                let path = #filePath.replacing(
                    "Tests/MeterstoneMirrorTests/SchemaTests.swift", with: "Web/schema/\(file)")
                let text = schema.text(language)
                if ProcessInfo.processInfo.environment["METERSTONE_RECORD_SNAPSHOTS"] != nil {
                    try text.write(toFile: path, atomically: true, encoding: .utf8)
                } else {
                    let known = try String(contentsOfFile: path, encoding: .utf8)
                    #expect(known == text, "\(file)")
                }
            }
            let studio = try #require(
                schema.text(.drizzle).split(separator: "export const userCredits").last)
            #expect(
                studio.hasPrefix(
                    """
                     = pgView('user_credits', {
                      id: bigint('id', { mode: 'number' }).notNull(),
                      userId: text('user_id'),
                      balance: bigint('balance', { mode: 'number' }),
                    """))
        }
    }

    @Test func `a view that people ask has every column of its key, in both databases`()
        async throws
    {
        for mirror in MirrorUnderTest.allCases {
            try await mirror.with(.videoStudio) { scene in
                for (view, key) in MirrorViews.keys {
                    let columns = key.joined(separator: ", ")
                    let repeated = try await scene.ask(
                        """
                        SELECT \(columns) FROM "\(view)" GROUP BY \(columns) HAVING COUNT(*) > 1
                        """)
                    #expect(repeated == [], "\(view)")
                }
            }
        }
    }

    @Test func `SQLite knows no types of views, and says so`() async throws {
        try await MirrorUnderTest.sqlite.with { scene in
            try await scene.catchUp()
            let database = try scene.location.open(isReadOnly: true)
            defer { database.close() }
            #expect(throws: (any Error).self) { try MirrorSchema(of: database) }
        }
    }
}
