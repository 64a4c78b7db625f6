import Testing

@Suite struct WhatIfCommandTests {
    /// Ten prompts of ann on three days of March, under a limit of five a day that has a dot in its
    /// name and only watches.
    private func withUsage(_ body: ([String]) async throws -> Void) async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            var lines = "who,when\n"
            for number in 0..<10 { lines += "ann,2026-03-0\(1 + number % 3)T12:00:0\(number)Z\n" }
            let importing = [
                "import", "-", "--subject", "who", "--time", "when", "--quantity", "prompts=1",
            ]
            #expect(try await Program.run(importing + data, input: lines).status == 0)
            #expect(
                try await Program.run(["plans", "put", "free", "--default"] + data).status == 0)
            let limit = [
                "limits", "put", "prompts.daily", "--meter", "prompts", "--window", "day",
                "--allowance", "free=5", "--mode", "shadow",
            ]
            #expect(try await Program.run(limit + data).status == 0)
            try await body(data)
        }
    }

    @Test func `a table says what, when and whom`() async throws {
        try await withUsage { data in
            let asked = ["what-if", "--limit", "prompts.daily.free=3", "--refusals", "5"]
            let ending = try await Program.run(asked + data)
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(
                ending.output.hasPrefix(
                    """
                    1 of 10 events would have been refused, to 1 of 1 subjects

                    limit          refused  subjects
                    -------------  -------  --------
                    prompts.daily        1         1

                    day in UTC  refused
                    ----------  -------
                    2026-03-01        1

                    subject  refused  first                     last
                    -------  -------  ------------------------  ------------------------
                    ann            1  2026-03-01T12:00:09.000Z  2026-03-01T12:00:09.000Z

                    occurred at               subject  refused by     event id
                    """))
        }
    }

    @Test func `a question may be a span, a time zone and JSON`() async throws {
        try await withUsage { data in
            let asked = [
                "what-if", "--limit", "prompts.daily=2", "--from", "2026-03-02T00:00:00Z",
                "--until", "2026-03-03T00:00:00Z", "--time-zone", "Asia/Tokyo", "--json",
            ]
            let output = try await Program.run(asked + data).output
            #expect(output.contains(#""events":3,"allowed":2,"refused":1"#))
            #expect(output.contains(#""timeZone":"Asia/Tokyo""#))
            let json = #"""
                {"limits":[{"key":"new","meter":"prompts","window":"lifetime","defaultAllowance":4}]}
                """#
            let other = try await Program.run(["what-if", "--question", json, "--json"] + data)
            #expect(other.output.contains(#""events":10,"allowed":4,"refused":6"#))
            // Nothing was changed.
            #expect(try await Program.run(["limits"] + data).output.contains("shadow"))
            #expect(try await Program.run(["verify"] + data).status == 0)
        }
    }

    @Test func `a bad question ends with 64 or 65`() async throws {
        try await withUsage { data in
            for (arguments, status) in [
                (["--limit", "prompts.daily=lots"], 64), (["--limit", "a b=1"], 64),
                (["--plan", "ann"], 64), (["--question", "{}", "--all-limits"], 64),
                (["--question", "{"], 65), (["--limit", "unknown=1"], 65), ([], 65),
                (["--limit", "prompts.daily.free"], 65), (["--plan", "ann=unknown"], 65),
                (["--plan", "nobody=free", "--limit", "prompts.daily"], 65),
            ] as [([String], Int32)] {
                let ending = try await Program.run(["what-if"] + arguments + data)
                #expect(ending.status == status, "\(arguments): \(ending.errors)")
            }
        }
    }
}
