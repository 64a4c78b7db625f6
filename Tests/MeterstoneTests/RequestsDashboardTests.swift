import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// The dashboard, beside a naive fold over a random history.
@Suite struct RequestsDashboardTests {
    private typealias World = RequestsWorld

    /// What the test knows of a request by itself.
    private struct Known {
        let startedAt: Int64
        var status = "pending"
        var tokens: Int64 = 0
        var millionths: Int64 = 0
        var duration: Int64?
        var rating: Int64?
        var category: String?

        func isExpired(at now: Int64) -> Bool { status == "pending" && startedAt + 600_000 <= now }
        /// Failed and cancelled requests do not count, and neither do those whose time is over.
        func counts(at now: Int64) -> Bool {
            status == "completed" || status == "pending" && !isExpired(at: now)
        }
    }

    /// Half past five hours east of Greenwich all year.
    private static let offset: Int64 = 19_800_000

    private static func day(_ milliseconds: Int64) -> Int64 {
        (milliseconds + offset) / 86_400_000
    }

    private static func month(_ milliseconds: Int64) -> Int {
        let date = CivilDate(daysSince1970: day(milliseconds))
        return date.year * 12 + date.month
    }

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `every number is what a naive fold of a random history gives`(seed: UInt64) async throws {
        try await World.run { world in
            var generator = Generator(state: seed)
            _ = try await world.engine.change(
                ChangeRequest(
                    change: .putSubject(
                        Subject(
                            id: World.ada, timeZone: "Asia/Kolkata",
                            plan: PlanKey(unchecked: "team"))), author: "test"))
            var known: [Known] = []
            for step in 1...240 {
                let now = world.clock.now.millisecondsSince1970
                let open = known.indices.filter {
                    known[$0].status == "pending" && !known[$0].isExpired(at: now)
                }
                if let index = open.randomElement(using: &generator), Bool.random(using: &generator)
                {
                    let (end, after) = Self.end(index, known[index], &generator)
                    try await world.finished(end)
                    known[index] = after
                } else {
                    let category = [nil, "nft", "token"].randomElement(using: &generator) ?? nil
                    _ = try await world.tracker.start(
                        RequestStart(
                            id: .text("\(known.count)"), subject: World.ada, prompt: "?",
                            category: category, estimatedTokens: 5))
                    known.append(Known(startedAt: now, category: category))
                }
                // Mostly minutes, and now and then a day, so that some expire and months begin.
                let isLong = Int.random(in: 0..<4, using: &generator) == 0
                world.clock.advance(
                    bySeconds: Int64.random(in: 0...(isLong ? 100_000 : 150), using: &generator))
                if step % 40 == 0 { try await compare(world, known) }
            }
        }
    }

    private static func end(
        _ index: Int, _ before: Known, _ generator: inout Generator
    ) -> (RequestEnd, Known) {
        var after = before
        let status = RequestEnd.Status.allCases.randomElement(using: &generator) ?? .completed
        after.status = status.rawValue
        after.tokens = Int64.random(in: 0...2_000, using: &generator)
        after.millionths = Int64.random(in: 0...99_999, using: &generator)
        after.duration =
            Bool.random(using: &generator) ? Int64.random(in: 0...9_999, using: &generator) : nil
        after.rating =
            Bool.random(using: &generator) ? Int64.random(in: 1...5, using: &generator) : nil
        let end = RequestEnd(
            id: .text("\(index)"), status: status, tokens: .total(after.tokens),
            cost: Money(millionths: after.millionths), durationMilliseconds: after.duration,
            rating: after.rating.map { Int($0) })
        return (end, after)
    }

    private func compare(_ world: World, _ known: [Known]) async throws {
        let dashboard = try await world.dashboard()
        let now = world.clock.now.millisecondsSince1970
        let totals = dashboard.totals
        #expect(totals.requests == Int64(known.count))
        #expect(totals.tokens == known.reduce(0) { $0 + $1.tokens })
        #expect(totals.cost.millionths == known.reduce(0) { $0 + $1.millionths })
        let ended = known.filter { $0.status != "pending" || $0.isExpired(at: now) }
        let completed = known.filter { $0.status == "completed" }
        #expect(totals.successInTenThousand == Self.mean(completed.count * 10_000, ended.count))
        let durations = known.compactMap(\.duration)
        #expect(
            totals.averageMilliseconds == Self.mean(Int(durations.reduce(0, +)), durations.count))
        let ratings = known.compactMap(\.rating)
        #expect(
            totals.averageRatingTenths
                == Self.mean(Int(ratings.reduce(0, +)) * 10, ratings.count))
        let categories = Dictionary(grouping: known.compactMap(\.category)) { $0 }
        #expect(totals.byCategory == categories.mapValues { Int64($0.count) })
        let counted = known.filter { $0.counts(at: now) }.map(\.startedAt)
        #expect(
            dashboard.thisMonth.used
                == Int64(counted.filter { Self.month($0) == Self.month(now) }.count))
        #expect(
            dashboard.today.used == Int64(counted.filter { Self.day($0) == Self.day(now) }.count))
        #expect(dashboard.today.allowance == .unlimited && dashboard.canStart)
        // Several may start at one instant; later ids come first then too.
        #expect(
            dashboard.recent.map(\.id.text)
                == known.indices.suffix(10).reversed().map { "\($0)" })
        #expect(dashboard.plan?.text == "team")
    }

    private static func mean(_ sum: Int, _ count: Int) -> Int64? {
        count == 0 ? nil : Int64((2 * sum + count) / (2 * count))
    }

    @Test func `a subject without requests has nothing to average`() async throws {
        try await World.run { world in
            let dashboard = try await world.dashboard()
            #expect(dashboard.totals == RequestTotals())
            #expect(dashboard.totals.successInTenThousand == nil)
            #expect(dashboard.totals.averageMilliseconds == nil)
            #expect(dashboard.totals.averageRatingTenths == nil)
            #expect(dashboard.thisMonth == RequestAllowance(used: 0, allowance: .units(12)))
            #expect(dashboard.today == RequestAllowance(used: 0, allowance: .units(10)))
            #expect(dashboard.plan?.text == "free" && dashboard.email == nil)
            #expect(dashboard.canStart && dashboard.recent.isEmpty)
        }
    }

    @Test func `it tells when no more may start, and starts anew with the subject's own day`()
        async throws
    {
        try await World.run { world in
            _ = try await world.engine.change(
                ChangeRequest(
                    change: .putSubject(Subject(id: World.ada, timeZone: "Asia/Kolkata")),
                    author: "test"))
            for number in 0..<10 {
                try await world.started("\(number)")
                try await world.finished(RequestEnd(id: .text("\(number)"), tokens: .total(1)))
            }
            #expect(try await world.dashboard().canStart == false)
            // Half past six hours later it is midnight there, and noon has become half past six here.
            world.clock.advance(bySeconds: 6 * 3_600 + 1_800)
            let dashboard = try await world.dashboard()
            #expect(dashboard.canStart && dashboard.today.used == 0)
            #expect(dashboard.thisMonth.used == 10)
        }
    }

    @Test func `an address is the subject's metadata, or its id if that is one`() async throws {
        try await World.run { world in
            let mail = SubjectID(unchecked: "ada@example.com")
            #expect(try await world.dashboard(of: mail).email == "ada@example.com")
            let subject = Subject(id: World.ada, metadata: ["email": "a@b.c"])
            _ = try await world.engine.change(
                ChangeRequest(change: .putSubject(subject), author: "test"))
            #expect(try await world.dashboard().email == "a@b.c")
        }
    }
}
