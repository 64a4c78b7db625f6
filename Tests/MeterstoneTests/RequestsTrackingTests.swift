import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Requests from their start to their end, and the limits that decide about them.
@Suite struct RequestsTrackingTests {
    private typealias World = RequestsWorld

    @Test func `a request is pending until its end is told, and then what it really was`()
        async throws
    {
        try await World.run { world in
            let started = try await world.tracker.start(
                RequestStart(
                    id: .text("r"), subject: World.ada, prompt: "Create an NFT contract",
                    session: "s", model: World.gpt, type: "code_generation", category: "nft",
                    complexity: "high", ipAddress: "::1", userAgent: "curl"))
            guard case .started(let answer) = started else { throw World.Unexpected(what: "no") }
            #expect(answer.request.status == .pending && !answer.isDuplicate)
            #expect(answer.request.startedAt == world.clock.now)
            // 22 bytes are 6 tokens, and an answer is thought to have 500.
            #expect(answer.request.estimatedTokens == 506)
            #expect(
                answer.limits.map(\.limit.text) == [
                    "requests_daily", "requests_monthly", "tokens_per_request",
                ])
            #expect(try await world.used(RequestTracker.tokens) == 506)
            #expect(try await world.tracker.request(.text("r")) == answer.request)

            world.clock.advance(bySeconds: 3)
            let ended = try await world.finished(
                RequestEnd(
                    id: .text("r"), response: "contract …",
                    tokens: .counts(TokenCounts(input: 1_000, output: 500)),
                    durationMilliseconds: 2_500, rating: 5))
            #expect(ended.request.status == .completed)
            #expect(ended.request.response == "contract …")
            #expect(ended.request.cost == RequestCost(Money(millionths: 60_000), .priced))
            #expect(ended.request.endedAt == world.clock.now)
            #expect(ended.request.category == "nft" && ended.request.session == "s")
            #expect(ended.request.ipAddress == "::1" && ended.request.userAgent == "curl")
            #expect(try await world.used(RequestTracker.tokens) == 1_500)
            #expect(try await world.used(RequestTracker.requests) == 1)
            #expect(try await world.tracker.request(.text("r")) == ended.request)
        }
    }

    @Test func `each limit refuses by its name, and a refusal changes nothing`() async throws {
        try await World.run { world in
            for number in 0..<10 { try await world.started("d\(number)") }
            #expect(try await world.violated("day") == ["requests_daily"])
            world.clock.advance(bySeconds: 86_400)
            // What was pending has expired, and counts no more.
            for number in 0..<10 {
                try await world.started("e\(number)")
                try await world.finished(RequestEnd(id: .text("e\(number)"), tokens: .total(1)))
            }
            world.clock.advance(bySeconds: 86_400)
            for number in 0..<2 { try await world.started("f\(number)") }
            #expect(try await world.violated("month") == ["requests_monthly"])
            world.clock.advance(bySeconds: 86_400)
            #expect(
                try await world.violated("large", tokens: 4_001) == ["tokens_per_request"])
            #expect(try await world.tracker.request(.text("large")) == nil)
            try await world.started("large", tokens: 4_000)
        }
    }

    @Test func `starting again gets the first answer, and another body is a conflict`()
        async throws
    {
        try await World.run { world in
            let first = try await world.started("r")
            world.clock.advance(bySeconds: 5)
            try await world.finished(RequestEnd(id: .text("r"), tokens: .total(10)))
            let again = try await world.started("r")
            #expect(again.isDuplicate && again.request == first.request)
            #expect(again.limits.map(\.used) == first.limits.map(\.used))
            guard case .conflict(.text("r")) = try await world.start("r", tokens: 101) else {
                throw World.Unexpected(what: "no conflict")
            }
            #expect(try await world.used(RequestTracker.requests) == 1)
        }
    }

    @Test func `ending again gets the first answer, and another end is a conflict`() async throws {
        try await World.run { world in
            try await world.started("r")
            let end = RequestEnd(
                id: .text("r"), response: "yes",
                tokens: .counts(TokenCounts(input: 10, output: 5)), rating: 4)
            let first = try await world.finished(end)
            // Neither a new price nor a later rating makes it another end.
            _ = try await world.engine.change(
                ChangeRequest(
                    change: .putModel(
                        Model(
                            key: World.gpt,
                            prices: [
                                ModelPrice(input: World.dollars(1), output: World.dollars(1))
                            ])), author: "test"))
            let again = try await world.finished(end)
            #expect(again.isDuplicate && again.request == first.request)
            #expect(again.limits.map(\.used) == first.limits.map(\.used))
            _ = try await world.tracker.rate(.text("r"), 2)
            let third = try await world.finished(end)
            #expect(third.isDuplicate && third.request.rating == 2)
            for other in [
                RequestEnd(id: .text("r"), status: .failed, tokens: end.tokens),
                RequestEnd(id: .text("r"), response: "no", tokens: end.tokens, rating: 4),
                RequestEnd(id: .text("r"), response: "yes", tokens: .total(15), rating: 4),
                RequestEnd(
                    id: .text("r"), response: "yes", tokens: end.tokens, cost: .cent, rating: 4),
            ] {
                guard case .conflict(let request) = try await world.tracker.finish(other) else {
                    throw World.Unexpected(what: "no conflict")
                }
                #expect(request.status == .completed)
            }
        }
    }

    @Test(arguments: [RequestEnd.Status.failed, .cancelled])
    func `what failed or was cancelled does not count, and its tokens are kept`(
        status: RequestEnd.Status
    ) async throws {
        try await World.run { world in
            try await world.started("r")
            let ended = try await world.finished(
                RequestEnd(id: .text("r"), status: status, tokens: .total(70), error: "boom"))
            #expect(ended.request.status.rawValue == status.rawValue)
            #expect(ended.request.tokens == .total(70) && ended.request.error == "boom")
            #expect(ended.limits.map(\.used) == [0, 0, 0])
            #expect(try await world.used(RequestTracker.requests) == 0)
            #expect(try await world.used(RequestTracker.tokens) == 0)
            for number in 0..<10 { try await world.started("d\(number)") }
            #expect(try await world.engine.verify().differences.isEmpty)
        }
    }

    @Test func `a request whose end nobody tells has failed when its time is over`() async throws {
        try await World.run { world in
            try await world.started("r")
            world.clock.advance(bySeconds: 599)
            #expect(try await world.tracker.request(.text("r"))?.status == .pending)
            world.clock.advance(bySeconds: 1)
            // The list says so before the store has written it down.
            let listed = try await world.tracker.requests(of: World.ada).requests.first
            let found = try await world.tracker.request(.text("r"))
            #expect(found == listed)
            #expect(found?.status == .failed && found?.error == TrackedRequest.expired)
            #expect(found?.endedAt == found?.startedAt.advanced(byMilliseconds: 600_000))
            #expect(try await world.used(RequestTracker.requests) == 1)
            #expect(try await world.engine.expireReservations() == 1)
            #expect(try await world.used(RequestTracker.requests) == 0)
            guard case .rejected(let rejection) = try await world.tracker.rate(.text("r"), 3)
            else { throw World.Unexpected(what: "an expired request was rated") }
            #expect(rejection.code == .reservationClosed)
            // An end that comes late is the end.
            let late = RequestEnd(id: .text("r"), tokens: .total(7))
            let ended = try await world.finished(late)
            #expect(ended.request.status == .completed && ended.request.error == nil)
            #expect(ended.request.tokens == .total(7) && !ended.isDuplicate)
            #expect(try await world.used(RequestTracker.requests) == 1)
            #expect(try await world.finished(late).isDuplicate)
            guard case .conflict = try await world.tracker.finish(RequestEnd(id: .text("r"))),
                case .done = try await world.tracker.rate(.text("r"), 3)
            else { throw World.Unexpected(what: "a request that ended late ended twice") }
        }
    }

    @Test func `without told tokens the estimate goes on counting`() async throws {
        try await World.run { world in
            try await world.started("r", tokens: 120)
            let ended = try await world.finished(RequestEnd(id: .text("r")))
            #expect(ended.request.tokens == nil && ended.request.cost == nil)
            #expect(try await world.used(RequestTracker.tokens) == 120)
        }
    }

    @Test func `a rating comes with the end or later`() async throws {
        try await World.run { world in
            try await world.started("r")
            guard case .rejected(let early) = try await world.tracker.rate(.text("r"), 5),
                case .rejected(let wrong) = try await world.tracker.rate(.text("r"), 6),
                case .unknown = try await world.tracker.rate(.text("x"), 5)
            else { throw World.Unexpected(what: "a rating was taken") }
            #expect(early.code == .reservationOpen && wrong.field == "userRating")
            try await world.finished(RequestEnd(id: .text("r"), tokens: .total(10)))
            for (rating, isDuplicate) in [(3, false), (3, true), (4, false)] {
                guard case .done(let rated) = try await world.tracker.rate(.text("r"), rating)
                else { throw World.Unexpected(what: "no rating") }
                #expect(rated.request.rating == rating && rated.isDuplicate == isDuplicate)
            }
            let event = try #require(try await world.engine.events(of: World.ada).events.first)
            #expect(event.corrections.map(\.reason) == ["settled", "rated 3", "rated 4"])
            #expect(event.corrections.last?.author == "meterstone")
            #expect(try await world.used(RequestTracker.tokens) == 10)
        }
    }

    @Test func `without a meter of tokens requests are counted alone`() async throws {
        let blueprint = Blueprint(meters: [Meter(key: RequestTracker.requests)])
        try await World.run(blueprint) { world in
            try await world.started("r")
            let ended = try await world.finished(RequestEnd(id: .text("r"), tokens: .total(9)))
            #expect(ended.request.tokens == .total(9))
            #expect(try await world.started("r").isDuplicate)
            #expect(try await world.dashboard().canStart)
        }
    }

    @Test func `without a meter of requests the blueprint is named`() async throws {
        try await World.run(Blueprint()) { world in
            guard case .rejected(let rejection) = try await world.start("r"),
                case .rejected(let other) = try await world.tracker.dashboard(of: World.ada)
            else { throw World.Unexpected(what: "started") }
            #expect(rejection.code == .unknownMeter && rejection.message.contains("chat-builder"))
            #expect(other == rejection)
        }
    }

    @Test func `a list has pages, and leaves out what is no request`() async throws {
        try await World.run { world in
            for number in 0..<7 {
                try await world.started("r\(number)")
                world.clock.advance(bySeconds: 1)
                _ = try await world.engine.record([
                    UsageEvent(
                        subject: World.ada, quantities: .one(RequestTracker.tokens, 1))
                ])
            }
            _ = try await world.engine.correct(
                Correction(eventID: .text("x"), kind: .void, author: "a", reason: "b"))
            var ids: [String] = []
            var cursor: EventCursor?
            repeat {
                let page = try await world.tracker.requests(
                    of: World.ada, before: cursor, count: 3)
                ids += page.requests.map(\.id.text)
                cursor = page.next
            } while cursor != nil
            #expect(ids == (0..<7).reversed().map { "r\($0)" })
            let whole = try await world.tracker.requests(of: World.ada, count: 7)
            #expect(whole.next == nil)
        }
    }

    @Test func `an event or a reservation that is no request is not found`() async throws {
        try await World.run { world in
            _ = try await world.engine.reserve(
                UsageEvent(
                    id: .text("other"), subject: World.ada,
                    quantities: .one(RequestTracker.tokens, 1)))
            #expect(try await world.tracker.request(.text("other")) == nil)
            #expect(try await world.tracker.request(.text("none")) == nil)
            let end = RequestEnd(id: .text("other"), tokens: .total(1))
            guard case .unknown = try await world.tracker.finish(end) else {
                throw World.Unexpected(what: "another's reservation was settled")
            }
        }
    }

    @Test func `a hundred ends at once of one request count it once`() async throws {
        try await World.run { world in
            try await world.started("r")
            let end = RequestEnd(id: .text("r"), tokens: .total(42))
            let tracker = world.tracker
            let firsts = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        guard case .done(let ended) = try await tracker.finish(end) else {
                            throw RequestsWorld.Unexpected(what: "not done")
                        }
                        return !ended.isDuplicate
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(firsts == 1)
            #expect(try await world.used(RequestTracker.tokens) == 42)
        }
    }
}

extension RequestsWorld {
    /// The limits that refuse a request.
    fileprivate func violated(_ id: String, tokens: Int64 = 100) async throws -> [String] {
        guard case .denied(let denial, _, _) = try await start(id, tokens: tokens) else {
            return []
        }
        #expect(denial.reason == .limitExceeded)
        return denial.violated.map(\.text)
    }
}
