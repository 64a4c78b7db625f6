import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneTesting
import Testing

/// The example of the README, as it stands there.
@Suite struct EmbedExampleTests {
    private func example(_ data: String) async throws -> Bool {
        // README: from here
        let prompts = MeterKey(unchecked: "prompts")
        let daily = Limit(
            key: LimitKey(unchecked: "prompts_daily"), meter: prompts, window: .day,
            defaultAllowance: .units(10))
        let engine = MeterstoneEngine(store: try SQLiteStore(directory: data))
        _ = try await engine.apply(
            Blueprint(meters: [Meter(key: prompts)], limits: [daily]), author: "example")

        let event = UsageEvent(
            subject: SubjectID(unchecked: "ada"), quantities: .one(prompts, 1))
        var isAllowed = false
        if case .decided(let decision) = try await engine.consume(event) {
            isAllowed = decision.isAllowed  // Counted, and on disk.
        }
        await engine.shutdown()
        // README: to here
        return isAllowed
    }

    @Test func `the example of the README runs`() async throws {
        let folder = TemporaryFolder()
        for _ in 0..<10 { #expect(try await example(folder.path)) }
        #expect(try await !example(folder.path))
    }

    @Test func `the README shows what is compiled here`() throws {
        let file = URL(filePath: #filePath)
        let root = file.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let source = try String(contentsOf: file, encoding: .utf8)
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let body = source.components(separatedBy: "README: from here\n")[1]
            .components(separatedBy: "        // README: to here")[0]
        let lines = body.components(separatedBy: "\n").map { String($0.dropFirst(8)) }
        let head = """
            import Meterstone
            import MeterstoneCore
            import MeterstoneSQLite

            let data = "./data"

            """
        #expect(readme.contains(head + lines.joined(separator: "\n")))
    }
}
