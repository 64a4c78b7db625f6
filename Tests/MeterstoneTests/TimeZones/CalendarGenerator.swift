import Foundation
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
    /// A seed of its own for each run, to be shown on failure; `SEED=…` repeats a run.
    static var freshSeed: UInt64 {
        ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
            ?? .random(in: 0...UInt64.max)
    }

    /// Anywhere, or within a day and a half of a change.
    mutating func instant(in zone: ZoneRules) -> Instant {
        let change = zone.transitions.randomElement(using: &self)?.at
        if let change, Bool.random(using: &self) {
            return change.advanced(byMilliseconds: .random(in: -1 << 27...1 << 27, using: &self))
        }
        let range = Instant.earliest.millisecondsSince1970...Instant.latest.millisecondsSince1970
        return Instant(millisecondsSince1970: .random(in: range, using: &self))
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
