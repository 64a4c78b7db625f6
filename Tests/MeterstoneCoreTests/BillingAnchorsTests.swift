import MeterstoneCore
import Testing

/// Billing months whose anchor changes follow each other without gap or overlap.
@Suite struct BillingAnchorsTests {
    private static let start = Instant.at("2026-01-31T10:00:00Z")

    private static func turn(_ at: Instant, _ anchor: Instant?, opens: Bool) -> BillingTurn {
        BillingTurn(at: at, anchor: anchor, opensWindow: opens, plans: [])
    }

    static let cases: [(turns: [(at: String, anchor: String, opens: Bool)], edges: [String])] = [
        ([], ["2026-01-31T10:00", "2026-02-28T10:00", "2026-03-31T10:00", "2026-04-30T10:00"]),
        (
            [("2026-02-10T09:00", "2026-02-10T09:00", false)],
            ["2026-01-31T10:00", "2026-03-10T09:00", "2026-04-10T09:00"]
        ),
        (
            [("2026-02-10T09:00", "2026-02-10T09:00", true)],
            ["2026-01-31T10:00", "2026-02-10T09:00", "2026-03-10T09:00"]
        ),
        (
            [("2026-02-10T09:00", "2026-01-31T10:00", true)],
            ["2026-01-31T10:00", "2026-02-10T09:00", "2026-02-28T10:00", "2026-03-31T10:00"]
        ),
        (
            // Where a month ends anyway, nothing is joined and nothing is cut.
            [("2026-02-28T10:00", "2026-02-28T10:00", false)],
            ["2026-01-31T10:00", "2026-02-28T10:00", "2026-03-28T10:00", "2026-04-28T10:00"]
        ),
        (
            // A loop of new anchors makes one month longer and longer.
            [
                ("2026-02-10T09:00", "2026-02-10T09:00", false),
                ("2026-03-09T09:00", "2026-03-09T09:00", false),
                ("2026-04-08T09:00", "2026-04-08T09:00", false),
            ], ["2026-01-31T10:00", "2026-05-08T09:00", "2026-06-08T09:00"]
        ),
    ]

    @Test(arguments: cases)
    func `turns cut months, or join them`(
        wanted: (turns: [(at: String, anchor: String, opens: Bool)], edges: [String])
    ) {
        let anchors = BillingAnchors(
            Self.start,
            turns: wanted.turns.map {
                Self.turn(.at($0.at + ":00Z"), .at($0.anchor + ":00Z"), opens: $0.opens)
            })
        let edges = wanted.edges.map { Instant.at($0 + ":00Z") }
        for (from, until) in zip(edges, edges.dropFirst()) {
            for instant in [from, until.advanced(byMilliseconds: -1)] {
                let span = Window.billingMonth.span(containing: instant, in: .utc, anchors: anchors)
                #expect(span == WindowSpan(from: from, until: until), "at \(instant.rfc3339)")
            }
        }
    }

    @Test(arguments: 0..<200)
    func `whatever the turns, windows are those of a list of edges`(seed: Int) {
        var random = CalendarGenerator(seed: UInt64(seed))
        func day(_ range: ClosedRange<Int64>) -> Instant {
            let days = Int64.random(in: range, using: &random)
            let half = Int64.random(in: 0...1, using: &random)
            return Self.start.advanced(byMilliseconds: days * 86_400_000 + half * 3_600_000)
        }
        var turns: [BillingTurn] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let at = day(0...200)
            guard !turns.contains(where: { $0.at == at }) else { continue }
            turns.append(
                Self.turn(
                    at, Bool.random(using: &random) ? at : day(0...30),
                    opens: Bool.random(using: &random)))
        }
        turns.sort { $0.at < $1.at }
        let anchors = BillingAnchors(Self.start, turns: turns)
        let edges = Self.edges(turns)
        for _ in 0..<50 {
            let instant = day(-40...260)
            let span = Window.billingMonth.span(containing: instant, in: .utc, anchors: anchors)
            #expect(span.from == edges.last { $0 <= instant }, "seed \(seed)")
            #expect(span.until == edges.first { instant < $0 }, "seed \(seed)")
        }
    }

    /// Month by month from long before, cut at each turn.
    private static func edges(_ turns: [BillingTurn]) -> [Instant] {
        func months(_ anchor: Instant?, after instant: Instant) -> [Instant] {
            var result: [Instant] = []
            var next = instant
            for _ in 0..<24 {
                next = Window.billingMonth.span(containing: next, in: .utc, anchor: anchor).until
                result.append(next)
            }
            return result
        }
        var edges = months(start, after: start.advanced(byMilliseconds: -200 * 86_400_000))
        for turn in turns {
            edges.removeAll { $0 > turn.at }
            if turn.opensWindow, edges.last != turn.at { edges.append(turn.at) }
            edges += months(turn.anchor, after: turn.at)
        }
        return edges
    }
}

extension Instant {
    fileprivate static func at(_ text: String) -> Instant { Instant(rfc3339: text) ?? .earliest }
}
