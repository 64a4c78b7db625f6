import CoreMetrics
import Foundation
import Logging
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneServer
import MeterstoneShipping
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Subprocess
import Synchronization
import Testing

/// A store that one caller uses at a time.
extension SQLiteStore: JournalSource {}

/// What is committed stands elsewhere a moment later, and nobody waits for it.
@Suite struct ShippingTests {
    private static let calls = MeterKey(unchecked: "calls")
    private static let ann = SubjectID(unchecked: "ann")

    private func engine(
        _ folder: String, _ clock: ManualClock, kept: Int = 1_000
    ) async throws -> MeterstoneEngine {
        var options = StoreOptions()
        options.shippedFactsKeptMax = kept
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder, options: options), clock: { clock.now })
        _ = try await engine.change(
            ChangeRequest(change: .putMeter(Meter(key: Self.calls)), author: "test"))
        return engine
    }

    private func record(_ count: Int, _ engine: MeterstoneEngine) async throws {
        let event = UsageEvent(subject: Self.ann, quantities: .one(Self.calls, 1))
        for _ in 0..<count { _ = try await engine.record([event]) }
    }

    private func shipper(
        _ engine: MeterstoneEngine, _ place: any ShippingPlace, _ clock: ManualClock
    ) -> Shipper {
        Shipper(engine, to: place, clock: { clock.now })
    }

    private func restore(
        _ place: any ShippingPlace, _ folder: String, at instant: Instant? = nil
    ) async throws -> (outcome: Restoration.Outcome, events: Int) {
        let outcome = try await Restoration(from: place) {
            try SQLiteStore(directory: $0, options: StoreOptions())
        }.run(into: folder, at: instant)
        let store = try SQLiteStore(directory: folder, options: StoreOptions())
        defer { try? store.close() }
        let report = try store.verify()
        #expect(report.isClean)
        return (outcome, report.events)
    }

    /// A folder that fails when it is told to, after half of what it was given, and remembers nothing.
    private final class FailingPlace: ShippingPlace {
        let inner: FolderPlace
        let failure = Mutex<(writes: Bool, all: Bool)>((false, false))

        init(_ path: String) { inner = FolderPlace(path) }

        func fail(writes: Bool = false, all: Bool = false) {
            failure.withLock { $0 = (writes, all) }
        }

        private func check() throws {
            guard !failure.withLock({ $0.all }) else {
                throw ShippingError(.unavailable, "the place is away")
            }
        }

        var name: String { inner.name }
        var segmentBytesMax: Int { 2_000 }

        func names(under prefix: String, after name: String?) async throws -> [String] {
            try check()
            return try await inner.names(under: prefix, after: name)
        }
        func read(_ name: String) async throws -> [UInt8]? {
            try check()
            return try await inner.read(name)
        }
        func create(_ name: String, _ bytes: [UInt8]) async throws -> Bool {
            try check()
            return try await inner.create(name, bytes)
        }
        func write(_ name: String, _ bytes: [UInt8], known: Int) async throws {
            try check()
            guard failure.withLock({ $0.writes }) else {
                return try await inner.write(name, bytes, known: known)
            }
            let half = known + (bytes.count - known) / 2
            try await inner.write(name, Array(bytes[..<half]), known: known)
            throw ShippingError(.unavailable, "no room")
        }
        func remove(_ name: String) async throws { try await inner.remove(name) }
        func wholes() async throws -> [WholeBackup] {
            try check()
            return try await inner.wholes()
        }
        func putWhole(_ name: String, from directory: String) async throws {
            try check()
            try await inner.putWhole(name, from: directory)
        }
        func fetchWhole(_ name: String, to file: String) async throws {
            try await inner.fetchWhole(name, to: file)
        }
        func removeWhole(_ name: String) async throws { try await inner.removeWhole(name) }
    }

    @Test func `a segment is read up to its last whole batch, wherever it is cut off or damaged`()
        throws
    {
        var builder = JournalBatchBuilder(firstSequence: 1)
        var batches: [CommittedBatch] = []
        for number in 0..<3 {
            for _ in 0...number {
                builder.append(subject: 1) { $0.text("fact \(number)") }
            }
            let batch = builder.sealed()
            builder = JournalBatchBuilder(firstSequence: batch.lastSequence + 1)
            batches.append(
                CommittedBatch(
                    batch, committedAt: Instant(millisecondsSince1970: 1_000 + Int64(number))))
        }
        let header = Segment.Header(
            store: StoreIdentity.draw(), epoch: 3, firstSequence: 1)
        let parts = [header.bytes] + batches.map { Segment.bytes(of: $0) }
        let bytes = parts.flatMap(\.self)
        let whole = try Segment(reading: bytes)
        #expect(whole.header == header && !whole.isTorn)
        #expect(whole.batches.map(\.batch.lastSequence) == [1, 3, 6])
        #expect(whole.batches.map(\.committedAt.millisecondsSince1970) == [1_000, 1_001, 1_002])
        let ends = parts.indices.map { parts[...$0].reduce(0) { $0 + $1.count } }
        for end in 0..<bytes.count {
            guard end >= ends[0] else {
                #expect(throws: MalformedRecord.self) {
                    _ = try Segment(reading: Array(bytes[..<end]))
                }
                continue
            }
            let cut = try Segment(reading: Array(bytes[..<end]))
            #expect(cut.batches.count == ends.dropFirst().count { $0 <= end })
            #expect(cut.isTorn == !ends.contains(end) && !cut.isDamaged)
        }
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 0x41
            guard let read = try? Segment(reading: damaged) else {
                #expect(place < ends[0])
                continue
            }
            #expect(read.batches.count < 3 && read.isTorn)
            // Where the length itself is right, something whole is seen to follow.
            if place < ends[2], !ends.contains(place) { #expect(read.isDamaged) }
        }
    }

    @Test func `what is shipped comes back, with the first fact or with a whole backup`()
        async throws
    {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock)
            let place = FolderPlace(folder + "/place")
            let shipper = shipper(engine, place, clock)
            try await record(10, engine)
            #expect(try await shipper.step().batches == 11)
            let nothing = try await shipper.step()
            #expect(nothing.batches == 0 && nothing.isAtEnd && nothing.lost == nil)
            clock.advance(bySeconds: 60)
            let between = clock.now
            clock.advance(bySeconds: 60)
            try await record(5, engine)
            let tenMinutes = clock.now.advanced(byMilliseconds: 600_000)
            clock.set(tenMinutes)
            #expect(shipper.standing.oldestUnshipped == nil)
            #expect(try await shipper.step().isAtEnd)
            let early = try await restore(place, folder + "/early", at: between)
            #expect(early.events == 10 && early.outcome.whole == nil)
            // The first whole backup: later instants begin with it.
            let name = clock.now.rfc3339.replacing(":", with: "-")
            try await engine.backup(to: folder + "/place/" + name)
            clock.advance(bySeconds: 1)
            try await record(3, engine)
            _ = try await shipper.step()
            let late = try await restore(place, folder + "/late")
            #expect(late.events == 18 && late.outcome.whole == name)
            #expect(late.outcome.reached.batches == 3 && late.outcome.reached.missing == nil)
            let again = try await restore(place, folder + "/again", at: between)
            #expect(again.events == 10 && again.outcome.whole == nil)
            // Before the first commit there was nothing.
            await #expect(throws: ShippingError.self) {
                _ = try await restore(
                    place, folder + "/never", at: between.advanced(byMilliseconds: -3_600_000))
            }
            #expect(!FileManager.default.fileExists(atPath: folder + "/never"))
            await engine.shutdown()
            // A whole backup that cannot be read is passed by, and said.
            try Data("SQLite format 3\0 and no more".utf8).write(
                to: URL(filePath: folder + "/place/\(name)/meterstone.sqlite"))
            let older = try await restore(place, folder + "/older")
            #expect(older.events == 18 && older.outcome.whole == nil)
            #expect(older.outcome.damaged == [name])
            // What follows damage is not left out without a word.
            let segments = folder + "/place/journal/000001"
            let last = try #require(
                try FileManager.default.contentsOfDirectory(atPath: segments).max())
            var bytes = try Data(contentsOf: URL(filePath: segments + "/" + last))
            bytes[bytes.count / 2] ^= 0xFF
            try bytes.write(to: URL(filePath: segments + "/" + last))
            let damaged = try await restore(place, folder + "/damaged")
            #expect(damaged.events < 18 && damaged.outcome.reached.missing == nil)
            #expect(damaged.outcome.reached.damaged == "journal/000001/" + last)
            let ending = try await Program.run([
                "restore", "--from", folder + "/place", "--data", folder + "/program",
            ])
            #expect(ending.status == 1 && ending.errors.contains(last), "\(ending)")
        }
    }

    @Test func `a place that fails makes it lag, holds nobody up, and gets everything in the end`()
        async throws
    {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock)
            let place = FailingPlace(folder + "/place")
            let shipper = shipper(engine, place, clock)
            try await record(4, engine)
            _ = try await shipper.step()
            clock.advance(bySeconds: 30)
            let begin = clock.now
            for round in 0..<6 {
                place.fail(writes: round.isMultiple(of: 2), all: !round.isMultiple(of: 2))
                try await record(20, engine)
                await #expect(throws: ShippingError.self) { _ = try await shipper.step() }
                // The oldest commit that is not shipped says how old it is; some arrived with the failure.
                let oldest = try #require(shipper.standing.oldestUnshipped)
                #expect((begin...clock.now).contains(oldest) && (round > 1 || oldest == begin))
                clock.advance(bySeconds: 5)
            }
            // Another process goes on where the place really is, behind what was cut off.
            await engine.shutdown()
            let next = try await self.engine(folder + "/store", clock)
            let other = self.shipper(next, place, clock)
            place.fail(all: true)
            await #expect(throws: ShippingError.self) { _ = try await other.step() }
            #expect(other.standing.oldestUnshipped != nil)
            place.fail()
            while try await !other.step().isAtEnd {}
            #expect(other.standing.oldestUnshipped == nil)
            #expect(try await restore(place, folder + "/restored").events == 124)
            await next.shutdown()
        }
    }

    @Test func `a store that was killed goes on, whether its journal was projected or not`()
        async throws
    {
        try await withFolder { folder in
            let clock = ManualClock()
            let place = FolderPlace(folder + "/place")
            var options = StoreOptions()
            options.shippedFactsKeptMax = 1_000
            let meter = ChangeRequest(change: .putMeter(Meter(key: Self.calls)), author: "test")
            let event = UsageEvent(subject: Self.ann, quantities: .one(Self.calls, 1))
            var home = TemporaryFolder()
            for round in 0..<4 {
                // Nobody closes it.
                let store = try SQLiteStore(directory: home.path, options: options)
                if round == 0 { _ = try store.commit([.change(meter)], at: clock.now) }
                if round == 2 { while try store.project() {} }
                _ = try store.commit([.record(event), .record(event)], at: clock.now)
                let shipper = Shipper(store, to: place, clock: { clock.now })
                let progress = try await shipper.step()
                #expect(progress.batches == (round == 0 ? 2 : 1) && progress.lost == nil)
                clock.advance(bySeconds: 1)
                let next = TemporaryFolder()
                try home.copyDatabase(to: next)
                home = next
            }
            #expect(try await restore(place, folder + "/restored").events == 8)
            // The copy is no second writer there, and ships to a place of its own.
            let copy = try SQLiteStore(directory: folder + "/restored", options: options)
            defer { try? copy.close() }
            await #expect(throws: ShippingError.self) {
                try await Shipper(copy, to: place, clock: { clock.now }).step()
            }
            let own = FolderPlace(folder + "/own")
            #expect(try await Shipper(copy, to: own, clock: { clock.now }).step().lost == nil)
            #expect(try copy.identity().role == .writer)
            #expect(try await Epoch.all(at: own).map(\.store) == [copy.identity().id])
        }
    }

    @Test func `the journal keeps what is not shipped, and no more than its bound`() async throws {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock, kept: 50)
            let place = FailingPlace(folder + "/place")
            let shipper = shipper(engine, place, clock)
            try await record(20, engine)
            _ = try await engine.verify()
            // All of it is projected, and the journal has it still.
            #expect(try await engine.journal(after: 0, bytesMax: 1 << 20).batches.count == 21)
            _ = try await shipper.step()
            try await record(1, engine)
            _ = try await engine.verify()
            #expect(try await engine.journal(after: 0, bytesMax: 1 << 20).batches.count == 1)
            place.fail(all: true)
            try await record(200, engine)
            _ = try await engine.verify()
            let kept = try await engine.journal(after: 0, bytesMax: 1 << 20)
            #expect(kept.batches.count == 50)
            place.fail()
            clock.advance(bySeconds: 60)
            let lost = try #require(try await shipper.step().lost)
            #expect(lost.count == 151)
            // What is there now begins with a whole backup, which is wanted.
            #expect(shipper.standing.wantsWholeSince == clock.now)
            await #expect(throws: ShippingError.self) {
                _ = try await restore(place, folder + "/none", at: clock.now)
            }
            let partly = try await restore(place, folder + "/partly")
            #expect(partly.outcome.reached.missing == lost.lowerBound && partly.events == 20)
            let backups = BackupFolder(
                engine, directory: folder + "/backups", kept: 2, clock: { clock.now }
            ) { _ in VerifyReport(events: 1, counters: 1, differences: []) }
            let watch = ShippingWatch(
                shipper, WholeBackups(at: place, kept: 2), of: backups,
                in: folder + "/backups",
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                metrics: PrometheusMetrics())
            #expect(await watch.putWhole(at: clock.now))
            #expect(shipper.standing.wantsWholeSince == nil)
            try await record(2, engine)
            _ = try await shipper.step()
            #expect(try await restore(place, folder + "/all", at: clock.now).events == 223)
            await engine.shutdown()
        }
    }

    @Test func `old backups go, and what was shipped before the oldest that is kept`() async throws
    {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock)
            let place = FailingPlace(folder + "/place")
            let shipper = shipper(engine, place, clock)
            var names: [String] = []
            for day in 0..<6 {
                for _ in 0..<24 {
                    try await record(12, engine)
                    _ = try await shipper.step()
                    clock.advance(bySeconds: 3_600)
                }
                names.append(clock.now.rfc3339.replacing(":", with: "-"))
                try await engine.backup(to: "\(folder)/place/\(names[day])")
            }
            let before = try await place.names(under: ShippedName.folder(1), after: nil).count
            try await WholeBackups(at: place, kept: 3).prune()
            #expect(try await place.wholes().map(\.name) == Array(names.reversed().prefix(3)))
            let after = try await place.names(under: ShippedName.folder(1), after: nil).count
            #expect(after < before * 2 / 3 && after > before / 3)
            // Any instant since then can be restored.
            let oldest = try #require(ShippedName.instant(of: names[3]))
            let instant = oldest.advanced(byMilliseconds: 1_800_000)
            let events = 4 * 24 * 12 + 12
            #expect(try await restore(place, folder + "/r", at: instant).events == events)
            await engine.shutdown()
        }
    }

    @Test func `a place of another store, and one that is ahead, are refused`() async throws {
        try await withFolder { folder in
            let clock = ManualClock()
            let engine = try await engine(folder + "/store", clock)
            let place = FolderPlace(folder + "/place")
            try await record(3, engine)
            _ = try await shipper(engine, place, clock).step()
            try await engine.backup(to: folder + "/copy")
            try await record(3, engine)
            _ = try await shipper(engine, place, clock).step()
            let other = try await self.engine(folder + "/other", clock)
            let foreign = await #expect(throws: ShippingError.self) {
                _ = try await shipper(other, place, clock).step()
            }
            #expect(foreign?.kind == .foreign)
            // A copy by hand is behind what was shipped.
            let copy = MeterstoneEngine(
                store: try SQLiteStore(directory: folder + "/copy", options: StoreOptions()),
                clock: { clock.now })
            let behind = await #expect(throws: ShippingError.self) {
                _ = try await shipper(copy, place, clock).step()
            }
            #expect(behind?.kind == .foreign)
            // A restored store is a copy, and says so.
            _ = try await restore(place, folder + "/restored")
            let restored = MeterstoneEngine(
                store: try SQLiteStore(directory: folder + "/restored", options: StoreOptions()),
                clock: { clock.now })
            let refused = await #expect(throws: ShippingError.self) {
                _ = try await shipper(restored, place, clock).step()
            }
            #expect(refused?.kind == .fenced)
            for engine in [engine, other, copy, restored] { await engine.shutdown() }
        }
    }

    @Test func `a server that is killed loses nothing that was shipped, and an instant comes back`()
        async throws
    {
        try await withFolder { folder in
            let place = folder + "/place"
            var between = ""
            let ending = try await Program.serve(
                [
                    "--data", "\(folder)/store", "--blueprint", "video-studio", "--ship-to", place,
                ], endedBy: .kill
            ) { server in
                let client = HTTPConnection(port: try #require(Int(server.port)))
                func consume(_ count: Int) throws {
                    for _ in 0..<count {
                        let body = #"{"subject":"u1","type":"prompt"}"#
                        #expect(try client.send("POST", "/v1/events", body).status < 300)
                    }
                }
                func value(_ name: String) throws -> Double {
                    let line = try client.send("GET", "/metrics").body.split(separator: "\n")
                        .first { $0.hasPrefix("meterstone_\(name) ") }
                    return try #require(line?.split(separator: " ").last.flatMap { Double($0) })
                }
                try consume(7)
                between = SystemClock.now().rfc3339
                while try value("backup_age_seconds") < 0 {}
                let before = try value("shipping_sequence")
                try consume(5)
                while try value("shipping_sequence") < before + 5 {}
                #expect(try value("shipping_lag_seconds") < 10)
                #expect(try value("shipping_failures_total") == 0)
            }
            #expect(ending.status == -9)
            let doctor = try await Program.run(
                ["doctor", "--data", "\(folder)/store"], ["METERSTONE_SHIP_TO": place])
            #expect(doctor.output.contains("shipping: the newest commit is of"))
            for (at, count, name) in [(nil, 12, "all"), (between, 7, "some")] {
                let data = ["--data", "\(folder)/\(name)"]
                let restored = try await Program.run(
                    ["restore", "--from", place] + (at.map { ["--at", $0] } ?? []) + data)
                #expect(restored.status == 0, "\(restored.errors)")
                #expect(restored.output.contains("all as the events say"))
                #expect(restored.output.contains(": \(count) events"))
            }
            // It is a copy, and does not ship to where it came from.
            let copy = try await Program.serve(
                ["--data", "\(folder)/all", "--ship-to", place]
            ) { server in #expect(server.line.isEmpty) }
            #expect(copy.status == 69 && copy.errors.contains("ship it to an empty place"))
            let mistakes = [
                ["restore", "--data", "\(folder)/x"],
                ["restore", "a", "--from", "b", "--data", "\(folder)/x"],
                ["restore", "a", "--at", between, "--data", "\(folder)/x"],
                ["restore", "--from", place, "--data", "\(folder)/all"],
                ["restore", "--from", place, "--at", "yesterday", "--data", "\(folder)/x"],
            ]
            for arguments in mistakes { #expect(try await Program.run(arguments).status == 64) }
        }
    }
}
