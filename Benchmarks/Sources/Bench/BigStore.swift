import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneTesting

/// A large generated store, and beside it `events.sqlite`, the same events in a plain table.
struct BigStore {
    let directory: String

    /// Who changes from free to pro at the end of the year: so many of the most active.
    private static let upgrades = 2_000

    private var isComplete: String { directory + "/complete" }

    var exists: Bool { FileManager.default.fileExists(atPath: isComplete) }

    func open(_ clock: ManualClock) throws -> MeterstoneEngine {
        MeterstoneEngine(
            store: try SQLiteStore(directory: directory + "/store"), clock: { clock.now })
    }

    func openPlain() throws -> PlainEvents {
        try PlainEvents(path: directory + "/events.sqlite")
    }

    /// Writes both, through ``MeterstoneEngine/consume(_:)-([UsageEvent])``, as time goes by.
    func generate(events count: Int, subjects: Int, seed: UInt64) async throws {
        let start = ContinuousClock.now
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        for old in ["store", "events.sqlite", "complete"] {
            try? FileManager.default.removeItem(atPath: directory + "/" + old)
        }
        var source = BigStoreEvents(subjects: subjects, events: count, seed: seed)
        let clock = ManualClock(Instant(millisecondsSince1970: BigStoreEvents.start))
        let engine = try open(clock)
        let plain = try openPlain()
        try plain.create()
        _ = try await engine.apply(BigStoreEvents.blueprint, author: "bench")
        try await putProfiles(source, engine, plain)
        say("profiles written", start)

        var done = 0
        var last = ContinuousClock.now
        var kept: [BigStoreEvents.Drawn] = []
        while true {
            let step = source.next(8_000)
            // One writes what was allowed while the other decides about what comes next.
            let (rows, plans) = (kept, kept.map { source.plan(of: $0.subject) })
            async let writing: Void = plain.append(rows, plans: plans)
            guard let newest = step.map(\.createdAt).max() else {
                try await writing
                break
            }
            clock.set(Instant(millisecondsSince1970: newest))
            let outcomes = try await engine.consume(step.map(\.event))
            try await writing
            let ids = outcomes.map(\.recordedID)
            try await void(step, ids, engine)
            kept = zip(step, ids).filter { $1 != nil && !$0.isVoided }.map(\.0)
            done += step.count
            if ContinuousClock.now - last > .seconds(10) {
                last = .now
                say("\(done * 100 / count) %, \(done) events", start)
            }
        }
        try await upgrade(source, engine, plain)
        try await engine.flush()
        await engine.shutdown()
        say("events written; indexing the plain table", start)
        try plain.createIndexes()
        try Data().write(to: URL(fileURLWithPath: isComplete))
        say("complete", start)
    }

    /// Takes some events back; the plain table never has them.
    private func void(
        _ step: [BigStoreEvents.Drawn], _ ids: [EventID?], _ engine: MeterstoneEngine
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (drawn, id) in zip(step, ids) where drawn.isVoided {
                guard let id else { continue }
                group.addTask {
                    _ = try await engine.correct(
                        Correction(eventID: id, kind: .void, author: "bench", reason: "test"))
                }
            }
            try await group.waitForAll()
        }
    }

    private func say(_ text: String, _ start: ContinuousClock.Instant) {
        let seconds = Int(inSeconds(ContinuousClock.now - start))
        FileHandle.standardError.write(Data("\(seconds) s: \(text)\n".utf8))
    }

    private func putProfiles(
        _ source: BigStoreEvents, _ engine: MeterstoneEngine, _ plain: PlainEvents
    ) async throws {
        let numbers = source.planOf.indices.filter { source.planOf[$0] > 0 }
        try await put(numbers.map { (source.subjects[$0], source.plan(of: $0)) }, engine, plain)
    }

    private func upgrade(
        _ source: BigStoreEvents, _ engine: MeterstoneEngine, _ plain: PlainEvents
    ) async throws {
        let active = (0..<min(source.subjects.count, 10 * Self.upgrades))
            .map { source.subject(ofRank: $0) }.filter { source.planOf[$0] == 0 }
        let numbers = active.enumerated().filter { $0.offset % 9 == 0 }.map(\.element)
        try await put(numbers.map { (source.subjects[$0], "pro") }, engine, plain)
    }

    private func put(
        _ plans: [(SubjectID, String)], _ engine: MeterstoneEngine, _ plain: PlainEvents
    ) async throws {
        var start = 0
        while start < plans.count {
            let step = plans[start..<min(start + 2_000, plans.count)]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (id, plan) in step {
                    group.addTask {
                        let subject = Subject(id: id, plan: PlanKey(unchecked: plan))
                        _ = try await engine.change(
                            ChangeRequest(change: .putSubject(subject), author: "bench"))
                    }
                }
                try await group.waitForAll()
            }
            let values = step.map { "('\($0.0.text)', '\($0.1)')" }.joined(separator: ",")
            try plain.run("INSERT OR REPLACE INTO users VALUES \(values)")
            start += step.count
        }
    }
}

extension BigStoreEvents {
    func plan(of subject: Int) -> String { Self.plans[Int(planOf[subject])].text }
}

extension ConsumeOutcome {
    fileprivate var recordedID: EventID? {
        if case .decided(let decision) = self { return decision.eventID }
        return nil
    }
}
