import Foundation
import Meterstone
import Testing

/// Random histories against the model. `SEED=n` repeats one, `STEPS=n` makes it longer, and
/// `HISTORIES=n` runs so many from that seed on; `VERBOSE=1` prints them.
@Suite struct SimulationTests {
    static let zones = ZoneDatabase()

    /// Without the fourth, whose grants by the hour take the model minutes.
    static let seeds: [UInt64] =
        number("SEED").map { first in
            (0..<(number("HISTORIES") ?? 1)).map { first + $0 }
        } ?? [1, 2, 3, 5]

    static let steps = number("STEPS").map { Int($0) } ?? 400

    private static func number(_ variable: String) -> UInt64? {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) }
    }

    @Test(arguments: seeds)
    func `every store does what the model does`(seed: UInt64) throws {
        try run(seed: seed, changesPlans: false)
    }

    @Test(arguments: seeds)
    func `every store changes plans as the model does`(seed: UInt64) throws {
        try run(seed: seed, changesPlans: true)
    }

    private func run(seed: UInt64, changesPlans: Bool) throws {
        var simulation = try Simulation(
            seed: seed, zones: Self.zones, changesPlans: changesPlans)
        do {
            try simulation.run(steps: Self.steps)
        } catch {
            Issue.record("SEED=\(seed): \(error)")
        }
    }
}
