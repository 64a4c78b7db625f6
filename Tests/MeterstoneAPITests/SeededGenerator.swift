import Foundation

/// SplitMix64: a seed gives the same numbers on every machine, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var result = state
        result = (result ^ result >> 30) &* 0xBF58_476D_1CE4_E5B9
        result = (result ^ result >> 27) &* 0x94D0_49BB_1331_11EB
        return result ^ result >> 31
    }
}

extension SeededGenerator {
    /// What random tests begin with: the same in every run, and one more with `SEED=n`. A test that fails
    /// names its seed.
    static let seeds: [UInt64] =
        [1, 2, 3]
        + (ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }.map { [$0] } ?? [])
}
