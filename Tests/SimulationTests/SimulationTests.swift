import Foundation
import Meterstone
import Testing

/// Random histories against the model. `SEED=n` repeats one, `STEPS=n` makes it longer.
@Suite struct SimulationTests {
    static let zones = ZoneDatabase()

    static let seeds: [UInt64] =
        ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }.map { [$0] }
        ?? [1, 2, 3, 4]

    static let steps =
        ProcessInfo.processInfo.environment["STEPS"].flatMap { Int($0) } ?? 600

    @Test(arguments: seeds)
    func `every store does what the model does`(seed: UInt64) throws {
        var simulation = try Simulation(seed: seed, zones: Self.zones)
        do {
            try simulation.run(steps: Self.steps)
        } catch {
            Issue.record("SEED=\(seed): \(error)")
        }
    }
}
