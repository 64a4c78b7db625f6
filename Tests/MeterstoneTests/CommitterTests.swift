import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// The queue in front of a store.
@Suite struct CommitterTests {
    private static let meter = MeterKey(unchecked: "prompts")

    private static func events(_ count: Int, _ name: String) -> [UsageEvent] {
        (0..<count).map { number in
            UsageEvent(
                id: .text("\(name)-\(number)"), subject: SubjectID(unchecked: "ada"),
                quantities: .one(meter, 1))
        }
    }

    @Test func `past its bound the queue refuses and drops nothing`() async throws {
        let folder = TemporaryFolder()
        let disk = FaultyDisk(folder: folder.path)
        let store = try SQLiteStore(directory: folder.path)
        let clock = ManualClock()
        let engine = MeterstoneEngine(store: store, clock: { clock.now }, commandsMax: 10)
        _ = try await engine.apply(Blueprint(meters: [Meter(key: Self.meter)]), author: "test")
        disk.delaySyncs(byMicroseconds: 20_000)
        let results = try await withThrowingTaskGroup(of: StoreError.Code?.self) { group in
            for caller in 0..<20 {
                group.addTask {
                    do throws(StoreError) {
                        _ = try await engine.record(Self.events(8, "\(caller)"))
                        return nil
                    } catch {
                        return error.code
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        disk.delaySyncs(byMicroseconds: 0)
        let refused = results.compactMap(\.self)
        #expect(!refused.isEmpty && refused.allSatisfy { $0 == .overloaded })
        let page = try await engine.events(of: SubjectID(unchecked: "ada"), count: 1_000)
        #expect(page.events.count == 8 * (20 - refused.count))
        await engine.shutdown()
    }

    @Test func `one caller may bring more than the bound when nobody waits`() async throws {
        let clock = ManualClock()
        let engine = MeterstoneEngine(
            store: MemoryStore(), clock: { clock.now }, commandsMax: 10)
        _ = try await engine.apply(Blueprint(meters: [Meter(key: Self.meter)]), author: "test")
        #expect(try await engine.record(Self.events(500, "many")).count == 500)
        await engine.shutdown()
    }

    @Test func `shutting down finishes what was accepted`() async throws {
        let folder = TemporaryFolder()
        let clock = ManualClock()
        let engine = MeterstoneEngine(
            store: try SQLiteStore(directory: folder.path), clock: { clock.now })
        _ = try await engine.apply(Blueprint(meters: [Meter(key: Self.meter)]), author: "test")
        let answered = try await withThrowingTaskGroup(of: Bool.self) { group in
            for caller in 0..<200 {
                group.addTask {
                    do throws(StoreError) {
                        _ = try await engine.record(Self.events(1, "\(caller)"))
                        return true
                    } catch {
                        #expect(error.code == .closed)
                        return false
                    }
                }
            }
            group.addTask {
                await engine.shutdown()
                return false
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        let store = try SQLiteStore(directory: folder.path)
        let again = MeterstoneEngine(store: store, clock: { clock.now })
        let page = try await again.events(of: SubjectID(unchecked: "ada"), count: 1_000)
        #expect(page.events.count == answered)
        #expect(try await again.verify().differences == [])
        await again.shutdown()
    }
}
