import Foundation
import MeterstoneCore

/// The events of a large store, the same for the same seed: a year of a product whose users create
/// projects, prompt, export and share.
///
/// Activity falls with a subject's rank as a power of it, so that few do much and most do little. Time
/// rises with an event's number, give or take ten minutes. Two of a hundred fail. Of what no limit is
/// about, one in forty is voided.
struct BigStoreEvents {
    /// One event, and what the plain table needs of it.
    struct Drawn: Sendable {
        var event: UsageEvent
        var subject: Int
        var kind: Int
        var subtype: Int
        var isFailed: Bool
        var quantity: Int64
        var durationMs: Int64
        var cost: Int64?
        var createdAt: Int64
        /// Taken back at once.
        var isVoided: Bool
    }

    static let types = ["project_create", "prompt", "export", "share"]
    static let meters = ["projects", "tokens", "exports", "shares"].map { MeterKey(unchecked: $0) }
    static let subtypes = [
        ["blank", "template"], ["large", "medium", "small", "tiny"], ["mp4", "gif"], ["link"],
    ]
    static let days: Int64 = 365
    /// 2026-01-01T00:00:00Z: nothing occurs from here on.
    static let end: Int64 = 1_767_225_600_000
    static let lastDay = CivilDate(daysSince1970: end / 86_400_000 - 1)
    static let start = end - days * 86_400_000

    let subjects: [SubjectID]
    /// Free, pro or team, by place in ``plans``.
    let planOf: [UInt8]
    static let plans = ["free", "pro", "team"].map { PlanKey(unchecked: $0) }

    private let count: Int
    private var random: SplitMix
    private var drawn = 0

    init(subjects count: Int, events: Int, seed: UInt64) {
        var random = SplitMix(seed: seed)
        subjects = (0..<count).map { number in
            let digits = String(number)
            let zeros = String(repeating: "0", count: max(0, 7 - digits.count))
            return SubjectID(unchecked: "user-" + zeros + digits)
        }
        planOf = (0..<count).map { _ in
            let share = random.next(below: 100)
            return share < 7 ? 1 : share < 10 ? 2 : 0
        }
        self.count = events
        self.random = random
    }

    /// The next events, at most so many; empty at the end.
    mutating func next(_ most: Int) -> [Drawn] {
        let end = min(count, drawn + most)
        defer { drawn = end }
        return (drawn..<end).map { draw($0) }
    }

    /// Ranks are spread over the ids by a prime that does not divide their number.
    func subject(ofRank rank: Int) -> Int { (rank * 7_919 + 104_729) % subjects.count }

    private mutating func draw(_ place: Int) -> Drawn {
        // Drawn so that the k-th has activity in proportion to k^-0.6.
        let rank = min(
            subjects.count - 1, Int(Double(subjects.count) * pow(random.nextShare(), 2.5)))
        let subject = subject(ofRank: rank)
        let year = Self.end - Self.start
        let jitter = Int64(random.next(below: 1_200_000)) - 600_000
        let even = Self.start + Int64(Double(place) / Double(count) * Double(year))
        let time = min(max(even + jitter, Self.start), Self.end - 1)
        let share = random.next(below: 100)
        let kind = share < 10 ? 0 : share < 70 ? 1 : share < 88 ? 2 : 3
        let names = Self.subtypes[kind]
        // Half the first, a quarter the second, and so on.
        let subtype = min(names.count - 1, (random.next() | 1 << 60).trailingZeroBitCount)
        let isFailed = random.next(below: 100) < 2
        let quantity = kind == 1 ? 50 + Int64(random.next(below: 2_000)) : 1
        let duration = 20 + Int64(Double(40 << (2 * kind)) / (1 - 0.99 * random.nextShare()))
        let cost = kind == 1 ? quantity * Int64(8 >> subtype) : nil
        return Drawn(
            event: UsageEvent(
                subject: subjects[subject], occurredAt: Instant(millisecondsSince1970: time),
                quantities: .one(Self.meters[kind], Quantity(quantity)),
                details: EventDetails(
                    type: Self.types[kind], subtype: names[subtype],
                    status: isFailed ? .failed : .success, durationMilliseconds: duration,
                    cost: cost.map { Money(millionths: $0) },
                    dimensions: kind == 1 ? [Dimension(name: "model", value: names[subtype])] : [])),
            subject: subject, kind: kind, subtype: subtype, isFailed: isFailed, quantity: quantity,
            durationMs: duration, cost: cost, createdAt: time,
            isVoided: kind != 1 && kind != 2 && place % 40 == 0)
    }

    /// Four meters, three plans, a monthly limit that is soft and a daily one that is not.
    static let blueprint = Blueprint(
        meters: zip(meters, types).map { key, type in
            Meter(key: key, eventTypes: [type], quantityName: key)
        },
        plans: plans.enumerated().map { rank, key in
            Plan(key: key, rank: rank, isDefault: rank == 0)
        },
        limits: [
            Limit(
                key: tokensMonthly, meter: meters[1], window: .month,
                allowances: [
                    plans[0]: .units(Quantity(tokensOfMonth[0])),
                    plans[1]: .units(Quantity(tokensOfMonth[1])), plans[2]: .unlimited,
                ], mode: .soft),
            Limit(
                key: exportsDaily, meter: meters[2], window: .day,
                allowances: [
                    plans[0]: .units(Quantity(exportsOfDay[0])),
                    plans[1]: .units(Quantity(exportsOfDay[1])), plans[2]: .unlimited,
                ]),
        ])

    static let tokensMonthly = LimitKey(unchecked: "tokens-monthly")
    static let exportsDaily = LimitKey(unchecked: "exports-daily")
    /// Of free and pro; team has all it wants.
    static let tokensOfMonth: [Int64] = [20_000, 200_000]
    static let exportsOfDay: [Int64] = [2, 10]
}

/// Random numbers that are the same for the same seed.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func next(below bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }

    /// From 0 up to, and not including, 1.
    mutating func nextShare() -> Double { Double(next() >> 11) * 0x1p-53 }
}
