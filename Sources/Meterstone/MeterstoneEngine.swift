public import CoreMetrics
public import Logging
public import MeterstoneCore
public import MeterstoneStore

/// Rules, a store and a clock, joined: the place where usage is counted and decided.
///
/// Every write goes through one committer, which takes whatever waits as one batch, makes it durable
/// and answers everyone. An answer that was given is on disk. Methods may be called from anywhere, any
/// number of times at once; a number asked for after an answer includes it.
public final class MeterstoneEngine: Sendable {
    let committer: Committer
    let clock: @Sendable () -> Instant
    /// What all reports, and all who ask what would have been, may take together.
    let memory: MemoryBudget
    /// What reports remember, beside that.
    let remembered: ReportMemory
    /// Tells those who look on how things stand.
    let feed: LiveFeed

    /// Takes over the store; call ``shutdown()`` to give it back.
    ///
    /// - Parameter metrics: takes what is told about the engine; swift-metrics' own unless another is named.
    public init(
        store: any Store, clock: @escaping @Sendable () -> Instant = SystemClock.now,
        commandsMax: Int = 100_000, logger: Logger = Logger(label: "meterstone"),
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        self.clock = clock
        memory = MemoryBudget(bytes: Self.memoryBytesMax)
        remembered = ReportMemory(bytesMax: Self.rememberedBytesMax)
        for notice in store.notices { logger.warning("\(notice)") }
        committer = Committer(
            store: store, clock: clock, commandsMax: commandsMax, logger: logger,
            metrics: EngineMetrics(metrics))
        feed = LiveFeed(committer, clock: clock)
    }

    /// - Parameter uptime: nanoseconds of a clock that only rises; paces projection.
    package init(
        store: any Store, clock: @escaping @Sendable () -> Instant,
        uptime: @escaping @Sendable () -> UInt64
    ) {
        self.clock = clock
        memory = MemoryBudget(bytes: Self.memoryBytesMax)
        remembered = ReportMemory(bytesMax: Self.rememberedBytesMax)
        committer = Committer(
            store: store, clock: clock, uptime: uptime, commandsMax: 100_000,
            logger: Logger(label: "meterstone"), metrics: EngineMetrics(MetricsSystem.factory))
        feed = LiveFeed(committer, clock: clock)
    }

    package init(
        store: any Store, clock: @escaping @Sendable () -> Instant, memory: MemoryBudget
    ) {
        self.clock = clock
        self.memory = memory
        remembered = ReportMemory(bytesMax: min(memory.bytes, Self.rememberedBytesMax))
        committer = Committer(
            store: store, clock: clock, commandsMax: 100_000,
            logger: Logger(label: "meterstone"), metrics: EngineMetrics(MetricsSystem.factory))
        feed = LiveFeed(committer, clock: clock)
    }

    private static let memoryBytesMax = 1 << 30
    private static let rememberedBytesMax = 128 << 20

    /// Forgets what reports remember, and says how often they found something so far.
    package func forgetReports() -> Int {
        let found = remembered.found
        remembered.forget()
        return found
    }

    /// Finishes what was accepted, projects it, and closes the store. Later calls get `closed`.
    public func shutdown() async {
        feed.close()
        await committer.shutdown()
    }

    /// Whether the engine serves, and if not, why.
    public var state: EngineState { committer.state }

    /// Why the database does not answer; `nil`: it does, or the store needs none. It takes a second or
    /// two at most.
    public func unreachable() async -> StoreError? {
        await committer.probe()
    }
}

/// Whether an engine serves.
public enum EngineState: Sendable {
    case serving
    /// A sync failed: nothing more is written until the store is opened again.
    case halted(StoreError)
    case closed
}
