import Foundation
import MeterstoneCommand
import Testing

/// Accounts of persons, from outside.
@Suite struct AccountProgramTests {
    @Test func `a list of subjects says how many there are`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            for id in ["ann", "bob"] {
                #expect(try await Program.run(["subjects", "put", id] + data).status == 0)
            }
            let list = ["subjects", "--count", "1", "--total"] + data
            let text = try await Program.run(list).output
            #expect(text.contains("ann") && text.hasSuffix("\n\n2 in all\n"), "\(text)")
            let json = try await Program.run(list + ["--json"]).output
            #expect(json.contains(#""id":"ann""#) && json.hasSuffix("],\"total\":2}\n"), "\(json)")
        }
    }

    @Test func `an account is made, found by address, deactivated and signed out`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            func run(_ arguments: String...) async throws -> Program.Ending {
                try await Program.run(["accounts"] + arguments + data)
            }
            #expect(try await Program.run(["subjects", "put", "bob"] + data).status == 0)
            #expect(try await run().output == "no accounts\n")
            let create = [
                "create", "ann", "--email", "Ann@Example.com", "--external-id", "github=583231",
            ]
            let made = try await Program.run(["accounts"] + create + data)
            #expect(made.output == "created account of ann\n", "\(made.errors)")
            let list = try await run().output
            #expect(list.contains("ann@example.com") && !list.contains("bob"))
            for who in ["ann@EXAMPLE.com", "ann", "github:583231"] {
                let shown = try await run("show", who).output
                #expect(shown.contains("583231") && shown.contains("ann@example.com"), "\(who)")
            }
            let json = try await run("show", "ann@example.com", "--json").output
            #expect(json.contains(#""externalIds":{"github":"583231"}"#))
            let taken = try await run("create", "bob", "--email", "ann@example.com")
            #expect(taken.status == 65 && taken.errors.contains("(in_use)"))
            let unknown = try await run("show", "eve@example.com")
            #expect(unknown.status == 65 && unknown.errors.contains("eve@example.com"))

            let off = try await run("deactivate", "ann@example.com")
            #expect(off.output == "replaced account of ann\n")
            #expect(try await run("show", "ann", "--json").output.contains(#""active":false"#))
            #expect(try await run("activate", "ann").output == "replaced account of ann\n")
            #expect(try await run("sessions", "ann").output == "no sessions\n")
            #expect(
                try await run("revoke", "ann").output
                    == "no session goes on; tokens are good until they expire\n")
            let none = try await run("revoke", "ann", "--session", "s1")
            #expect(none.status == 65 && none.errors.contains("s1"))
            let export = try await run("export", "ann", "--to", folder + "/a.gz")
            #expect(export.status == 64 && export.errors.contains("--server"))
        }
    }

    @Test func `a person is erased and the files are compacted`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            _ = try await Program.run(["accounts", "create", "ann", "--email", "a@b.c"] + data)
            let wrong = try await Program.run(
                ["subjects", "erase", "ann", "--confirm", "anna"] + data)
            #expect(wrong.status == 64 && wrong.errors.contains("'ann'"))
            let erased = try await Program.run(
                ["subjects", "erase", "ann", "--confirm", "ann"] + data)
            #expect(erased.output == "deleted subject ann\n")
            #expect(try await Program.run(["subjects"] + data).output.contains("erased-"))
            #expect(
                try await Program.run(["compact", "--json"] + data).output == "{\"persons\":1}\n")
            #expect(try await Program.run(["verify"] + data).status == 0)
        }
    }
}
