import Dispatch
import Logging
import MeterstoneCore
import MeterstoneStore
import Synchronization

/// The one place where a store is written.
///
/// While one commit is being made durable, what arrives waits in a bounded queue; the next commit takes
/// all of it. There is no timer in that: a lone caller waits for one sync, and a thousand callers share
/// one. The same queue projects in short steps: after each commit as long as ``ProjectionPace`` says, and
/// the rest when nothing waits.
final class Committer: Sendable {
    /// Commands in one commit at most; more wait for the next.
    static let commandsPerCommitMax = 16_384
    /// How long nothing must have happened before the rest is projected.
    static let idleMilliseconds = 20

    /// How long what a probe found is told to others who ask.
    static let probeMilliseconds: Int64 = 250

    private let store: any Store
    private let isWaitingBounded: Bool
    private let clock: @Sendable () -> Instant
    /// Nanoseconds of a clock that only rises.
    private let uptime: @Sendable () -> UInt64
    private let commandsMax: Int
    private let logger: Logger
    private let metrics: EngineMetrics
    let hourly = HourlyCounts()
    private let queue = DispatchQueue(label: "meterstone.committer")
    private let probes = DispatchQueue(label: "meterstone.probes")
    private let probed = Mutex<(at: UInt64, error: StoreError?)?>(nil)
    private let readers = DispatchQueue(label: "meterstone.readers", attributes: .concurrent)
    private let places: (short: ReadPlaces, long: ReadPlaces)
    private let waiting = Mutex(Waiting())
    /// Tells those who look on that something was committed.
    let news = LiveNews()
    /// Only used on the committer's queue.
    private let pace: Mutex<ProjectionPace>

    /// What arrived since the last commit was taken.
    private struct Waiting {
        var entries: [CommitterEntry] = []
        /// When each arrived, where waiting has a bound.
        var arrivals: [UInt64] = []
        var commands = 0
        var isRunning = false
        /// Commits so far, to tell whether anything happened meanwhile.
        var commits = 0
        var isIdleCheckDue = false
        var isClosing = false
        var state = EngineState.serving

        /// Why a newcomer cannot wait, if it cannot.
        func refusal(adding count: Int, max: Int) -> StoreError? {
            if isClosing { return StoreError(code: .closed, message: "the engine was shut down") }
            if case .halted(let error) = state {
                return StoreError(
                    code: .halted, message: "the store stopped: \(error.message). Open it again")
            }
            // One caller with a large batch may always wait when nobody else does.
            if commands > 0, commands + count > max {
                return StoreError(
                    code: .overloaded,
                    message: "\(commands) commands wait already; try again shortly")
            }
            return nil
        }
    }

    init(
        store: any Store, clock: @escaping @Sendable () -> Instant,
        uptime: @escaping @Sendable () -> UInt64 = Committer.uptime, commandsMax: Int,
        logger: Logger, metrics: EngineMetrics
    ) {
        self.store = store
        self.uptime = uptime
        pace = Mutex(ProjectionPace(factsMax: store.waitingFactsMax))
        isWaitingBounded = store.waitMillisecondsMax != nil
        let places = store.readPlaces
        self.places = (ReadPlaces(places.short), ReadPlaces(places.long))
        self.clock = clock
        self.commandsMax = commandsMax
        self.logger = logger
        self.metrics = metrics
    }

    var state: EngineState { waiting.withLock { $0.state } }

    /// Whether other nodes commit, too.
    var isShared: Bool { store.isSharedBetweenNodes }

    // MARK: Callers

    /// Carries one command out, and returns what became of it.
    func commit(_ command: Command) async throws(StoreError) -> Outcome {
        let result = await unsafe withUnsafeContinuation { continuation in
            submit(unsafe .one(command, continuation))
        }
        return try result.get()
    }

    /// Carries commands out as one step, and returns what became of each.
    func commit(_ commands: [Command]) async throws(StoreError) -> [Outcome] {
        let result = await unsafe withUnsafeContinuation { continuation in
            submit(unsafe .many(commands, continuation))
        }
        return try result.get()
    }

    /// Does something on the committer's queue, after the commands that are taken with it.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable (any Store) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let store = self.store
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            submit(
                .work { refusal in
                    if let refusal { return continuation.resume(returning: .failure(refusal)) }
                    let result = Self.result { () throws(StoreError) in try work(store) }
                    if case .failure(let error) = result { self.note(error) }
                    continuation.resume(returning: result)
                })
        }
        return try result.get()
    }

    /// Does something on the committer's queue, unless other nodes commit meanwhile anyway.
    func runUnlessShared<Value: Sendable>(
        _ work: @escaping @Sendable (any Store) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        store.isSharedBetweenNodes ? try await read(.short, work) : try await run(work)
    }

    /// How much a read may need. Those that need much never take the places of the others.
    enum ReadLength {
        case short
        /// What goes through the events or columns of many subjects.
        case long
    }

    /// Reads beside the committer.
    ///
    /// - Parameter perform: has the work done on another thread than the readers'.
    func read<Value: Sendable>(
        _ length: ReadLength = .short,
        on perform: (@Sendable (@escaping @Sendable () -> Void) -> Void)? = nil,
        _ work: @escaping @Sendable (any Store) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        if let refusal = waiting.withLock({ $0.refusal(adding: 0, max: .max) }) { throw refusal }
        let store = self.store
        let arrival = Self.now
        let places = length == .short ? self.places.short : self.places.long
        try await places.enter()
        defer { places.leave() }
        let perform = perform ?? { self.readers.async(execute: $0) }
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            perform {
                if let max = store.waitMillisecondsMax, Self.waited(since: arrival) >= max {
                    return continuation.resume(returning: .failure(.awayTooLong))
                }
                let result = Self.result { () throws(StoreError) in try work(store) }
                if case .failure(let error) = result { self.metrics.note(error) }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }

    /// Reads beside the committer and beside all other readers. For one caller, who must not wait for them.
    func readApart<Value: Sendable>(
        _ work: @escaping @Sendable (any Store) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        if let refusal = waiting.withLock({ $0.refusal(adding: 0, max: .max) }) { throw refusal }
        let store = self.store
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            readers.async {
                continuation.resume(
                    returning: Self.result { () throws(StoreError) in try work(store) })
            }
        }
        return try result.get()
    }

    /// Reads at once, on the caller's thread; `nil`: there is no place for it.
    func readIfFree<Value>(
        _ work: (any Store) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        if let refusal = waiting.withLock({ $0.refusal(adding: 0, max: .max) }) { throw refusal }
        guard places.short.enterIfFree() else { return nil }
        defer { places.short.leave() }
        return try work(store)
    }

    /// Why the database does not answer; `nil`: it does. What was found out is good for a moment, so
    /// that many who ask are one question.
    func probe() async -> StoreError? {
        await withCheckedContinuation { continuation in
            probes.async {
                if let (at, error) = self.probed.withLock({ $0 }),
                    Self.waited(since: at) < Self.probeMilliseconds
                {
                    return continuation.resume(returning: error)
                }
                var found: StoreError?
                do throws(StoreError) { try self.store.ping() } catch { found = error }
                let result = found
                self.probed.withLock { $0 = (Self.now, result) }
                continuation.resume(returning: result)
            }
        }
    }

    @Sendable static func uptime() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

    private static var now: UInt64 { uptime() }

    private static func waited(since arrival: UInt64) -> Int64 {
        Int64(clamping: (now - min(arrival, now)) / 1_000_000)
    }

    private static func result<Value>(
        _ work: () throws(StoreError) -> Value
    ) -> Result<Value, StoreError> {
        do throws(StoreError) { return .success(try work()) } catch { return .failure(error) }
    }

    private func submit(_ entry: CommitterEntry) {
        let refusal: StoreError? = waiting.withLock { waiting in
            if let refusal = waiting.refusal(adding: entry.commandCount, max: commandsMax) {
                return refusal
            }
            waiting.entries.append(entry)
            if isWaitingBounded { waiting.arrivals.append(Self.now) }
            waiting.commands += entry.commandCount
            if !waiting.isRunning {
                waiting.isRunning = true
                queue.async { self.drain() }
            }
            return nil
        }
        if let refusal {
            metrics.note(refusal)
            entry.fail(refusal)
        }
    }

    func refreshMetrics() {
        let age = pace.withLock { $0.age(at: uptime()) }
        metrics.note(waiting: waiting.withLock { $0.commands }, lagNanoseconds: age)
    }

    private func noteStanding() {
        metrics.note(
            journal: store.waitingFacts, owed: store.owedFacts, cached: store.cachedSubjects)
    }

    // MARK: The committer's queue

    /// Commits until nothing waits.
    private func drain() {
        while let (entries, arrivals) = take() {
            let start = uptime()
            perform(entries, arrivals)
            keepProjectionUp(committedSince: start)
            noteStanding()
        }
        scheduleIdleCheck()
    }

    /// Projects as long as a commit is followed by that. Only when more facts wait than the store wants,
    /// commits wait until there are fewer.
    private func keepProjectionUp(committedSince start: UInt64) {
        let now = uptime()
        pace.withLock {
            $0.note(
                committedIn: now - min(start, now), waiting: store.waitingFacts,
                owed: store.owedFacts, at: now)
        }
        while store.owedFacts > store.waitingFactsMax
            || !store.isPreparing && pace.withLock({ $0.isDue }), projectStep()
        {}
    }

    /// Everything that waits, up to the bound of one commit; `nil` ends the run.
    private func take() -> (entries: [CommitterEntry], arrivals: [UInt64])? {
        waiting.withLock { waiting in
            guard !waiting.entries.isEmpty else {
                waiting.isRunning = false
                return nil
            }
            var count = 0
            var taken = 0
            while taken < waiting.entries.count, taken == 0 || count < Self.commandsPerCommitMax {
                count += waiting.entries[taken].commandCount
                taken += 1
            }
            waiting.commits += 1
            let arrivals = Array(waiting.arrivals.prefix(taken))
            waiting.arrivals.removeFirst(arrivals.count)
            if taken == waiting.entries.count {
                waiting.commands = 0
                let entries = waiting.entries
                waiting.entries = []
                return (entries, arrivals)
            }
            let entries = Array(waiting.entries[..<taken])
            waiting.entries.removeFirst(taken)
            waiting.commands -= count
            return (entries, arrivals)
        }
    }

    /// Those that have waited too long for a database that is away are told so, and nothing is done.
    private func perform(_ entries: [CommitterEntry], _ arrivals: [UInt64]) {
        guard let max = store.waitMillisecondsMax, let first = arrivals.first,
            Self.waited(since: first) > 0
        else { return perform(entries, waited: 0) }
        var start = 0
        while start < entries.count, Self.waited(since: arrivals[start]) >= max {
            entries[start].fail(.awayTooLong)
            start += 1
        }
        guard start < entries.count else { return }
        perform(Array(entries[start...]), waited: Self.waited(since: arrivals[start]))
    }

    /// Commits everything that was taken together as one step, and does other work after that.
    private func perform(_ entries: [CommitterEntry], waited milliseconds: Int64) {
        // Other work is rare, and thousands of entries are not to be copied for it.
        guard entries.contains(where: \.isWork) else {
            return commit(entries, waited: milliseconds)
        }
        let commands = entries.filter { !$0.isWork }
        if !commands.isEmpty { commit(commands, waited: milliseconds) }
        for entry in entries { if case .work(let work) = entry { work(nil) } }
    }

    private func commit(_ entries: [CommitterEntry], waited milliseconds: Int64) {
        if entries.count == 1, case .many(let commands, let continuation) = entries[0] {
            return unsafe continuation.resume(
                returning: commit(commands, waited: milliseconds))
        }
        var commands: [Command] = []
        commands.reserveCapacity(entries.reduce(0) { $0 + $1.commandCount })
        for entry in entries { entry.append(to: &commands) }
        switch commit(commands, waited: milliseconds) {
        case .failure(let error):
            for entry in entries { entry.fail(error) }
        case .success(let outcomes):
            var start = 0
            for entry in entries {
                entry.succeed(outcomes, from: start)
                start += entry.commandCount
            }
        }
    }

    private func commit(
        _ commands: [Command], waited milliseconds: Int64
    ) -> Result<[Outcome], StoreError> {
        do throws(StoreError) {
            let start = Self.now
            let now = clock()
            let outcomes = try store.commit(commands, at: now, waited: milliseconds)
            metrics.note(commands, outcomes, nanoseconds: Self.now - start)
            hourly.note(commands, outcomes, at: now)
            news.note()
            return .success(outcomes)
        } catch {
            note(error)
            return .failure(error)
        }
    }

    /// A short step of projection; `false` when there is nothing more to do, or no way to do it.
    private func projectStep() -> Bool {
        let start = uptime()
        let waiting = store.waitingFacts
        do throws(StoreError) {
            let mayGoOn = try store.project()
            let now = uptime()
            pace.withLock {
                $0.note(
                    projectedIn: now - min(start, now), waiting: (waiting, store.waitingFacts),
                    at: now)
            }
            return mayGoOn
        } catch {
            note(error)
            logger.error("projection stopped", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Looks, a little later, whether nothing happened meanwhile, and then projects what waits.
    ///
    /// A lone caller asks again within microseconds, and must not find a step of projection before it.
    private func scheduleIdleCheck() {
        let commits: Int? = waiting.withLock { waiting in
            guard !waiting.isIdleCheckDue, !waiting.isClosing else { return nil }
            waiting.isIdleCheckDue = true
            return waiting.commits
        }
        guard let commits else { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(Self.idleMilliseconds)) {
            let wasIdle = self.waiting.withLock { waiting in
                waiting.isIdleCheckDue = false
                return waiting.commits == commits && !waiting.isClosing
            }
            if wasIdle { self.projectWhileIdle() } else { self.scheduleIdleCheck() }
        }
    }

    private func projectWhileIdle() {
        let isIdle = waiting.withLock { !$0.isRunning && !$0.isClosing }
        guard isIdle else { return }
        if store.isPreparing {
            return queue.asyncAfter(deadline: .now() + .milliseconds(1)) {
                self.projectWhileIdle()
            }
        }
        let mayGoOn = projectStep()
        noteStanding()
        if mayGoOn { queue.async { self.projectWhileIdle() } }
    }

    private func note(_ error: StoreError) {
        // Whoever writes to a follower is told, and nobody else has to know.
        if error.code == .following { return }
        metrics.note(error)
        logger.error("a commit failed", metadata: ["error": "\(error)"])
        guard let halt = store.halt else { return }
        waiting.withLock { waiting in
            if case .serving = waiting.state { waiting.state = .halted(halt) }
        }
    }

    // MARK: The end

    /// Finishes what was accepted, projects it and closes the store.
    func shutdown() async {
        let mustClose = waiting.withLock { waiting in
            defer { waiting.isClosing = true }
            return !waiting.isClosing
        }
        guard mustClose else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async {
                self.drain()
                do throws(StoreError) { try self.store.close() } catch { self.note(error) }
                self.waiting.withLock { waiting in
                    if case .serving = waiting.state { waiting.state = .closed }
                }
                continuation.resume()
            }
        }
    }
}

extension StoreError {
    fileprivate static let awayTooLong = StoreError(
        code: .unavailable, message: "the database cannot be reached; nothing was done")
}
