import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Subprocess
import Testing

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// Promise 2 and 3 under `kill -9`.
@Suite struct CrashTests {
    /// `SEED=n` chooses other moments.
    static let seed =
        ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? 20_261_121

    @Test func `a writer that is killed at any moment loses nothing that it answered`() async throws
    {
        var random = SplitMix64(state: Self.seed)
        let folder = TemporaryFolder()
        var answered: Set<String> = []
        for run in 0..<12 {
            let wanted = Int.random(in: 1...1_500, using: &random)
            let lines = try await Self.answers(of: "run\(run)", in: folder, killedAfter: wanted)
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
    ) async throws -> [String] {
        let result = try await Subprocess.run(
            .path(writer), arguments: [folder.path, run], input: .none, output: .sequence,
            error: .discarded
        ) { process in
            var text: [UInt8] = []
            var lines = 0
            for try await part in process.standardOutput {
                let bytes = unsafe part.withUnsafeBytes { unsafe Array($0) }
                text += bytes
                guard lines < wanted else { continue }
                lines += bytes.count { $0 == UInt8(ascii: "\n") }
                if lines >= wanted { try process.send(signal: .kill) }
            }
            return text
        }
        let text = result.closureResult
        // What follows the last line end was not written whole.
        return String(decoding: text, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        ).dropLast().map(String.init)
    }

    /// The program that the package builds beside the tests.
    private static var writer: FilePath {
        get throws {
            let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            let program = tests.deletingLastPathComponent().appendingPathComponent("CrashWriter")
            try #require(FileManager.default.isExecutableFile(atPath: program.path))
            return FilePath(program.path)
        }
    }
}

extension CrashTests {
    @Test func `a second process is told that the store is taken`() async throws {
        let folder = TemporaryFolder()
        let store = try SQLiteStore(directory: folder.path, options: FixedHistory.options)
        let second = try await Subprocess.run(
            .path(Self.writer), arguments: [folder.path, "second"],
            output: .string(limit: 1_048_576), error: .combinedWithOutput)
        #expect(!second.terminationStatus.isSuccess)
        #expect(second.standardOutput.contains("store_locked"))
        try store.close()
    }
}
