import Foundation
import MeterstoneCommand
import Testing

/// What statistics are about, and what plans are sold for, from outside.
@Suite struct StatisticsProgramTests {
    @Test func `the policy is written, shown and deleted`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            for arguments in [["talks"], ["seconds"], ["longest", "--aggregation", "max"]] {
                #expect(try await Program.run(["meters", "put"] + arguments + data).status == 0)
            }
            let show = ["statistics-policy"] + data
            #expect(try await Program.run(show).output == "no statistics policy\n")
            let put = [
                "statistics-policy", "put", "--completed", "talks", "--length", "seconds",
                "--longest", "longest", "--milestone", "first=talks,1", "--streak", "week=7",
            ]
            #expect(try await Program.run(put + data).output == "created statistics policy\n")
            #expect(try await Program.run(put + data).output == "unchanged: statistics policy\n")
            let text = try await Program.run(show).output
            #expect(
                text.hasPrefix("sessions: completed talks, length seconds, longest longest\n"))
            #expect(text.contains("first") && text.contains("days in a row"))
            let json = try await Program.run(["statistics-policy", "show", "--json"] + data).output
            #expect(
                json == """
                    {"milestones":[{"key":"first","meter":"talks","total":1},\
                    {"key":"week","streak":7}],"sessions":{"completed":"talks",\
                    "length":"seconds","longest":"longest"}}

                    """)
            let wrong = try await Program.run(
                ["statistics-policy", "put", "--completed", "longest", "--length", "seconds"]
                    + data)
            #expect(wrong.status == 65 && wrong.errors.contains("sessions.completed"))
            let deleted = try await Program.run(["statistics-policy", "delete"] + data)
            #expect(deleted.output == "deleted statistics policy\n")
            #expect(
                try await Program.run(["statistics-policy", "--json"] + data).output == "null\n")
        }
    }

    @Test func `a lifetime is shown`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            #expect(try await Program.run(["meters", "put", "talks"] + data).status == 0)
            let record = ["record", "ann", "talks=3", "--at", "2026-03-09T10:00:00Z"]
            #expect(try await Program.run(record + data).status == 0)
            let table = try await Program.run(["subjects", "lifetime", "ann"] + data).output
            #expect(table.contains("days active") && table.contains("3, 0 this month"))
            let json = try await Program.run(["subjects", "lifetime", "ann", "--json"] + data)
                .output
            #expect(json.contains(#""totals":{"talks":3}"#))
            #expect(json.contains(#""firstActivityAt":"2026-03-09T10:00:00.000Z""#))
            let unknown = try await Program.run(["subjects", "lifetime", "bob"] + data)
            #expect(unknown.status == 65 && unknown.errors.contains("bob"))
        }
    }

    @Test func `a plan has a price`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            let put = ["plans", "put", "gold", "--price", "99.5", "--billing-period", "year"]
            #expect(try await Program.run(put + data).status == 0)
            #expect(try await Program.run(["plans", "put", "free"] + data).status == 0)
            let table = try await Program.run(["plans"] + data).output
            #expect(table.contains("99.5") && table.contains("year"))
            let json = try await Program.run(["plans", "--json"] + data).output
            #expect(json.contains(#""billingPeriod":"year""#))
            #expect(json.contains(#""price":99500000"#))
        }
    }

    @Test func `a named blueprint says what statistics are about`() async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            let apply = ["blueprint", "apply", "language-tutor"] + data
            #expect(
                try await Program.run(apply).output.hasSuffix(
                    "21 created, 0 replaced, 0 unchanged\n"))
            #expect(
                try await Program.run(apply).output.hasSuffix(
                    "0 created, 0 replaced, 21 unchanged\n"))
            let policy = try await Program.run(["statistics-policy"] + data).output
            #expect(policy.contains("streak_hundred"))
            // It has a default plan of its own.
            let other = try await Program.run(["blueprint", "apply", "daily-tokens"] + data)
            #expect(other.status == 65 && other.errors.contains("plan 'trial': isDefault"))
        }
    }

    @Test(
        arguments: [
            ["statistics-policy", "put", "--completed", "m"],
            ["statistics-policy", "put", "--longest", "m"],
            ["statistics-policy", "put", "--milestone", "first=m"],
            ["statistics-policy", "put", "--milestone", "first=m,0"],
            ["statistics-policy", "put", "--streak", "week=0"],
            ["plans", "put", "p", "--price", "-1"], ["plans", "put", "p", "--price", "1e3"],
            ["plans", "put", "p", "--billing-period", "week"],
        ])
    func `a wrong command line ends with 64 and says why`(arguments: [String]) async throws {
        let ending = try await Program.run(arguments)
        #expect(ending.status == 64)
        #expect(!ending.errors.isEmpty)
    }
}
