import Foundation
import Logging
import Meterstone
import MeterstoneCore
import MeterstoneServer
import MeterstoneShipping
import MeterstoneSQLite
import MeterstoneStore
import ServiceLifecycle

extension Serving {
    /// Serves a copy of what is shipped to a place: reads are answered, and nothing is written but what comes from
    /// there.
    func follow(_ from: String) async throws {
        let place = try Self.place(from, settings)
        guard case .directory(let directory) = settings.location.value else {
            throw CommandFailure(.usage, "--store: a follower is an embedded store, in a folder")
        }
        for (origin, isSaid) in [
            (settings.shipTo.origin, settings.shipTo.value != nil),
            (settings.blueprint.origin, settings.blueprint.value != nil),
        ] where isSaid {
            throw CommandFailure(
                .usage, "\(origin): a follower takes everything from the store that it follows")
        }
        if !FileManager.default.fileExists(atPath: directory + "/meterstone.sqlite") {
            try await copy(place, into: directory)
        }
        let engine = try OpenStore.engine(
            settings, for: .existing, logger: logger, metrics: metrics)
        do {
            try await serve(engine, following: place, in: directory)
        } catch {
            await engine.shutdown()
            throw error
        }
        await engine.shutdown()
    }

    private func copy(_ place: any ShippingPlace, into directory: String) async throws {
        let options = settings.storeOptions
        guard try await !Epoch.all(at: place).isEmpty else {
            throw CommandFailure(.unavailable, "nothing was shipped to \(place.name) yet")
        }
        _ = try await Restoration(from: place, as: .follower) { directory in
            try SQLiteStore(directory: directory, options: options, adoptsDefaultTimeZone: false)
        }.run(into: directory, at: nil)
        logger.info("\(directory): made of what is at \(place.name)")
    }

    private func serve(
        _ engine: MeterstoneEngine, following place: any ShippingPlace, in directory: String
    ) async throws {
        guard try await engine.isFollower() else {
            throw CommandFailure(
                .usage, "the store in '\(directory)' follows no other: name an empty folder")
        }
        let follower = Follower(engine, from: place, clock: SystemClock.now)
        // What it answers first is as new as the place.
        do { try await follower.step() } catch let error as ShippingError {
            throw CommandFailure(.unavailable, error.message)
        }
        let hasKey = try await engine.keys().contains { $0.scopes.contains(.admin) }
        guard
            settings.administratorKey.value != nil || hasKey
                || Guardian.isLoopback(settings.host.value)
        else {
            throw CommandFailure(
                .usage,
                "\(settings.host.origin): set METERSTONE_ADMIN_KEY, or make a key where it is written"
            )
        }
        let application = makeApplication(
            engine: engine, options: try options(nil), logger: logger)
        try await run([
            FollowingWatch(follower, logger: logger, metrics: metrics), application,
            HaltWatch(engine: engine),
        ])
    }

    static func place(_ text: String, _ settings: Settings) throws -> any ShippingPlace {
        guard let location = ShippingLocation(text) else {
            throw CommandFailure(.usage, "--from: expected \(ShippingLocation.expectation)")
        }
        return try settings.place(location)
    }
}
