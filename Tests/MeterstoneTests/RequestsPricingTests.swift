import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What requests cost, and computing that anew.
@Suite struct RequestsPricingTests {
    private typealias World = RequestsWorld

    struct Case: Sendable, CustomTestStringConvertible {
        let tokens: RequestTokens
        let model: String
        let millionths: Int64?

        var testDescription: String { "\(model): \(tokens)" }
    }

    private static let rich = Model(
        key: ModelKey(unchecked: "rich"),
        prices: [
            ModelPrice(
                input: Money(millionths: 2_500_000), output: Money(millionths: 10_000_000),
                cached: Money(millionths: 1_250_000), reasoning: Money(millionths: 20_000_000))
        ])
    private static let flat = Model(
        key: ModelKey(unchecked: "flat"),
        prices: [
            ModelPrice(
                input: Money(millionths: 1_500_000), output: Money(millionths: 1_500_000))
        ])
    /// Has no price before the clock's day.
    private static let young = Model(
        key: ModelKey(unchecked: "young"),
        prices: [
            ModelPrice(
                effectiveAt: Instant(millisecondsSince1970: 1_773_187_200_000),
                input: World.dollars(1), output: World.dollars(1))
        ])

    private static var blueprint: Blueprint {
        var blueprint = World.blueprint
        blueprint.models += [rich, flat, young]
        return blueprint
    }

    private static func counts(
        _ input: Int64, _ output: Int64, cached: Int64 = 0, reasoning: Int64 = 0
    ) -> RequestTokens {
        .counts(TokenCounts(input: input, output: output, cached: cached, reasoning: reasoning))
    }

    @Test(arguments: [
        Case(tokens: counts(1_000, 500), model: "gpt-4", millionths: 60_000),
        Case(tokens: counts(0, 0), model: "gpt-4", millionths: 0),
        Case(tokens: counts(1_000, 100), model: "rich", millionths: 3_500),
        Case(
            tokens: counts(1_000, 100, cached: 400, reasoning: 50), model: "rich",
            millionths: 1_500 + 500 + 500 + 1_000),
        // One cached token costs 1.25 millionths, and one more 2.5.
        Case(tokens: counts(1, 0, cached: 1), model: "rich", millionths: 1),
        Case(tokens: counts(1, 0), model: "rich", millionths: 3),
        Case(tokens: .total(1_000), model: "gpt-4", millionths: nil),
        Case(tokens: .total(1_000), model: "flat", millionths: 1_500),
        Case(tokens: counts(1_000, 1), model: "unheard-of", millionths: nil),
        Case(tokens: counts(1_000, 1), model: "young", millionths: nil),
    ])
    func `tokens cost what the model's price says, or nobody knows`(example: Case) async throws {
        try await World.run(Self.blueprint) { world in
            try await world.started("r", model: ModelKey(unchecked: example.model))
            let ended = try await world.finished(
                RequestEnd(id: .text("r"), tokens: example.tokens))
            #expect(ended.request.cost?.money.millionths == example.millionths)
            let unpriced = try await world.tracker.unpriced().map(\.id)
            #expect(unpriced == (example.millionths == nil ? [.text("r")] : []))
        }
    }

    @Test func `requests without a cost are found among all others, newest first`() async throws {
        try await World.run(Self.blueprint) { world in
            let bob = SubjectID(unchecked: "bob")
            let start = world.clock.now
            for (id, subject, model) in [
                ("a1", World.ada, "unheard-of"), ("a2", World.ada, "flat"), ("b1", bob, "young"),
                ("a3", World.ada, "unheard-of"), ("open", bob, "unheard-of"),
                ("none", bob, "unheard-of"), ("void", bob, "unheard-of"),
            ] {
                world.clock.advance(bySeconds: 1)
                try await world.started(id, of: subject, model: ModelKey(unchecked: model))
                guard id != "open" else { continue }
                // Several of one instant.
                _ = try await world.engine.record([
                    UsageEvent(
                        id: EventID("other-\(id)"), subject: subject,
                        quantities: .one(RequestTracker.requests, 1))
                ])
                if id == "none" {
                    _ = try await world.engine.release(.text(id))
                } else {
                    try await world.finished(RequestEnd(id: .text(id), tokens: .total(10)))
                }
            }
            _ = try await world.engine.correct(
                Correction(eventID: .text("void"), kind: .void, author: "me", reason: "wrong"))
            func unpriced(
                _ from: Instant = .earliest, _ until: Instant = .latest
            ) async throws
                -> [String]
            {
                try await world.tracker.unpriced(from: from, until: until).map(\.id.text)
            }
            for _ in 0..<2 {
                #expect(try await unpriced() == ["a3", "a1", "b1"])
                let third = start.advanced(byMilliseconds: 3_000)
                #expect(try await unpriced(third) == ["a3", "b1"])
                #expect(try await unpriced(.earliest, third) == ["a1"])
                try await world.engine.flush()
            }
        }
    }

    @Test func `what is given comes before the price`() async throws {
        try await World.run { world in
            try await world.started("r")
            let ended = try await world.finished(
                RequestEnd(
                    id: .text("r"), tokens: Self.counts(1, 1), cost: Money(millionths: 30_000)))
            #expect(ended.request.cost == RequestCost(Money(millionths: 30_000), .given))
            let report = try await world.tracker.reprice()
            #expect(report == RepriceReport())
        }
    }

    @Test func `the price is that of the start`() async throws {
        try await World.run { world in
            let change = world.clock.now.advanced(byMilliseconds: 1_000)
            try await world.put([(.earliest, 30), (change, 3)])
            try await world.started("before")
            world.clock.advance(bySeconds: 1)
            try await world.started("after")
            world.clock.advance(bySeconds: 1)
            var costs: [Int64?] = []
            for id in ["before", "after"] {
                let ended = try await world.finished(
                    RequestEnd(id: .text(id), tokens: Self.counts(1_000, 0)))
                costs.append(ended.request.cost?.money.millionths)
            }
            #expect(costs == [30_000, 3_000])
        }
    }

    @Test func `computing costs anew corrects what differs, and nothing the second time`()
        async throws
    {
        try await World.run { world in
            let subjects = ["ada", "bob", "team"].map { SubjectID(unchecked: $0) }
            _ = try await world.engine.change(
                ChangeRequest(change: .putSubject(Subject(id: subjects[2])), author: "test"))
            _ = try await world.engine.change(
                ChangeRequest(
                    change: .putSubject(Subject(id: subjects[1], parent: subjects[2])),
                    author: "test"))
            for subject in subjects {
                let name = subject.text
                try await world.started("\(name)-1", of: subject)
                try await world.started("\(name)-2", of: subject, model: ModelKey("unknown"))
                try await world.started("\(name)-3", of: subject)
                try await world.started("\(name)-4", of: subject)
                try await world.started("\(name)-open", of: subject)
                for number in 1...2 {
                    try await world.finished(
                        RequestEnd(
                            id: .text("\(name)-\(number)"), tokens: Self.counts(1_000, 0),
                            rating: 3))
                }
                try await world.finished(
                    RequestEnd(
                        id: .text("\(name)-3"), status: .failed, tokens: Self.counts(2_000, 0)))
                try await world.finished(
                    RequestEnd(
                        id: .text("\(name)-4"), tokens: Self.counts(1, 0), cost: Money.cent))
            }
            _ = try await world.tracker.rate(.text("ada-1"), 5)
            try await world.put([(.earliest, 60)])
            var expected = RepriceReport()
            (expected.requests, expected.repriced, expected.unpriced) = (9, 6, 3)
            #expect(try await world.tracker.reprice(isDryRun: true) == expected)
            #expect(try await world.tracker.reprice() == expected)
            (expected.repriced, expected.unchanged) = (0, 6)
            #expect(try await world.tracker.reprice() == expected)

            let request = try #require(try await world.tracker.request(.text("ada-1")))
            #expect(request.cost == RequestCost(Money(millionths: 60_000), .priced))
            #expect(request.rating == 5)
            let failed = try #require(try await world.tracker.request(.text("bob-3")))
            #expect(failed.cost?.money.millionths == 120_000 && failed.status == .failed)
            let event = try #require(
                try await world.engine.events(of: subjects[0]).events.last {
                    $0.event.id == .text("ada-1")
                })
            #expect(event.corrections.map(\.reason) == ["settled", "rated 5", "repriced"])
            #expect(try await world.engine.verify().differences.isEmpty)
            #expect(try await world.used(RequestTracker.tokens, of: subjects[0]) == 2_101)
        }
    }

    @Test func `only requests of the span and of the model are computed anew`() async throws {
        try await World.run { world in
            let middle = world.clock.now.advanced(byMilliseconds: 1_000)
            for id in ["a", "b"] {
                try await world.started(id)
                try await world.finished(
                    RequestEnd(id: .text(id), tokens: Self.counts(1_000, 0)))
                world.clock.advance(bySeconds: 1)
            }
            try await world.put([(.earliest, 1)])
            let other = try await world.tracker.reprice(model: ModelKey(unchecked: "other"))
            #expect(other.requests == 0)
            #expect(try await world.tracker.reprice(from: middle).repriced == 1)
            #expect(try await world.tracker.reprice(until: middle).repriced == 1)
            #expect(try await world.tracker.reprice(model: World.gpt).unchanged == 2)
            // A model that is gone takes no cost with it.
            _ = try await world.engine.change(
                ChangeRequest(change: .deleteModel(World.gpt), author: "test"))
            #expect(try await world.tracker.reprice().unchanged == 2)
            #expect(try await world.tracker.unpriced().isEmpty)
        }
    }
}

extension RequestsWorld {
    /// Gives the model prices, the same for input and output.
    fileprivate func put(_ prices: [(Instant, Int64)]) async throws {
        let prices = prices.map { effectiveAt, dollars in
            ModelPrice(
                effectiveAt: effectiveAt, input: Self.dollars(dollars),
                output: Self.dollars(dollars + 1))
        }
        let receipt = try await engine.change(
            ChangeRequest(change: .putModel(Model(key: Self.gpt, prices: prices)), author: "test"))
        #expect(receipt.outcome == .replaced)
    }
}
