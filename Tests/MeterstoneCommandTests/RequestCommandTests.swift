import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import Testing

/// The commands about tracked requests, on a store that the test filled.
@Suite struct RequestCommandTests {
    private static let model = ModelKey(unchecked: "m")

    private static func fill(_ folder: String) async throws {
        let engine = MeterstoneEngine(store: try SQLiteStore(directory: folder))
        _ = try await engine.apply(
            Blueprint(
                meters: [Meter(key: RequestTracker.requests), Meter(key: RequestTracker.tokens)]),
            author: "test")
        let tracker = RequestTracker(engine)
        let subject = SubjectID(unchecked: "ann")
        _ = try await tracker.start(
            RequestStart(id: .text("r"), subject: subject, prompt: "?", model: model))
        _ = try await tracker.finish(
            RequestEnd(id: .text("r"), tokens: .counts(TokenCounts(input: 10, output: 5))))
        await engine.shutdown()
    }

    private static func price(_ folder: String) async throws {
        let engine = MeterstoneEngine(store: try SQLiteStore(directory: folder))
        let price = ModelPrice(
            input: Money(millionths: 1_000_000), output: Money(millionths: 2_000_000))
        _ = try await engine.apply(
            Blueprint(models: [Model(key: model, prices: [price])]), author: "test")
        await engine.shutdown()
    }

    @Test func `costs are computed anew, and nothing the second time`() async throws {
        try await withFolder { folder in
            try await Self.fill(folder)
            let data = ["--data", folder]
            let unpriced = try await Program.run(["requests", "unpriced", "--json"] + data)
            #expect(unpriced.status == 0)
            #expect(unpriced.output.hasPrefix(#"{"unpriced":1,"requests":[{"#))
            #expect(try await Program.run(["requests", "unpriced"] + data).output.contains("ann"))
            try await Self.price(folder)
            let dry = try await Program.run(["reprice", "--dry-run"] + data)
            #expect(
                dry.output == """
                    1 requests: 1 would be repriced, 0 unchanged, 0 without a price

                    """)
            let other = try await Program.run(["reprice", "--model", "other", "--json"] + data)
            #expect(other.output.hasPrefix(#"{"requests":0,"repriced":0,"#))
            for (repriced, unchanged) in [(1, 0), (0, 1)] {
                let ending = try await Program.run(["reprice", "--json"] + data)
                #expect(ending.status == 0)
                #expect(
                    ending.output.hasPrefix(
                        #"{"requests":1,"repriced":\#(repriced),"unpriced":0,"#
                            + #""unchanged":\#(unchanged),"#))
            }
            let after = try await Program.run(["requests", "unpriced", "--json"] + data)
            #expect(after.output.hasPrefix(#"{"unpriced":0,"#))
            #expect(try await Program.run(["verify"] + data).status == 0)
        }
    }
}
