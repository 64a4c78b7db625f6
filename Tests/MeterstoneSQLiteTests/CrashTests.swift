import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Promise 2 and 3 under `kill -9`.
@Suite struct CrashTests {
    /// `SEED=n` chooses other moments.
    static let seed =
        ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? 20_261_121

    @Test func `a writer that is killed at any moment loses nothing that it answered`() throws {
        var random = SplitMix64(state: Self.seed)
        let folder = TemporaryFolder()
        var answered: Set<String> = []
        for run in 0..<12 {
            let wanted = Int.random(in: 1...1_500, using: &random)
            let lines = try Self.answers(of: "run\(run)", in: folder, killedAfter: wanted)
            #expect(lines.count >= wanted, "SEED=\(Self.seed), run \(run)")
            answered.formUnion(lines)
            let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
            let stored = try StoredHistory(store).counts
            #expect(answered.subtracting(stored.keys) == [], "SEED=\(Self.seed), run \(run)")
            #expect(stored.values.allSatisfy { $0 == 1 }, "SEED=\(Self.seed), run \(run)")
            // Some runs go on from a tail that was never projected.
            if run % 3 == 2 {
                let report = try store.verify()
                #expect(report.differences == [], "SEED=\(Self.seed), run \(run)")
                #expect(report.events >= stored.count)
                try store.close()
            }
        }
    }

    /// Runs the writer, reads so many answers, kills it, and reads what else it had answered.
    private static func answers(
        of run: String, in folder: TemporaryFolder, killedAfter wanted: Int
    ) throws -> [String] {
        let process = Process()
        process.executableURL = try writer
        process.arguments = [folder.path, run]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.start()
        var text = Data()
        var lines = 0
        while lines < wanted {
            let part = pipe.fileHandleForReading.availableData
            if part.isEmpty { break }
            lines += part.count { $0 == UInt8(ascii: "\n") }
            text += part
        }
        kill(process.processIdentifier, SIGKILL)
        text += pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        // What follows the last line end was not written whole.
        return String(decoding: text, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        ).dropLast().map(String.init)
    }

    /// The program that the package builds beside the tests.
    private static var writer: URL {
        get throws {
            let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            let program = tests.deletingLastPathComponent().appendingPathComponent("CrashWriter")
            try #require(FileManager.default.isExecutableFile(atPath: program.path))
            return program
        }
    }
}

extension CrashTests {
    @Test func `a second process is told that the store is taken`() throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        let process = Process()
        process.executableURL = try Self.writer
        process.arguments = [folder.path, "second"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.start()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus != 0)
        #expect(text.contains("store_locked"))
        try store.close()
    }
}
