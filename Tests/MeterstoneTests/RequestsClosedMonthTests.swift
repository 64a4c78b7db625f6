import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Tracked requests of a month that is closed: a rating is a text, and all that is counted stays.
@Suite struct RequestsClosedMonthTests {
    private typealias World = RequestsWorld

    private static func closed(_ world: World) async throws {
        world.clock.set(try #require(Instant(rfc3339: "2026-04-01T00:00:00Z")))
        _ = try await world.engine.expireReservations()
        let month = try #require(CivilMonth("2026-03"))
        let receipt = try await world.engine.change(
            ChangeRequest(change: .closeMonth(month), author: "test"))
        #expect(receipt.outcome == .created)
    }

    @Test func `it is rated, and neither priced anew nor ended`() async throws {
        try await World.run { world in
            try await world.started("r")
            try await world.finished(
                RequestEnd(id: .text("r"), tokens: .counts(TokenCounts(input: 10, output: 10))))
            try await world.started("nobody ends it")
            let usedBefore = try await world.used(RequestTracker.tokens)
            try await Self.closed(world)
            let used = try await world.used(RequestTracker.tokens)
            #expect(used == 20 && usedBefore != used)

            guard case .done(let rated) = try await world.tracker.rate(.text("r"), 4) else {
                throw World.Unexpected(what: "no rating")
            }
            #expect(rated.request.rating == 4)
            let model = Model(
                key: World.gpt,
                prices: [ModelPrice(input: World.dollars(3), output: World.dollars(6))])
            _ = try await world.engine.change(
                ChangeRequest(change: .putModel(model), author: "test"))
            let report = try await world.tracker.reprice()
            #expect(report.refused == 1 && report.repriced == 0)
            let end = RequestEnd(id: .text("nobody ends it"), tokens: .total(7))
            guard case .rejected(let rejection) = try await world.tracker.finish(end) else {
                throw World.Unexpected(what: "a late end was taken")
            }
            #expect(rejection.code == .monthClosed)
            #expect(try await world.used(RequestTracker.tokens) == used)
            #expect(try await world.engine.verify().differences == [])
        }
    }
}
