import Foundation
import MeterstoneCommand
import Testing

/// Reservations, credits and models from outside: what is printed, and how it ends.
@Suite struct CreditProgramTests {
    /// A store with the meter `prompts`, at most ten of them a day.
    private func withStore(_ body: ([String]) async throws -> Void) async throws {
        try await withFolder { folder in
            let data = ["--data", folder]
            for arguments in [
                ["meters", "put", "prompts"],
                [
                    "limits", "put", "daily", "--meter", "prompts", "--window", "day",
                    "--default-allowance", "10",
                ],
            ] {
                let ending = try await Program.run(arguments + data)
                #expect(ending.status == 0, "\(ending.errors)")
            }
            try await body(data)
        }
    }

    @Test func `a reservation is made, extended and settled`() async throws {
        try await withStore { data in
            let reserve = ["reserve", "ann", "prompts=4", "--id", "r1", "--expires-in", "3600"]
            let made = try await Program.run(reserve + data)
            #expect(made.status == 0 && made.output.hasPrefix("open r1\n"))
            let again = try await Program.run(reserve + data)
            #expect(again.output.hasPrefix("open before (duplicate) r1\n"))
            let refused = try await Program.run(["reserve", "ann", "prompts=7", "--json"] + data)
            #expect(refused.status == 1 && refused.output.contains(#""code":"limit_exceeded""#))
            let list = try await Program.run(["reservations", "ann", "--json"] + data)
            #expect(list.output.hasPrefix(#"{"reservations":[{"id":"r1","subject":"ann""#))
            let more = try await Program.run(["extend", "r1", "prompts=11"] + data)
            #expect(more.status == 1 && more.output.hasPrefix("refused by daily"))
            let extended = try await Program.run(
                ["extend", "r1", "prompts=5", "--reported", "prompts=2", "--json"] + data)
            #expect(extended.output.contains(#""reported":{"prompts":2}"#))
            let settled = try await Program.run(["settle", "r1", "prompts=3", "--json"] + data)
            #expect(settled.status == 0 && settled.output.contains(#""status":"settled""#))
            #expect(settled.output.contains(#""used":3"#))
            let released = try await Program.run(["release", "r1"] + data)
            #expect(released.status == 65)
            #expect(
                released.errors.contains("reservation 'r1' was settled before, in another way"))
            let closed = try await Program.run(["extend", "r1", "--expires-in", "60"] + data)
            #expect(closed.status == 65 && closed.errors.contains("(reservation_closed)"))
            let shown = try await Program.run(["reservations", "show", "r1"] + data)
            #expect(shown.output.contains("settled"))
            #expect(try await Program.run(["verify"] + data).status == 0)
        }
    }

    @Test func `a release gives everything back`() async throws {
        try await withStore { data in
            let reserve = ["reserve", "ann", "prompts=10", "--id", "r", "--on-expiry", "charge"]
            #expect(try await Program.run(reserve + data).status == 0)
            #expect(try await Program.run(["consume", "ann", "prompts"] + data).status == 1)
            let released = try await Program.run(["release", "r"] + data)
            #expect(released.status == 0 && released.output.hasPrefix("released r\n"))
            #expect(try await Program.run(["consume", "ann", "prompts"] + data).status == 0)
            let list = try await Program.run(["reservations", "list", "ann"] + data)
            #expect(list.output == "no open reservations\n")
        }
    }

    @Test func `a reservation that is not there ends with 65`() async throws {
        try await withStore { data in
            for arguments in [
                ["extend", "x"], ["settle", "x"], ["release", "x"], ["reservations", "show", "x"],
            ] {
                let ending = try await Program.run(arguments + data)
                #expect(ending.status == 65 && ending.errors.contains("'x'"), "\(arguments)")
            }
        }
    }

    @Test func `credits are granted, spent, refunded and voided`() async throws {
        try await withStore { data in
            let policy = ["credits", "policy", "put", "--price", "prompts=10"]
            #expect(try await Program.run(policy + data).output == "created credit policy\n")
            let poor = try await Program.run(["consume", "ann", "prompts"] + data)
            #expect(poor.status == 1)
            #expect(poor.output.hasPrefix("refused: not enough credits are left"))
            let granted = try await Program.run(
                ["credits", "grant", "ann", "100", "--id", "g", "--reference", "pay-1"] + data)
            #expect(granted.output == "granted 100 credits (grant g); the balance is 100\n")
            let again = try await Program.run(
                ["credits", "grant", "ann", "100", "--id", "g", "--reference", "pay-1"] + data)
            #expect(again.status == 0)
            #expect(again.output == "unchanged: it was granted before\n")
            let consume = ["consume", "ann", "prompts=3", "--id", "e1"]
            let consumed = try await Program.run(consume + data)
            #expect(consumed.output.hasPrefix("allowed\n30 credits; 70 left\n"))
            let refund = ["credits", "refund", "ann", "e1", "--reason", "failed"]
            let refunded = try await Program.run(refund + ["--json"] + data)
            #expect(refunded.output == "{\"amount\":30,\"balance\":100}\n")
            let twice = try await Program.run(refund + data)
            #expect(twice.status == 65 && twice.errors.contains("(already_refunded)"))
            let voided = try await Program.run(
                ["credits", "void", "ann", "g", "--reason", "mistake"] + data)
            #expect(voided.output == "voided 70 credits (grant g); the balance is 30\n")
            let unknown = try await Program.run(
                ["credits", "void", "ann", "x", "--reason", "mistake"] + data)
            #expect(unknown.status == 65 && unknown.errors.contains("(unknown_grant)"))
            let balance = try await Program.run(["credits", "ann", "--json"] + data)
            #expect(balance.output.hasPrefix(#"{"balance":30,"held":0,"debt":0,"shortfall":0,"#))
            let entries = try await Program.run(["credits", "entries", "ann", "--json"] + data)
            for kind in ["void", "refund", "spend", "grant"] {
                #expect(entries.output.contains(#""kind":"\#(kind)""#))
            }
            let table = try await Program.run(["credits", "entries", "ann"] + data)
            #expect(table.output.split(separator: "\n").count == 6)
            #expect(try await Program.run(["verify"] + data).status == 0)
        }
    }

    @Test func `a plan gives credit`() async throws {
        try await withStore { data in
            let plan = [
                "plans", "put", "free", "--default", "--recurring-grant", "day=50,80",
                "--overdraft", "20",
            ]
            #expect(try await Program.run(plan + data).status == 0)
            #expect(try await Program.run(["credits", "policy", "set"] + data).status == 0)
            let plans = try await Program.run(["plans", "--json"] + data)
            #expect(plans.output.contains(#""overdraft":20"#))
            #expect(plans.output.contains(#""rolloverMax":80"#))
            let balance = try await Program.run(["credits", "balance", "bob", "--json"] + data)
            #expect(balance.output.hasPrefix(#"{"balance":50,"#))
        }
    }

    @Test func `models have prices, each from an instant`() async throws {
        try await withStore { data in
            let first = ["models", "set", "gpt-4", "--input", "30", "--output", "60"]
            #expect(try await Program.run(first + data).output == "created model gpt-4\n")
            #expect(try await Program.run(first + data).output == "unchanged: model gpt-4\n")
            let later = [
                "models", "put", "gpt-4", "--input", "0.15", "--output", "0.000001", "--cached",
                "0", "--effective-at", "2026-01-01T00:00:00Z",
            ]
            #expect(try await Program.run(later + data).output == "replaced model gpt-4\n")
            let table = try await Program.run(["models"] + data).output
            #expect(table.contains("gpt-4  2026-01-01T00:00:00.000Z   0.15  0.000001       0"))
            let list = try await Program.run(["models", "list", "--json"] + data)
            #expect(list.output.contains(#""input":150000,"output":1"#))
            #expect(try await Program.run(["models", "delete", "gpt-4"] + data).status == 0)
            #expect(try await Program.run(["models"] + data).output == "no models\n")
        }
    }

    @Test(
        arguments: [
            ["reserve", "ann", "m", "--expires-in", "0"],
            ["reserve", "ann", "m", "--expires-in", "2592001"],
            ["reserve", "ann", "m", "--on-expiry", "keep"],
            ["extend"], ["settle", "r", "m=x"],
            ["reservations"], ["credits"],
            ["credits", "grant", "ann"], ["credits", "void", "ann", "g"],
            ["credits", "policy", "put", "--price", "m=-1"],
            ["plans", "put", "p", "--recurring-grant", "day"],
            ["plans", "put", "p", "--recurring-grant", "day=1,2,3"],
            ["models", "put", "m", "--input", "1"],
            ["models", "put", "m", "--input", "1", "--output", "0.0000001"],
        ])
    func `a wrong command line ends with 64 and says why`(arguments: [String]) async throws {
        let ending = try await Program.run(arguments)
        #expect(ending.status == 64)
        #expect(ending.output.isEmpty)
        #expect(!ending.errors.isEmpty)
    }
}
