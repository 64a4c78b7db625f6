import Foundation
import Meterstone
import MeterstoneBlueprint
import MeterstoneCommand
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A restart with the same blueprint does not undo what an administrator changed.
@Suite struct BlueprintAtStartTests {
    private static func yaml(_ allowance: Int, comment: String = "") -> String {
        """
        \(comment)
        meters: { prompts: {} }
        plans: { free: { isDefault: true } }
        limits:
          prompts_daily: { meter: prompts, window: day, allowances: { free: \(allowance) } }

        """
    }

    /// A store over several starts.
    private struct Deployment {
        let folder: String

        func start(_ yaml: String) async throws -> [String] {
            try await with { engine in
                try await BlueprintAtStart(try write(yaml)).apply(to: engine)
            }
        }

        func write(_ yaml: String) throws -> String {
            let path = "\(folder)/plans.yaml"
            try yaml.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }

        func with<Answer>(_ body: (MeterstoneEngine) async throws -> Answer) async throws -> Answer
        {
            let engine = MeterstoneEngine(store: try SQLiteStore(directory: "\(folder)/store"))
            let answer = try await body(engine)
            await engine.shutdown()
            return answer
        }

        func allowance() async throws -> Int64? {
            try await with { engine in
                try await engine.blueprint().limits.first?
                    .allowances[PlanKey(unchecked: "free")]?.wire
            }
        }

        func change(to allowance: Int64) async throws {
            try await with { engine in
                guard var limit = try await engine.blueprint().limits.first else { return }
                limit.allowances[PlanKey(unchecked: "free")] = .units(Quantity(allowance))
                let request = ChangeRequest(change: .putLimit(limit), author: "ann")
                #expect(try await engine.change(request).outcome == .replaced)
            }
        }
    }

    @Test func `a restart with the same blueprint leaves an administrator's change`() async throws {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            _ = try await deployment.start(Self.yaml(10))
            try await deployment.change(to: 25)
            let said = try await deployment.start(Self.yaml(10, comment: "# A comment."))
            #expect(try await deployment.allowance() == 25)
            #expect(said.first?.contains("as it was applied before") == true)
        }
    }

    @Test func `a blueprint that differs is applied, and says what it replaces`() async throws {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            _ = try await deployment.start(Self.yaml(10))
            try await deployment.change(to: 25)
            let said = try await deployment.start(Self.yaml(11))
            #expect(try await deployment.allowance() == 11)
            #expect(said.count == 2)
            #expect(
                said.last?.contains(
                    "replaces limit 'prompts_daily' allowances.free, which ann changed") == true)
            #expect(said.last?.hasSuffix("it was 25 and is 11") == true)
            // Its own words are nobody else's.
            #expect(try await deployment.start(Self.yaml(12)).count == 1)
            #expect(try await deployment.allowance() == 12)
        }
    }

    private static func twoLimits(_ prompts: Int, _ exports: Int) -> String {
        """
        meters: { prompts: {}, exports: {} }
        plans: { free: { isDefault: true } }
        limits:
          prompts_daily: { meter: prompts, window: day, allowances: { free: \(prompts) } }
          exports_daily: { meter: exports, window: day, allowances: { free: \(exports) } }

        """
    }

    @Test func `a new file changes what it changed, and leaves what was changed by hand`()
        async throws
    {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            _ = try await deployment.start(Self.twoLimits(10, 3))
            // The first by its key is exports_daily.
            try await deployment.change(to: 7)
            let said = try await deployment.start(Self.twoLimits(12, 3))
            let limits = try await deployment.with { try await $0.blueprint().limits }
            #expect(
                limits.map { $0.allowances[PlanKey(unchecked: "free")]?.wire } == [7, 12])
            #expect(said.count == 2)
            #expect(
                said.last?.contains(
                    "keeps limit 'exports_daily' allowances.free, which ann changed")
                    == true)
            #expect(said.last?.hasSuffix("it is 7, and 3 in the file") == true)
            // It stays over any number of further files that say the same of it.
            _ = try await deployment.start(Self.twoLimits(13, 3))
            #expect(try await deployment.allowance() == 7)
            _ = try await deployment.start(Self.twoLimits(13, 4))
            #expect(try await deployment.allowance() == 4)
        }
    }

    @Test func `a difference is told before it is applied`() async throws {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            _ = try await deployment.start(Self.twoLimits(10, 3))
            try await deployment.change(to: 7)
            let path = try deployment.write(Self.twoLimits(12, 3))
            let answer = try await Program.run(
                ["blueprint", "diff", path, "--data", "\(folder)/store"])
            #expect(answer.status == 0)
            let lines = answer.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 5)
            #expect(lines.contains("limit prompts_daily"))
            #expect(lines.contains("  + allowances.free: 10 becomes 12"))
            #expect(lines.contains { $0.hasPrefix("limit exports_daily, changed by ann at ") })
            #expect(
                lines.contains("  = allowances.free: stays 7; the file says 3, as it did before"))
            #expect(
                lines.last
                    == "1 parts would be written; of changes by hand 1 stay and 0 would be replaced"
            )
            // Nothing was written.
            #expect(try await deployment.allowance() == 7)
            let merged = try await Program.run(
                ["blueprint", "apply", "--merge", path, "--data", "\(folder)/store"])
            #expect(merged.status == 0)
            let limits = try await deployment.with { try await $0.blueprint().limits }
            #expect(
                limits.map { $0.allowances[PlanKey(unchecked: "free")]?.wire } == [7, 12])
        }
    }

    @Test func `what an earlier version applied is known from the log of changes`() async throws {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            let blueprint = try Blueprint(yaml: Self.twoLimits(10, 3))
            try await deployment.with { engine in
                _ = try await engine.apply(blueprint, author: "blueprint plans.yaml")
                let note = AppliedBlueprintNote(name: "plans.yaml", digest: "old", isOfStart: true)
                _ = try await engine.change(
                    ChangeRequest(change: .noteBlueprint(note), author: "blueprint plans.yaml"))
            }
            try await deployment.change(to: 7)
            _ = try await deployment.start(Self.twoLimits(12, 3))
            let limits = try await deployment.with { try await $0.blueprint().limits }
            #expect(
                limits.map { $0.allowances[PlanKey(unchecked: "free")]?.wire } == [7, 12])
        }
    }

    @Test func `going back to an earlier blueprint applies it`() async throws {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            for allowance in [10, 11, 10] { _ = try await deployment.start(Self.yaml(allowance)) }
            #expect(try await deployment.allowance() == 10)
        }
    }

    @Test func `applying by hand always applies, and a restart leaves it`() async throws {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            _ = try await deployment.start(Self.yaml(10))
            try await deployment.change(to: 25)
            let data = ["--data", "\(folder)/store"]
            let path = try deployment.write(Self.yaml(10))
            #expect(try await Program.run(["blueprint", "apply", path] + data).status == 0)
            #expect(try await deployment.allowance() == 10)
            let other = try deployment.write(Self.yaml(30))
            #expect(try await Program.run(["blueprint", "apply", other] + data).status == 0)
            try await deployment.change(to: 31)
            for allowance in [10, 30] {
                _ = try await deployment.start(Self.yaml(allowance))
                #expect(try await deployment.allowance() == 31)
            }
        }
    }

    @Test func `a byte order mark before a blueprint is skipped`() async throws {
        try await withFolder { folder in
            let deployment = Deployment(folder: folder)
            _ = try await deployment.start("\u{FEFF}" + Self.yaml(10))
            #expect(try await deployment.allowance() == 10)
        }
    }
}
