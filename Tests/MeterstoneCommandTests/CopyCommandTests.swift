import Foundation
import MeterstoneTesting
import Testing

/// `meterstone copy` from outside.
@Suite struct CopyCommandTests {
    private static func record(in folder: String) async throws {
        let data = ["--data", folder]
        #expect(try await Program.run(["blueprint", "apply", "video-studio"] + data).status == 0)
        for subject in ["ann", "bob"] {
            let event = ["record", subject, "--type", "export_video", "--id", "e-\(subject)"]
            #expect(try await Program.run(event + data).status == 0)
        }
    }

    @Test func `a store moves to PostgreSQL and back`() async throws {
        try await withFolder { folder in
            try await Self.record(in: "\(folder)/a")
            let database = try PostgresServer.shared().makeDatabase()
            let there = try await Program.run(
                ["copy", "--from", "sqlite:\(folder)/a", "--to", database])
            #expect(there.status == 0, "\(there.errors)")
            #expect(there.output.hasPrefix("2 subjects, 2 events, "))
            #expect(there.output.hasSuffix(" counters: equal\n"))
            let repeated = ["record", "ann", "--type", "export_video", "--id", "e-ann"]
            let again = try await Program.run(repeated + ["--store", database])
            #expect(again.output.hasPrefix("duplicate e-ann\n"))
            let back = try await Program.run(
                ["copy", "--from", database, "--to", "sqlite:\(folder)/b", "--json"])
            #expect(back.status == 0, "\(back.errors)")
            #expect(back.output.hasPrefix(#"{"subjects":2,"events":2,"counters":"#))
            #expect(back.output.contains(#""equal":true,"differences":[]"#))
            let usage = ["usage", "ann", "exports", "--window", "lifetime", "--json"]
            let before = try await Program.run(usage + ["--data", "\(folder)/a"])
            let after = try await Program.run(usage + ["--data", "\(folder)/b"])
            #expect(before.output == after.output)
            #expect(try await Program.run(["verify", "--data", "\(folder)/b"]).status == 0)
        }
    }

    @Test func `a target with records is refused and unchanged`() async throws {
        try await withFolder { folder in
            try await Self.record(in: "\(folder)/a")
            try await Self.record(in: "\(folder)/b")
            let ending = try await Program.run(
                ["copy", "--from", "sqlite:\(folder)/a", "--to", "sqlite:\(folder)/b"])
            #expect(ending.status == 64)
            #expect(ending.errors.contains("--to: the store in '\(folder)/b' is not empty"))
            #expect(try await Program.run(["verify", "--data", "\(folder)/b"]).status == 0)
        }
    }

    @Test func `what cannot be copied is named`() async throws {
        try await withFolder { folder in
            let same = try await Program.run(
                ["copy", "--from", "sqlite:\(folder)", "--to", "sqlite:\(folder)"])
            #expect(same.status == 64)
            let nothing = try await Program.run(
                ["copy", "--from", "sqlite:\(folder)/a", "--to", "sqlite:\(folder)/b"])
            #expect(nothing.status == 69)
            #expect(nothing.errors.contains("there is no store in '\(folder)/a' (--from)"))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/b"))
            let wrong = try await Program.run(["copy", "--from", "a", "--to", "sqlite:b"])
            #expect(wrong.status == 64)
            #expect(wrong.errors.contains("--from: expected sqlite:"))
            let database = try PostgresServer.shared().makeDatabase()
            let empty = try await Program.run([
                "copy", "--from", database, "--to", "sqlite:\(folder)/b",
            ])
            #expect(empty.status == 64)
            #expect(empty.errors.contains("has nothing to copy"))
            try await Self.record(in: "\(folder)/a")
            let other = try await Program.run(
                ["copy", "--from", "sqlite:\(folder)/a", "--to", "sqlite:\(folder)/b"],
                ["METERSTONE_DEFAULT_TIME_ZONE": "Asia/Kathmandu"])
            #expect(other.status == 74)
            #expect(other.errors.contains("'UTC'"))
        }
    }
}
