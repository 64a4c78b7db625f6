import Foundation
import MeterstoneCommand
import MeterstoneTesting
import Testing

/// The program from outside: what it prints where, and how it ends.
@Suite struct ProgramTests {
    @Test(arguments: [
        ["version"], ["--help"], ["plans", "list", "--data", "DATA"],
        ["consume", "u", "prompts", "--json", "--data", "DATA"], ["verify", "--data", "DATA"],
        ["blueprint", "show", "video-studio"], ["serve", "--port", "0", "--data", "DATA"],
    ])
    func `an answer that cannot be written ends with 74`(arguments: [String]) async throws {
        try await withFolder { folder in
            _ = try await Program.run(["blueprint", "apply", "video-studio", "--data", folder])
            let ending = try await Program.run(
                arguments.map { $0 == "DATA" ? folder : $0 }, into: "/dev/full")
            #expect(ending.status == 74)
            #expect(ending.errors.contains("standard output"))
        }
    }

    @Test func `a part of an event that is out of bounds is refused here too`() async throws {
        try await withFolder { folder in
            _ = try await Program.run(["blueprint", "apply", "video-studio", "--data", folder])
            let record = ["record", "u", "prompts", "--data", folder]
            let negative = try await Program.run(record + ["--duration-ms=-5"])
            #expect(negative.status == 65)
            #expect(
                negative.errors.contains(
                    "durationMs: expected a whole number from 0 to 9223372036854775807"))
            let control = try await Program.run(record + ["--project", "a\u{7}b"])
            #expect(control.status == 64)
            #expect(control.errors.contains("--project"))
            #expect(control.errors.contains("expected 1 to 255 bytes"))
            #expect(try await Program.run(record + ["--duration-ms=0"]).status == 0)
        }
    }

    @Test func `version tells the version`() async throws {
        let ending = try await Program.run(["version"])
        #expect(ending.status == 0)
        #expect(ending.output == "meterstone \(MeterstoneProgram.version)\n")
    }

    @Test(
        arguments: [
            ["frobnicate"],
            ["import"],
            ["import", "x.csv", "--quantity", "a=1"],
            ["import", "x.csv", "--subject", "{", "--quantity", "a=1"],
            ["import", "x.ndjson", "--subject", "a"],
            ["import", "x.csv", "--subject", "a", "--quantity", "a"],
            ["import", "x.csv", "--subject", "a"],
            ["consume"],
            ["consume", "ann", "--event", "{}"],
            ["consume", "--event", "{}", "--id", "a"],
            ["consume", "ann", "prompts=many"],
            ["usage", "ann", "prompts", "--window", "fortnight"],
            ["limits", "put", "a", "--meter", "m", "--window", "day", "--allowance", "free=-2"],
            ["serve", "--store", "mysql://localhost/x"],
            ["serve", "--log-level", "loud"],
            ["verify", "--data", "a", "--store", "sqlite:b"],
        ])
    func `a wrong command line ends with 64 and says why`(arguments: [String]) async throws {
        let ending = try await Program.run(arguments)
        #expect(ending.status == 64)
        #expect(ending.output.isEmpty)
        #expect(!ending.errors.isEmpty)
    }

    @Test func `a wrong variable ends with 64 and is named`() async throws {
        let ending = try await Program.run(["verify"], ["USAGE_LIMIT_PROMPTS_DAILY_FREE": "ten"])
        #expect(ending.status == 64)
        #expect(ending.errors.contains("USAGE_LIMIT_PROMPTS_DAILY_FREE: 'ten': expected"))
    }

    @Test func `a file that is not there ends with 74`() async throws {
        let file = ["import", "/nowhere.csv", "--subject", "a", "--quantity", "a=1"]
        #expect(try await Program.run(file).status == 74)
        #expect(try await Program.run(["blueprint", "check", "/nowhere.yaml"]).status == 74)
    }

    @Test(arguments: [
        ["verify"], ["rebuild"], ["limits"], ["subjects"], ["report", "top", "m"],
        ["consume", "ann", "m"],
    ])
    func `a store that is not there ends with 69 and is not made`(arguments: [String]) async throws
    {
        try await withFolder { folder in
            let path = "\(folder)/store"
            let ending = try await Program.run(arguments + ["--data", path])
            #expect(ending.status == 69)
            #expect(ending.errors.contains("there is no store in '\(path)'"))
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func `a blueprint's mistakes end with 65, each on a line that editors jump to`()
        async throws
    {
        try await withFolder { folder in
            let path = "\(folder)/b.yaml"
            let yaml =
                "meters: { m: { agregation: sum } }\nlimits: { a: { meter: n, window: day } }\n"
            try yaml.write(toFile: path, atomically: true, encoding: .utf8)
            let ending = try await Program.run(["blueprint", "check", path])
            #expect(ending.status == 65)
            let lines = ending.errors.split(separator: "\n").map(String.init)
            #expect(lines.count == 3)
            #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("\(path):") })
        }
    }

    @Test func `the named blueprint is in the program`() async throws {
        let ending = try await Program.run(["blueprint", "check", "video-studio"])
        #expect(ending.status == 0)
        #expect(ending.output == "video-studio: 9 meters, 4 plans, 8 limits\n")
        let text = try await Program.run(["blueprint", "show", "video-studio"]).output
        #expect(text.contains("prompts_daily:"))
    }

    @Test func `a consume is allowed until the limit, then ends with 1`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            #expect(
                try await Program.run(["blueprint", "apply", "video-studio"] + data).status == 0)
            let again = try await Program.run(["blueprint", "apply", "video-studio"] + data)
            #expect(again.output.hasSuffix("0 created, 0 replaced, 23 unchanged\n"))
            for _ in 0..<3 {
                let ending = try await Program.run(
                    ["consume", "ann", "--type", "export_video"] + data)
                #expect(ending.status == 0)
            }
            let refused = try await Program.run(["consume", "ann", "exports", "--json"] + data)
            #expect(refused.status == 1)
            #expect(refused.output.hasPrefix(#"{"allowed":false"#))
            #expect(refused.output.contains(#""violated":["exports_daily"]"#))
            #expect(try await Program.run(["check", "ann", "exports"] + data).status == 1)
            #expect(try await Program.run(["check", "bob", "exports"] + data).status == 0)
            let limit = ["--limit", "exports_daily"]
            #expect(try await Program.run(["check", "ann"] + limit + data).status == 1)
            #expect(try await Program.run(["check", "bob"] + limit + data).status == 0)
            #expect(try await Program.run(["check", "bob", "exports"] + limit + data).status == 64)
            #expect(
                try await Program.run(["check", "bob", "--limit", "none"] + data).status == 65)
            let override = ["USAGE_LIMIT_EXPORTS_DAILY_FREE": "4"]
            #expect(
                try await Program.run(["consume", "ann", "exports"] + data, override).status == 0)
            #expect(try await Program.run(["verify"] + data).status == 0)
        }
    }

    @Test func `an event counts once, and other content under its id ends with 65`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            let meter = try await Program.run(["meters", "put", "calls"] + data)
            #expect(meter.status == 0)
            let event = ["record", "ann", "calls=2", "--id", "e1", "--at", "2026-01-01T00:00:00Z"]
            #expect(try await Program.run(event + data).output == "counted e1\nmoves calls\n")
            #expect(try await Program.run(event + data).output == "duplicate e1\nmoves calls\n")
            let other = ["record", "ann", "calls=3", "--id", "e1", "--at", "2026-01-01T00:00:00Z"]
            #expect(try await Program.run(other + data).status == 65)
            #expect(try await Program.run(["record", "ann", "nothing"] + data).status == 65)
            let json = #"{"id":"e2","subject":"ann","quantities":{"calls":5}}"#
            #expect(
                try await Program.run(["record", "--event", json, "--json"] + data).status == 0)
            let usage = ["usage", "ann", "calls", "--window", "lifetime", "--json"]
            #expect(try await Program.run(usage + data).output.contains(#""quantity":7"#))
        }
    }

    @Test func `an import reads the standard input and tells rows that it could not use`()
        async throws
    {
        try await withFolder { folder in
            let text = "id,who,n\na,ann,1\nb,bob,x\na,ann,1\nc,ann,2\n"
            let arguments = [
                "import", "-", "--subject", "who", "--id", "id", "--quantity", "calls=n", "--json",
                "--data", folder,
            ]
            let ending = try await Program.run(arguments, input: text)
            #expect(ending.status == 1)
            #expect(
                ending.output.hasPrefix(
                    #"{"rows":4,"counted":2,"duplicate":1,"rejected":1,"allowed":0,"denied":0,"#))
            #expect(ending.errors.contains("created the meter 'calls'"))
            #expect(ending.errors.contains("-: line 3: quantity 'x': expected a whole number"))
            let strict = try await Program.run(
                [
                    "import", "-", "--subject", "who", "--quantity", "cals=n", "--strict", "--data",
                    folder,
                ],
                input: text)
            #expect(strict.status == 64)
            #expect(strict.errors.contains("no meter is called 'cals'"))
        }
    }

    @Test func `an import of NDJSON takes events as the API does`() async throws {
        try await withFolder { folder in
            let lines = """
                {"id":"a","subject":"ann","quantities":{"calls":1}}

                {"id":"b","subject":"ann","quantities":{"calls":-1}}
                {"id":"c"}
                nonsense
                """
            let ending = try await Program.run(
                ["import", "-", "--format", "ndjson", "--json", "--data", folder], input: lines)
            #expect(ending.status == 1)
            #expect(ending.output.hasPrefix(#"{"rows":4,"counted":1,"duplicate":0,"rejected":3,"#))
            for line in [3, 4, 5] { #expect(ending.errors.contains("-: line \(line): ")) }
        }
    }
}
