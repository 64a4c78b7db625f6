import Foundation
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneShipping
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Subprocess
import Testing

/// A copy that is kept up, answers reads, and takes over.
@Suite struct FollowerTests {
    private static let calls = MeterKey(unchecked: "calls")
    private static let ann = SubjectID(unchecked: "ann")

    private func engine(_ folder: String, _ clock: ManualClock) throws -> MeterstoneEngine {
        var options = StoreOptions()
        options.shippedFactsKeptMax = 1_000
        return MeterstoneEngine(
            store: try SQLiteStore(directory: folder, options: options), clock: { clock.now })
    }

    private func record(_ count: Int, _ engine: MeterstoneEngine) async throws {
        let event = UsageEvent(subject: Self.ann, quantities: .one(Self.calls, 1))
        for _ in 0..<count { _ = try await engine.record([event]) }
    }

    private func used(_ engine: MeterstoneEngine) async throws -> Int64? {
        try await engine.limits(of: Self.ann).first?.used.units
    }

    private func follower(
        _ place: any ShippingPlace, _ folder: String, _ clock: ManualClock
    ) async throws -> (MeterstoneEngine, Follower) {
        _ = try await Restoration(from: place, as: .follower) {
            try SQLiteStore(directory: $0, options: StoreOptions())
        }.run(into: folder, at: nil)
        let copy = try engine(folder, clock)
        return (copy, Follower(copy, from: place, clock: { clock.now }))
    }

    /// A store with a limit, which has shipped what it has.
    private func original(
        _ place: any ShippingPlace, _ folder: String, _ clock: ManualClock
    ) async throws -> (MeterstoneEngine, Shipper) {
        let engine = try engine(folder, clock)
        let limit = Limit(
            key: LimitKey(unchecked: "daily"), meter: Self.calls, window: .day,
            defaultAllowance: .units(100))
        for change in [.putMeter(Meter(key: Self.calls)), .putLimit(limit)] as [Change] {
            _ = try await engine.change(ChangeRequest(change: change, author: "test"))
        }
        try await record(3, engine)
        let shipper = Shipper(engine, to: place, clock: { clock.now })
        _ = try await shipper.step()
        return (engine, shipper)
    }

    private func refusal(_ body: () async throws -> Void) async -> StoreError.Code? {
        do { try await body() } catch { return (error as? StoreError)?.code }
        return nil
    }

    @Test
    func `a follower has what was shipped, is written by nobody, and is equal once it takes over`()
        async throws
    {
        try await withFolder { folder in
            let clock = ManualClock()
            let place = FolderPlace(folder + "/place")
            let (engine, shipper) = try await original(place, folder + "/store", clock)
            let (copy, follower) = try await follower(place, folder + "/copy", clock)
            #expect(try await used(copy) == 3)
            for round in 1...3 {
                try await record(5, engine)
                _ = try await shipper.step()
                let progress = try await follower.step()
                #expect(progress.batches == 5)
                #expect(try await used(copy) == Int64(3 + 5 * round))
            }
            #expect(try await follower.step().batches == 0)
            #expect(await refusal { try await record(1, copy) } == .following)
            // It goes on after that, and after it was opened again.
            await copy.shutdown()
            let again = try self.engine(folder + "/copy", clock)
            let second = Follower(again, from: place, clock: { clock.now })
            #expect(await refusal { try await record(1, again) } == .following)
            // What was committed and not shipped when it takes over is lost, and of no history.
            try await record(2, engine)
            _ = try await shipper.step()
            try await record(1, engine)
            let epoch = try await second.promote()
            let identity = try await engine.identity()
            #expect(epoch.number == 2 && epoch.store == identity.id)
            #expect(try await used(again) == 20)
            // The one before finds it.
            let fenced = await #expect(throws: ShippingError.self) { try await shipper.step() }
            #expect(fenced?.kind == .fenced)
            // A second copy that is told to take over goes on after the first.
            try await record(7, again)
            let own = Shipper(again, to: place, clock: { clock.now })
            #expect(try await own.step().batches == 7)
            #expect(own.standing.wantsWholeSince != nil)
            let (third, thirdFollower) = try await self.follower(place, folder + "/third", clock)
            #expect(try await used(third) == 27)
            #expect(try await thirdFollower.promote().number == 3)
            try await record(1, again)
            let over = await #expect(throws: ShippingError.self) { try await own.step() }
            #expect(over?.kind == .fenced)
            #expect(await refusal { try await record(1, third) } == nil)
            for engine in [engine, again, third] {
                #expect(try await engine.verify().isClean)
                await engine.shutdown()
            }
        }
    }

    @Test func `a copy that has what the history left goes on no more`() async throws {
        try await withFolder { folder in
            let clock = ManualClock()
            let place = FolderPlace(folder + "/place")
            let (engine, shipper) = try await original(place, folder + "/store", clock)
            let (one, oneFollower) = try await follower(place, folder + "/one", clock)
            let (other, otherFollower) = try await follower(place, folder + "/other", clock)
            // One takes over before the other has seen what was shipped last.
            _ = try await oneFollower.promote()
            try await record(2, engine)
            // Its last word arrives late, as of a server that hangs.
            let page = try await engine.journal(after: 0, bytesMax: 1 << 20)
            let late = try #require(page.batches.last)
            try await other.take([try #require(page.batches.dropLast().last), late])
            let left = await #expect(throws: ShippingError.self) { try await otherFollower.step() }
            #expect(left?.kind == .damaged)
            _ = try? await shipper.step()
            // And who follows no more is told so.
            let done = await #expect(throws: ShippingError.self) { try await oneFollower.step() }
            #expect(done?.kind == .foreign)
            for engine in [engine, one, other] { await engine.shutdown() }
        }
    }

    @Test func `a server follows another, answers reads, and takes its place`() async throws {
        try await withFolder { folder in
            let place = folder + "/place"
            let from = ["--from", place, "--data", "\(folder)/copy"]
            func used(_ port: String) throws -> String {
                let client = HTTPConnection(port: try #require(Int(port)))
                let body = try client.send("GET", "/v1/subjects/u1/limits").body
                // When a rolling window ends hangs on when somebody asks.
                return body.split(separator: ",").filter { $0.contains("used") }.joined()
            }
            let event = #"{"subject":"u1","type":"prompt"}"#
            let ending = try await Program.serve(
                [
                    "--data", "\(folder)/store", "--blueprint", "video-studio", "--ship-to", place,
                ], endedBy: .kill
            ) { server in
                let client = HTTPConnection(port: try #require(Int(server.port)))
                #expect(try client.send("POST", "/v1/events", event).status < 300)
                let told = try used(server.port)
                let copied = try await Program.serve(from, as: "follow") { copy in
                    let reader = HTTPConnection(port: try #require(Int(copy.port)))
                    while try used(copy.port) != told {}
                    #expect(try client.send("POST", "/v1/events", event).status < 300)
                    let next = try used(server.port)
                    #expect(next != told)
                    while try used(copy.port) != next {}
                    let refused = try reader.send("POST", "/v1/events", event)
                    #expect(refused.status == 503 && refused.body.contains("store_follows"))
                    let metrics = try reader.send("GET", "/metrics").body
                    #expect(metrics.contains("meterstone_following_age_seconds 0"))
                    // Nothing failed: somebody asked the wrong one.
                    #expect(metrics.contains(#"errors_total{code="store_follows"} 0"#))
                }
                let said = copied.errors.split(separator: "\n").filter {
                    $0.contains("store_follows")
                }
                #expect(said.count == 1 && said[0].contains(" warning "), "\(said)")
            }
            #expect(ending.status == -9)
            let served = try await Program.serve(["--data", "\(folder)/copy"]) { server in
                #expect(server.line.isEmpty)
            }
            #expect(served.status == 64 && served.errors.contains("meterstone promote"))
            let promoted = try await Program.run(["promote"] + from)
            #expect(promoted.status == 0, "\(promoted.errors)")
            #expect(promoted.output.contains("with epoch 2"))
            _ = try await Program.serve(
                ["--data", "\(folder)/copy", "--ship-to", place]
            ) { server in
                let client = HTTPConnection(port: try #require(Int(server.port)))
                #expect(try client.send("POST", "/v1/events", event).status < 300)
            }
            // The one before is fenced off.
            let old = try await Program.serve(
                ["--data", "\(folder)/store", "--ship-to", place]
            ) { server in #expect(server.line.isEmpty) }
            #expect(old.status == 69 && old.errors.contains("took over with epoch 2"))
        }
    }
}
