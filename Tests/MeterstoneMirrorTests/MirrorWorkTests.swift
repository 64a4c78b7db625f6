import Meterstone
import MeterstoneCore
import MeterstoneMirror
import MeterstoneStore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What keeping a mirror up costs others: no more than has to be done.
@Suite struct MirrorWorkTests {
    private static let prompts = Meter(key: MeterKey(unchecked: "prompts"))

    private func indexes(_ mirror: MirrorUnderTest) -> String {
        switch mirror {
        case .sqlite:
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND name LIKE '%\\_by\\_%' ESCAPE '\\'"
        case .postgres: "SELECT COUNT(*) FROM pg_indexes WHERE indexname LIKE '%\\_by\\_%'"
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `indexes are made when everything is there`(mirror: MirrorUnderTest) async throws {
        try await mirror.with { scene in
            try await scene.apply(Blueprint(meters: [Self.prompts], plans: [], limits: []))
            for number in 0..<20 {
                try await scene.use("ada", nil, ["prompts": 1], id: "e\(number)")
            }
            #expect(try await !scene.step().isAtEnd)
            #expect(try scene.stale(indexes(mirror)) == ["0"])
            // Whoever goes on where it was stopped makes them, too.
            await scene.restart()
            try await scene.catchUp()
            let count = MirrorTables.all.reduce(0) { $0 + $1.indexes.count }
            #expect(try scene.stale(indexes(mirror)) == [String(count)])
            await scene.restart(startsOver: true)
            #expect(try await !scene.step().isAtEnd)
            #expect(try scene.stale(indexes(mirror)) == ["0"])
            #expect(try await scene.ask(indexes(mirror)) == [String(count)])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `a subject's row is written again when it changed`(mirror: MirrorUnderTest) async throws {
        try await mirror.with { scene in
            try await scene.apply(Blueprint(meters: [Self.prompts], plans: [], limits: []))
            try await scene.use("ada", nil, ["prompts": 1])
            try await scene.catchUp()
            let name = "SELECT name FROM subjects WHERE id = 'ada'"
            let other = try scene.location.open()
            defer { other.close() }
            try other.execute("UPDATE subjects SET name = 'by hand' WHERE id = 'ada'")
            try await scene.use("ada", nil, ["prompts": 1])
            #expect(try await scene.ask(name) == ["by hand"])
            try await scene.change(
                .putSubject(Subject(id: SubjectID(unchecked: "ada"), name: "Ada")))
            #expect(try await scene.ask(name) == ["Ada"])
        }
    }

    #if canImport(Glibc)
    @Test func `the mirror's thread gives way, and no other thread does`() async {
        @Sendable func niceness() -> Int32 { getpriority(Int32(PRIO_PROCESS.rawValue), 0) }
        let before = niceness()
        let thread = YieldingThread(named: "test")
        let there = await withCheckedContinuation { continuation in
            thread.perform { continuation.resume(returning: niceness()) }
        }
        #expect(there >= 10)
        #expect(niceness() == before)
    }
    #endif
}
