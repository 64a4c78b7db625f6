import MeterstoneCore

/// Makes the same numbers from the same seed, on every machine (SplitMix64).
struct CalendarGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension CalendarGenerator {
    /// A zone of up to forty changes, some of them within minutes of each other.
    mutating func zone() -> ZoneRules {
        var time = Int64.random(in: 1_600_000_000...1_700_000_000, using: &self) * 1_000
        var transitions: [ZoneRules.Transition] = []
        for _ in 0..<Int.random(in: 0...40, using: &self) {
            let longest: Int64 = Bool.random(using: &self) ? 100_000 : 4_000_000
            time += Int64.random(in: 1...longest, using: &self) * 1_000
            transitions.append(
                ZoneRules.Transition(
                    at: Instant(millisecondsSince1970: time), offsetSeconds: offsetSeconds()))
        }
        return ZoneRules(
            name: "Test", initialOffsetSeconds: offsetSeconds(), transitions: transitions)
    }

    private mutating func offsetSeconds() -> Int64 {
        switch Int.random(in: 0..<3, using: &self) {
        case 0: Int64.random(in: -26...26, using: &self) * 3_600
        case 1: Int64.random(in: -8...8, using: &self) * 900
        default: Int64.random(in: ZoneRules.offsetSecondsAllowed, using: &self)
        }
    }

    /// Usually within two days of a change.
    mutating func instant(in zone: ZoneRules) -> Instant {
        let change = zone.transitions.randomElement(using: &self)?.at
        let start = change ?? Instant(millisecondsSince1970: 1_650_000_000_000)
        let distance: Int64 = Int.random(in: 0..<4, using: &self) == 0 ? 1 << 37 : 1 << 27
        return start.advanced(byMilliseconds: .random(in: -distance...distance, using: &self))
    }
}

extension Window {
    /// Whether windows follow each other without gap or overlap around an instant.
    func isLawful(at time: Instant, in zone: ZoneRules, anchor: Instant) -> Bool {
        func found(_ milliseconds: Int64) -> WindowSpan {
            let instant = Instant(millisecondsSince1970: milliseconds)
            return self.span(containing: instant, in: zone, anchor: anchor)
        }
        let span = found(time.millisecondsSince1970)
        let from = span.from.millisecondsSince1970
        let until = span.until.millisecondsSince1970
        return span.contains(time) && found(from) == span && found(until - 1) == span
            && found(until).from == span.until && found(from - 1).until == span.from
    }
}
