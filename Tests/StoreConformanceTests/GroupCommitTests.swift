import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What waits while a commit is being made durable shares the next one.
@Suite struct GroupCommitTests {
    @Test func `other work does not split a group of commands`() async throws {
        let store = HeldStore(MemoryStore(options: StoreUnderTest.options()), isLeftOpen: false)
        let clock = ManualClock()
        let engine = MeterstoneEngine(store: store, clock: { clock.now })
        try await engine.setUp()
        store.holdNextCommit()
        let first = Task { try await engine.count(.of(.ada)) }
        await store.waitForHeldCommit()
        var waiting: [Task<Void, any Error>] = []
        for _ in 0..<10 {
            waiting.append(Task.immediate { try await engine.count(.of(.bob)) })
            waiting.append(Task.immediate { _ = try await engine.rebuild() })
        }
        store.releaseCommit()
        try await first.value
        for task in waiting { try await task.value }
        #expect(store.commitSizes.dropFirst() == [1, 10])
        #expect(try await engine.quantities(of: .bob, per: .day).last == 10)
        await engine.shutdown()
    }
}
