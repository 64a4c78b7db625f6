package import Meterstone
package import MeterstoneCore
package import MeterstoneStore

/// Keeps a mirror up with an engine: reads pages of facts and writes them on a thread of its own, which gives
/// way, so that nobody who decides waits for the mirror.
///
/// Unchecked, because the writer is confined to the thread.
package final class MirrorFollower: @unchecked Sendable {
    /// Facts in one transaction.
    package static let factsPerPage = 50_000

    private let engine: MeterstoneEngine
    private let location: MirrorLocation
    private let clock: @Sendable () -> Instant
    private let factsPerPage: Int
    private let thread = YieldingThread(named: "mirror")
    private var database: (any MirrorDatabase)?
    private var writer: MirrorWriter?
    private var startsOver: Bool

    /// - Parameter startsOver: whether what is there is made anew.
    package init(
        _ engine: MeterstoneEngine, to location: MirrorLocation, startsOver: Bool = false,
        factsPerPage: Int = MirrorFollower.factsPerPage,
        clock: @escaping @Sendable () -> Instant = SystemClock.now
    ) {
        self.engine = engine
        self.location = location
        self.startsOver = startsOver
        self.factsPerPage = factsPerPage
        self.clock = clock
    }

    /// How far a mirror has come.
    package struct Progress: Sendable {
        /// The last fact that the mirror includes.
        package let watermark: Int64
        /// Facts that were written.
        package let facts: Int
        /// Whether there was nothing more when the page was read.
        package let isAtEnd: Bool
    }

    /// Writes one page; opens the mirror where it is not open.
    package func step() async throws(StoreError) -> Progress {
        let position = try await open()
        let page = try await engine.facts(after: position, count: factsPerPage) {
            self.thread.perform($0)
        }
        let now = clock()
        return try await perform { (follower) throws(StoreError) in
            guard let writer = follower.writer else {
                throw StoreError(code: .closed, message: "the mirror is closed")
            }
            do throws(StoreError) {
                try writer.write(page, at: now)
            } catch {
                // Who knows what became of the connection: the next step begins with a new one.
                follower.closeNow()
                throw error
            }
            return Progress(
                watermark: writer.watermark, facts: page.count, isAtEnd: page.isLast)
        }
    }

    /// Writes pages until there is nothing more; returns how far that is, and how many facts it took.
    package func catchUp(
        _ report: (Progress) -> Void = { _ in }
    ) async throws(StoreError) -> Progress {
        var facts = 0
        while true {
            let progress = try await step()
            facts += progress.facts
            report(progress)
            guard progress.isAtEnd else { continue }
            return Progress(watermark: progress.watermark, facts: facts, isAtEnd: true)
        }
    }

    package func close() async {
        _ = try? await perform { (follower) throws(StoreError) in follower.closeNow() }
    }

    private func closeNow() {
        writer = nil
        database?.close()
        database = nil
    }

    /// Where to go on from.
    private func open() async throws(StoreError) -> Int64 {
        let known = try await perform { (follower) throws(StoreError) in
            follower.writer?.watermark
        }
        if let known { return known }
        let zone = try await engine.facts(after: .max - 1, count: 1).options.defaultTimeZone
        let state = try await perform { (follower) throws(StoreError) in
            follower.closeNow()
            let database = try follower.location.open()
            follower.database = database
            let writer = try MirrorWriter(
                database, defaultTimeZone: zone, startsOver: follower.startsOver)
            follower.startsOver = false
            follower.writer = writer
            return (watermark: writer.watermark, lastFact: writer.lastFact)
        }
        guard state.watermark > 0 else { return 0 }
        let page = try await engine.facts(after: state.watermark - 1, count: 1)
        guard let fact = page.facts.first, fact.sequence == state.watermark,
            fact.words == state.lastFact
        else {
            await close()
            throw StoreError(
                code: .misuse,
                message: "the mirror \(location) has taken fact \(state.watermark), "
                    + "'\(state.lastFact ?? "")', and this store has another one there or none: it "
                    + "mirrors another store, or one that was restored since; make it anew with "
                    + "--start-over")
        }
        return state.watermark
    }

    private func perform<Value: Sendable>(
        _ work: @escaping @Sendable (MirrorFollower) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            thread.perform {
                do throws(StoreError) {
                    continuation.resume(returning: .success(try work(self)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
