import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

@Suite struct HaltWatchTests {
    @Test func `a failed sync ends the server with 74`() async throws {
        try await withFolder { folder in
            let disk = FaultyDisk(folder: folder)
            let engine = MeterstoneEngine(
                store: try SQLiteStore(directory: folder, options: StoreOptions()))
            disk.failSyncs(from: 1, .syncError)
            let event = UsageEvent(
                subject: SubjectID(unchecked: "ann"),
                quantities: .one(MeterKey(unchecked: "calls"), 1))
            let meter = Meter(key: MeterKey(unchecked: "calls"))
            let change = ChangeRequest(change: .putMeter(meter), author: "test")
            await #expect(throws: StoreError.self) { try await engine.change(change) }
            await #expect(throws: StoreError.self) { try await engine.record([event]) }
            let failure = await #expect(throws: CommandFailure.self) {
                try await HaltWatch(engine: engine).run()
            }
            #expect(failure?.status == .inputOutput)
            await engine.shutdown()
        }
    }
}
