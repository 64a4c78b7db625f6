import Dispatch
public import MeterstoneCore
import MeterstoneStore
import Synchronization

/// How a subject stands at one moment, for whoever looks on.
public struct LiveStanding: Sendable {
    public var limits: [LimitStatus]
    /// The number of the last fact that it includes.
    public var sequence: Int64
    /// Whether it is only said that all is as it was.
    public var isHeartbeat = false
}

/// Whether anything was committed since somebody asked. It costs a commit one look at a counter.
final class LiveNews: Sendable {
    let listeners = Atomic(0)
    private let isFresh = Atomic(false)

    func note() {
        if listeners.load(ordering: .relaxed) > 0 { isFresh.store(true, ordering: .relaxed) }
    }

    func take() -> Bool { isFresh.exchange(false, ordering: .relaxed) }
}

/// Tells those who look on how things stand, each time that something was committed.
///
/// What is told is a state and no difference: whoever is slow, or comes back, gets what stands then, and
/// nothing has to be kept for them. One loop looks for all of them, from one snapshot, and no more often
/// than that it takes a twentieth of the time. It runs while somebody looks on.
final class LiveFeed: Sendable {
    /// After a commit those who look on are told no later than this, unless looking takes long.
    static let pauseMilliseconds: Int64 = 200
    /// Other nodes' commits are asked for as often.
    static let pollMilliseconds: Int64 = 500
    static let heartbeatMilliseconds: Int64 = 15_000
    /// Subjects that are looked at in one step.
    private static let subjectsPerLook = 256

    private struct Watcher {
        /// `nil`: everybody's.
        var subject: SubjectID?
        var until: UInt64
        var continuation: AsyncStream<LiveStanding>.Continuation
    }

    private struct State {
        var watchers: [Int: Watcher] = [:]
        var count = 0
        var isRunning = false
        var isClosed = false
        var head: Int64 = -1
        /// When the next window ends.
        var due = Instant.latest
        var beatAt: UInt64 = 0
        /// The newest who was told already.
        var seen = 0
    }

    private let committer: Committer
    private let clock: @Sendable () -> Instant
    private let uptime: @Sendable () -> UInt64
    private let queue = DispatchQueue(label: "meterstone.live")
    private let state = Mutex(State())

    init(
        _ committer: Committer, clock: @escaping @Sendable () -> Instant,
        uptime: @escaping @Sendable () -> UInt64 = Committer.uptime
    ) {
        self.committer = committer
        self.clock = clock
        self.uptime = uptime
    }

    /// What stands now, and each time that it may have changed, until so long has passed.
    func standings(
        of subject: SubjectID?, forMilliseconds milliseconds: Int64
    ) -> AsyncStream<LiveStanding> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LiveStanding.self, bufferingPolicy: .bufferingNewest(1))
        let until = uptime() &+ UInt64(max(0, milliseconds)) &* 1_000_000
        let id: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.count += 1
            state.watchers[state.count] = Watcher(
                subject: subject, until: until, continuation: continuation)
            return state.count
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        committer.news.listeners.add(1, ordering: .relaxed)
        continuation.onTermination = { _ in self.leave(id) }
        queue.async { self.begin() }
        return stream
    }

    /// Ends all streams.
    func close() {
        let watchers = state.withLock { state in
            state.isClosed = true
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.continuation.finish() }
    }

    private func leave(_ id: Int) {
        let left = state.withLock { $0.watchers.removeValue(forKey: id) }
        if left != nil { committer.news.listeners.subtract(1, ordering: .relaxed) }
    }

    // MARK: The feed's queue

    private func begin() {
        tellNewcomers()
        let mustStart = state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { step() }
    }

    /// Tells all who look on, if there is something to tell, and does so again after a pause.
    private func step() {
        let start = uptime()
        let (watchers, state) = self.state.withLock { state -> ([Int: Watcher], State) in
            if state.watchers.isEmpty || state.isClosed { state.isRunning = false }
            return (state.watchers, state)
        }
        guard state.isRunning else { return }
        for watcher in watchers.values where watcher.until <= start {
            watcher.continuation.finish()
        }
        let isBeat = start >= state.beatAt
        let isDue = clock() >= state.due
        if committer.news.take() || isBeat || isDue || committer.isShared {
            do throws(StoreError) {
                let isTold = try tell(
                    watchers.filter { $0.value.until > start }, areAll: true, isBeat: isBeat,
                    unlessAt: isBeat || isDue ? nil : state.head)
                if isBeat, isTold {
                    self.state.withLock {
                        $0.beatAt =
                            start &+ UInt64(Self.heartbeatMilliseconds) &* 1_000_000
                    }
                }
                if !isTold { committer.news.note() }
            } catch {
                // Those who look on wait until the store answers again.
                committer.news.note()
            }
        }
        let took = Int64(clamping: (uptime() &- start) / 1_000_000)
        let least = committer.isShared ? Self.pollMilliseconds : Self.pauseMilliseconds
        let pause = max(least, min(took * 20, 10_000))
        queue.asyncAfter(deadline: .now() + .milliseconds(Int(pause))) { self.step() }
    }

    /// Those who came since somebody was told last do not wait for the next step.
    private func tellNewcomers() {
        let newcomers = state.withLock { state in
            let newcomers = state.watchers.filter { $0.key > state.seen }
            state.seen = max(state.seen, newcomers.keys.max() ?? 0)
            return newcomers
        }
        guard !newcomers.isEmpty else { return }
        let isTold: Bool
        do throws(StoreError) {
            isTold = try tell(newcomers, areAll: false, isBeat: false, unlessAt: nil)
        } catch {
            isTold = false
        }
        guard !isTold else { return }
        // The next step tells everybody, whatever the last fact is.
        state.withLock { $0.head = -1 }
        committer.news.note()
    }

    /// Looks at all of them from one snapshot after the other, and hands on how they stand.
    ///
    /// - Parameter head: nothing is to be told while this is the last fact; `nil`: whatever it is.
    /// - Returns: whether the store was free to be asked.
    private func tell(
        _ watchers: [Int: Watcher], areAll: Bool, isBeat: Bool, unlessAt head: Int64?
    ) throws(StoreError) -> Bool {
        let now = clock()
        let last = try committer.readIfFree { (store) throws(StoreError) in
            try store.view(of: nil).head
        }
        guard let last else { return false }
        if last == head { return true }
        let subjects = Array(Set(watchers.values.compactMap(\.subject)))
        var standings: [SubjectID: [LimitStatus]] = [:]
        var next = 0
        while next < subjects.count {
            let some = Array(subjects[next..<min(next + Self.subjectsPerLook, subjects.count)])
            let answers = try committer.readIfFree { (store) throws(StoreError) in
                try store.look(some.map { .limits($0) }, at: now)
            }
            guard let answers else { return false }
            for (subject, answer) in zip(some, answers) {
                if case .limits(let limits) = answer { standings[subject] = limits }
            }
            next += some.count
        }
        let ends = standings.values.joined().compactMap(\.resetsAt).filter { $0 > now }
        state.withLock { state in
            if areAll { (state.head, state.due) = (last, .latest) }
            state.due = min(state.due, ends.min() ?? .latest)
        }
        for watcher in watchers.values {
            let limits = watcher.subject.flatMap { standings[$0] } ?? []
            watcher.continuation.yield(
                LiveStanding(limits: limits, sequence: last, isHeartbeat: isBeat))
        }
        return true
    }
}

extension MeterstoneEngine {
    /// How a subject stands, now and each time that it may have changed.
    ///
    /// It ends after a while, when nobody reads it any more, and with the engine.
    /// - Parameter subject: `nil`: no limits, only the number of the last fact.
    public func live(
        of subject: SubjectID?, forMilliseconds milliseconds: Int64 = 600_000
    ) -> AsyncStream<LiveStanding> {
        feed.standings(of: subject, forMilliseconds: milliseconds)
    }
}
