import Foundation
import Testing

/// Imports lose nothing in silence: what the program says, and how it ends.
@Suite struct ImportProgramTests {
    /// A folder with files of these texts, and a store to import them into.
    private func with(
        _ files: [String: String],
        _ body: (_ run: ([String]) async throws -> Program.Ending) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            for (name, text) in files {
                try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            }
            try await body { arguments in
                let paths = arguments.map { files[$0] == nil ? $0 : "\(folder)/\($0)" }
                return try await Program.run(paths + ["--data", "\(folder)/store"])
            }
        }
    }

    private func counts(_ ending: Program.Ending) throws -> [String: Int] {
        let object = try JSONSerialization.jsonObject(with: Data(ending.output.utf8))
        return try #require(object as? [String: Any]).compactMapValues { $0 as? Int }
    }

    private let mapping = ["--subject", "who", "--quantity", "calls=n", "--json"]

    @Test func `equal rows of two files, and of one, are rows of their own, and a repeat is none`()
        async throws
    {
        let text = "who,n\nann,1\nann,1\nbob,2\n"
        try await with(["a.csv": text, "b.csv": text]) { run in
            #expect(try counts(await run(["import", "a.csv"] + mapping))["counted"] == 3)
            #expect(try counts(await run(["import", "a.csv"] + mapping))["duplicate"] == 3)
            let other = try await run(["import", "b.csv"] + mapping)
            #expect(try counts(other)["counted"] == 3)
            #expect(other.errors.contains("'b.csv' holds what 'a.csv' held"))
            #expect(try counts(await run(["import", "b.csv"] + mapping))["duplicate"] == 3)
            let usage = try await run(["usage", "ann", "calls", "--window", "lifetime", "--json"])
            #expect(usage.output.contains(#""quantity":4"#))
        }
    }

    @Test func `with a source, equal rows of two files are one`() async throws {
        try await with(["a.csv": "who,n\nann,1\n", "b.csv": "who,n\nann,1\nbob,1\n"]) { run in
            let source = mapping + ["--source", "shop"]
            #expect(try counts(await run(["import", "a.csv"] + source))["counted"] == 1)
            let other = try counts(await run(["import", "b.csv"] + source))
            #expect(other["counted"] == 1)
            #expect(other["duplicate"] == 1)
        }
    }

    @Test func `a column tells the levels of a row`() async throws {
        let text = """
            who,n,for
            ann,1,"project/x, key/k1"
            bob,2,project/x
            eve,4,
            sam,8,"a,a"
            """
        try await with(["a.csv": text + "\n"]) { run in
            let columns = mapping + ["--column", "levels=for"]
            let ending = try await run(["import", "a.csv"] + columns)
            let counted = try counts(ending)
            #expect(counted["counted"] == 3 && counted["rejected"] == 1)
            for (level, quantity) in [("project/x", 3), ("key/k1", 1), ("eve", 4)] {
                let usage = try await run(
                    ["usage", level, "calls", "--window", "lifetime", "--json"])
                #expect(usage.output.contains(#""quantity":\#(quantity)}"#), "\(level)")
            }
        }
    }

    @Test func `with ids, equal rows of two files are one`() async throws {
        let text = "id,who,n\ne1,ann,1\n"
        try await with(["a.csv": text, "b.csv": text]) { run in
            let ids = mapping + ["--id", "id"]
            let first = try counts(await run(["import", "a.csv"] + ids))
            let second = try counts(await run(["import", "b.csv"] + ids))
            #expect(first["counted"] == 1 && second["duplicate"] == 1)
        }
    }

    @Test func `a longer version of a file adds its new rows, and another file of its name all`()
        async throws
    {
        try await withFolder { folder in
            let path = "\(folder)/usage.csv"
            func importing(_ text: String) async throws -> [String: Int] {
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                return try counts(
                    await Program.run(["import", path] + mapping + ["--data", "\(folder)/store"]))
            }
            #expect(try await importing("who,n\nann,1\n")["counted"] == 1)
            let longer = try await importing("who,n\nann,1\nann,1\n")
            #expect(longer["counted"] == 1)
            #expect(longer["duplicate"] == 1)
            let replaced = try await importing("who,n\nbob,1\nann,1\n")
            #expect(replaced["counted"] == 2)
        }
    }

    @Test(
        arguments: [
            ["--subject", "who", "--quantity", "tokens=t"],
            ["--subject", "who", "--quantity", "calls=n", "--quantity", "tokens=t"],
            ["--subject", "who", "--quantity", "calls=n", "--id", "id"],
            ["--subject", "team", "--quantity", "calls=n"],
        ])
    func `a second mapping of the same file is refused with a sentence`(
        other: [String]
    ) async throws {
        try await with(["a.csv": "id,who,team,n,t\ne1,ann,x,1,2\n"]) { run in
            #expect(try await run(["import", "a.csv"] + mapping).status == 0)
            let refused = try await run(["import", "a.csv"] + other)
            #expect(refused.status == 64)
            #expect(refused.output.isEmpty)
            #expect(refused.errors.contains("'a.csv' was imported before, at "))
            #expect(refused.errors.contains("with --format csv --subject who --quantity calls=n"))
            #expect(refused.errors.contains("and 1 of its rows are counted"))
            #expect(try await run(["meters"]).output.contains("tokens") == false)
            let apart = try await run(["import", "a.csv", "--json", "--source", "again"] + other)
            #expect(try counts(apart)["counted"] == 1)
            #expect(try counts(await run(["import", "a.csv"] + mapping))["duplicate"] == 1)
        }
    }

    @Test func `a mapping under which no row was usable can be mended`() async throws {
        try await with(["a.csv": "who,n\nann,1\nbob,2\n"]) { run in
            let wrong = try await run([
                "import", "a.csv", "--subject", "who", "--quantity", "calls=who",
            ])
            #expect(wrong.status == 65)
            #expect(wrong.errors.contains("a.csv' could be used"))
            #expect(try counts(await run(["import", "a.csv"] + mapping))["counted"] == 2)
        }
    }

    @Test func `rows that were lost are told, and end with 1`() async throws {
        let text = "who,n\nann,\"1\nbob,2.0\ncid,2.5\ndan,x\u{9B}\u{1B}[2J\n"
        try await with(["a.csv": text]) { run in
            let ending = try await run(["import", "a.csv"] + mapping)
            #expect(ending.status == 1)
            #expect(try counts(ending)["rejected"] == 3)
            #expect(try counts(ending)["counted"] == 1)
            #expect(ending.errors.contains("a.csv: line 2: a quote is not closed\n"))
            #expect(ending.errors.contains("line 4: quantity '2.5': expected a whole number"))
            #expect(ending.errors.contains(#"line 5: quantity 'x\u{9B}\u{1B}[2J'"#))
            #expect(!ending.errors.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{9B}" })
        }
    }

    @Test func `local times that clocks showed twice or never are counted`() async throws {
        let text = """
            who,at,n
            ann,2024-03-10 02:30:00,1
            ann,2024-11-03 01:30:00,1
            ann,2024-11-03 03:30:00,1

            """
        try await with(["a.csv": text]) { run in
            let zone = ["--time", "at", "--time-zone", "America/New_York"]
            let ending = try counts(await run(["import", "a.csv"] + mapping + zone))
            #expect(ending["timesShownTwice"] == 1)
            #expect(ending["timesNeverShown"] == 1)
            #expect(ending["counted"] == 3)
            let texts = try await run(
                ["import", "a.csv", "--subject", "who", "--quantity", "calls=n"] + zone)
            #expect(texts.output.contains("1 rows have a local time that clocks showed twice"))
        }
    }

    @Test func `the type of each row comes from its columns`() async throws {
        try await with(["a.csv": "who,kind\nann,chat\nann,call\nann,chat\n"]) { run in
            for kind in ["chat", "call"] {
                #expect(
                    try await run(["meters", "put", "\(kind)s", "--event-type", kind]).status == 0)
            }
            let types = ["import", "a.csv", "--subject", "who", "--type", "{kind}", "--json"]
            #expect(try counts(await run(types))["counted"] == 3)
            let usage = try await run(["usage", "ann", "chats", "--window", "lifetime", "--json"])
            #expect(usage.output.contains(#""quantity":2"#))
        }
    }

    @Test func `control characters of a blueprint never reach a terminal`() async throws {
        let yaml = "meters: { m: { aggregation: \"\\e[31mred\" } }\n"
        try await with(["b.yaml": yaml]) { run in
            let ending = try await run(["blueprint", "apply", "b.yaml"])
            #expect(ending.status == 65)
            #expect(ending.errors.contains(#"\u{1B}[31mred"#))
            #expect(!ending.errors.contains("\u{1B}"))
        }
    }

    @Test func `control characters of stored texts never reach a terminal`() async throws {
        try await with([:]) { run in
            #expect(try await run(["meters", "put", "calls"]).status == 0)
            #expect(try await run(["record", "a\u{9B}31m", "calls"]).status == 0)
            for format in [[], ["--json"]] {
                let ending = try await run(["report", "top", "calls"] + format)
                #expect(ending.status == 0)
                #expect(!ending.output.unicodeScalars.contains("\u{9B}"))
            }
        }
    }
}
