import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneShipping
import MeterstoneStore
import MeterstoneTesting
import Testing

/// A day of random traffic is shipped, with kills in between, and any instant of it comes back.
@Suite struct RestoreTests {
    /// A store that one caller uses at a time.
    private struct UnguardedSource: JournalSource {
        let store: SQLiteStore

        func journal(
            after sequence: Int64, bytesMax: Int
        ) async throws(StoreError) -> JournalPage {
            try store.journal(after: sequence, bytesMax: bytesMax)
        }

        func keepJournal(after sequence: Int64) async throws(StoreError) {
            store.keepJournal(after: sequence)
        }

        func identity() async throws(StoreError) -> StoreIdentity { try store.identity() }

        func put(_ identity: StoreIdentity) async throws(StoreError) { try store.put(identity) }
    }

    /// The store as it was at an instant, in a folder of its own.
    private struct Moment {
        let at: Instant
        let folder: String
    }

    /// One day of a simulated world on an embedded store that ships.
    private struct Day {
        var world: World
        var keys: Keys
        let folder = TemporaryFolder()
        let clock = ManualClock()
        let options: StoreOptions
        /// Where the store is: each process has a folder of its own, with what the one before left.
        private var home = TemporaryFolder()
        private var open: SQLiteStore?
        private var shipper: Shipper?
        var moments: [Moment] = []
        var kills = 0

        var place: FolderPlace { FolderPlace(folder.path + "/shipped") }

        init(seed: UInt64) throws {
            world = World(seed: seed)
            keys = Keys(seed: seed)
            var options = StoreOptions()
            let zones = SimulationTests.zones
            options.zoneRules = { zones.rules(named: $0) }
            options.cachedSubjectsMax = 3
            options.openReservationsMax = 8
            options.factsPerSection = 40
            options.shippedFactsKeptMax = 1_000_000
            self.options = options
            clock.set(world.now)
            try start()
        }

        private mutating func start() throws {
            let store = try SQLiteStore(directory: home.path, options: options)
            let clock = clock
            open = store
            shipper = Shipper(UnguardedSource(store: store), to: place, clock: { clock.now })
        }

        var store: SQLiteStore { get throws { try #require(open) } }

        mutating func commit(_ commands: [Command]) throws {
            _ = try store.commit(commands.map { keys.naming($0) }, at: clock.now)
        }

        /// Some time goes by, and some commands come: several of them at the same instant, now and then.
        mutating func step(milliseconds: Int64) throws {
            if !world.percent(10) {
                world.now = world.now.advanced(byMilliseconds: world.number(0...milliseconds))
                clock.set(world.now)
            }
            let count = world.percent(70) ? 1 : Int(world.number(2...9))
            try commit(
                keys.changes(of: world.percent(20) ? World.subjects : [])
                    + (0..<count).map { _ in world.command() })
            if world.percent(20) {
                for _ in 0..<world.number(1...6) where try !store.project() { break }
            }
        }

        /// The process ends without a word, in the middle of whatever it did, and another one goes on.
        mutating func kill() throws {
            kills += 1
            let segments = folder.path + "/shipped/journal/000001"
            let newest = try FileManager.default.contentsOfDirectory(atPath: segments).max()
            if let newest, world.percent(60) {
                // The first bytes of what it was appending are there.
                let handle = try #require(
                    FileHandle(forWritingAtPath: segments + "/" + newest))
                try handle.seekToEnd()
                try handle.write(
                    contentsOf: Data(repeating: 7, count: Int(world.number(1...40))))
                try handle.close()
            }
            let partial = folder.path + "/shipped/2026-03-27T00-00-00.000Z.partial"
            try FileManager.default.createDirectory(
                atPath: partial, withIntermediateDirectories: true)
            try Data("half".utf8).write(to: URL(filePath: partial + "/meterstone.sqlite"))
            let next = TemporaryFolder()
            try home.copyDatabase(to: next)
            (shipper, open, home) = (nil, nil, next)
            try start()
        }

        func ship() async throws {
            let shipper = try #require(shipper)
            while try await !shipper.step().isAtEnd {}
        }

        func makeWhole() async throws {
            let name = clock.now.rfc3339.replacing(":", with: "-")
            guard !FileManager.default.fileExists(atPath: "\(folder.path)/shipped/\(name)") else {
                return
            }
            try store.backup(to: "\(folder.path)/shipped/\(name)")
        }

        /// Keeps what is there now, for as long as nothing else happens at this instant.
        mutating func remember() throws {
            world.now = world.now.advanced(byMilliseconds: 1)
            let moment = Moment(at: clock.now, folder: "\(folder.path)/moment\(moments.count)")
            clock.set(world.now)
            try store.backup(to: moment.folder)
            moments.append(moment)
        }
    }

    @Test(arguments: SimulationTests.seeds.prefix(1))
    func `any instant of a day comes back, also after kills`(seed: UInt64) async throws {
        var day = try Day(seed: seed)
        try day.commit(
            World.meters.map { .change(ChangeRequest(change: .putMeter($0), author: "setup")) }
                + World.plans.map {
                    .change(ChangeRequest(change: .putPlan(day.world.plan($0)), author: "setup"))
                }
                + [
                    .change(
                        ChangeRequest(change: .putCreditPolicy(day.world.policy()), author: "setup")
                    )
                ])
        try await day.ship()
        let steps = 600
        var chosen = Set<Int>()
        while chosen.count < 60 { chosen.insert(Int(day.world.number(0...599))) }
        for step in 0..<steps {
            // 600 steps of 144 seconds on average are a day.
            try day.step(milliseconds: 288_000)
            if chosen.contains(step) { try day.remember() }
            if day.world.percent(50) { try await day.ship() }
            if day.world.percent(2) { try await day.makeWhole() }
            if day.world.percent(3) { try day.kill() }
        }
        try await day.ship()
        #expect(day.kills > 3)
        let options = day.options
        let restoration = Restoration(from: day.place) { folder in
            try SQLiteStore(directory: folder, options: options)
        }
        var bases: Set<String?> = []
        for (number, moment) in day.moments.enumerated() {
            let folder = "\(day.folder.path)/restored\(number)"
            let outcome = try await restoration.run(into: folder, at: moment.at)
            bases.insert(outcome.whole)
            let restored = try SQLiteStore(directory: folder, options: options)
            let expected = try SQLiteStore(directory: moment.folder, options: options)
            #expect(try restored.verify().differences.isEmpty)
            #expect(try expected.verify().differences.isEmpty)
            // Rows of a young series are there for those who asked; rebuilt, both have all of them.
            _ = try restored.rebuild()
            _ = try expected.rebuild()
            let report = try StoreCopy.compare(expected, restored)
            #expect(report.differences.isEmpty, "SEED=\(seed), moment \(number) at \(moment.at)")
            #expect(report.events > 0)
            #expect(
                try restored.facts(after: 0, count: 100_000).lastSequence
                    == expected.facts(after: 0, count: 100_000).lastSequence)
            try restored.close()
            try expected.close()
        }
        // Some began with a whole backup, and some with nothing.
        #expect(bases.count > 3)
    }
}
