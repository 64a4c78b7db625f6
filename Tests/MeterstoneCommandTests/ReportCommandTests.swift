import MeterstoneCommand
import MeterstoneCore
import Testing

/// `meterstone report`, as a program over a store that the test filled.
@Suite struct ReportCommandTests {
    private static let reports: [[String]] = [
        ["top", "calls"], ["trends"], ["trends", "calls", "--window", "month"],
        ["usage-by", "calls", "model"], ["funnel", "calls", "calls", "--meters"],
        ["funnel", "calls", "calls", "--meters", "--unordered"],
        ["errors", "--minimum-events", "0"], ["adoption"], ["adoption", "calls"],
        ["retention"], ["retention", "calls", "--window", "week"], ["feature-retention"],
        ["sessions"], ["feature-value", "calls"],
        ["power-users", "calls", "--percent", "50"], ["idle", "--idle-days", "7"], ["limits"],
        ["limit-subjects"], ["limit-subjects", "--limit", "daily"], ["unusual", "calls"],
        ["unusual", "calls", "--date", "2026-03-01"], ["overage", "--limit", "daily"], ["plans"],
        ["plans", "--meter", "calls"], ["unmetered"],
    ]

    private static func filled(_ folder: String) async throws -> [String] {
        let data = ["--data", folder]
        _ = try await Program.run(["meters", "put", "calls"] + data)
        _ = try await Program.run(
            ["limits", "put", "daily", "--meter", "calls", "--window", "day"] + data)
        let events = (1...3).map { #"{"id":"\#($0)","subject":"s\#($0)","meter":"calls"}"# }
        _ = try await Program.run(
            ["import", "-", "--format", "ndjson"] + data, input: events.joined(separator: "\n"))
        return data
    }

    @Test func `each report is printed as a table, JSON, CSV and NDJSON`() async throws {
        try await withFolder { folder in
            let data = try await Self.filled(folder)
            for report in Self.reports {
                let arguments = ["report"] + report + data
                let table = try await Program.run(arguments)
                #expect(table.status == 0, "\(report) \(table.errors)")
                #expect(!table.output.isEmpty)
                let json = try await Program.run(arguments + ["--json"])
                #expect(json.output.hasPrefix(#"{"report":"\#(report[0])","from":""#))
                let csv = try await Program.run(arguments + ["--csv"])
                #expect(csv.status == 0 && csv.output.hasSuffix("\r\n"))
            }
            let lines = try await Program.run(["report", "top", "calls", "--ndjson"] + data)
            #expect(lines.output.hasPrefix(#"{"subject":""#) && lines.output.hasSuffix("}\n"))
        }
    }

    @Test func `a page tells where the next one starts, and CSV has all of them`() async throws {
        try await withFolder { folder in
            let arguments = ["report", "top", "calls"] + (try await Self.filled(folder))
            let first = try await Program.run(arguments + ["--count", "2"])
            #expect(first.output.contains("s2") && !first.output.contains("s3"))
            let cursor = try #require(first.errors.firstMatch(of: /--cursor (\S+)/)?.output.1)
            let second = try await Program.run(arguments + ["--cursor", String(cursor)])
            #expect(second.output.contains("s3") && !second.output.contains("s2"))
            #expect(second.errors.isEmpty)
            let all = try await Program.run(arguments + ["--csv"])
            #expect(all.output.split(separator: "\r\n").count == 4)
            #expect(all.errors.isEmpty)
            let wrong = ["report", "idle", "--cursor", String(cursor), "--data", folder]
            #expect(try await Program.run(wrong).status == 64)
        }
    }

    @Test func `a meter, limit or zone that is not there ends with 65`() async throws {
        try await withFolder { folder in
            let data = try await Self.filled(folder)
            for report in [
                ["top", "nope"], ["overage", "--limit", "nope"],
                ["idle", "--time-zone", "Nowhere"],
            ] {
                let ending = try await Program.run(["report"] + report + data)
                #expect(ending.status == 65 && ending.output.isEmpty, "\(report)")
            }
        }
    }

    @Test(arguments: [
        ["top"], ["usage-by", "calls"], ["usage-by", "calls", "color"], ["funnel", "a"],
        ["trends", "--window", "lifetime"], ["power-users", "calls", "--percent", "0"],
        ["unusual", "calls", "--date", "2026-02-30"], ["idle", "--count", "0"],
        ["idle", "--count", "10001"], ["idle", "--days", "0"], ["idle", "--csv", "--json"],
        ["idle", "--days", "2", "--from", "2026-01-01T00:00:00Z"], ["idle", "--cursor", "x"],
        ["idle", "--from", "2026-01-01T00:00:00Z", "--until", "2026-01-01T00:00:00Z"],
        ["idle", "--dimension", "a=b", "--dimension", "a=c"], ["idle", "--status", "done"],
    ])
    func `a wrong command line ends with 64`(arguments: [String]) async throws {
        let ending = try await Program.run(["report"] + arguments)
        #expect(ending.status == 64, "\(arguments) \(ending.errors)")
        #expect(ending.output.isEmpty)
    }

    @Test func `a table has numbers to the right and nothing for no value`() {
        let report = Report(
            span: .lifetime, timeZone: "UTC",
            rows: [
                UsageShare(
                    value: "gpt-4", quantity: 10, events: 1, subjects: 1, share: Ratio(2, of: 3)),
                UsageShare(value: nil, quantity: 5, events: 1, subjects: 1, share: Ratio(1, of: 3)),
            ])
        #expect(
            TextTable(ReportTable(report, .usageBy)).text == """
                value  quantity  events  subjects     share
                -----  --------  ------  --------  --------
                gpt-4        10       1         1  0.666667
                              5       1         1  0.333333
                """)
    }
}
