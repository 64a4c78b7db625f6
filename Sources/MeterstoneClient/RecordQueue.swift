package import Meterstone
import MeterstoneAPI
public import MeterstoneCore
import MeterstoneStore

/// Events that wait to be recorded: sent many at once, and kept while the server is away.
///
///     let queue = try RecordQueue(for: client, folder: "/var/lib/app/usage")
///     async let running: Void = queue.run()   // or as one of the services of the program
///     try await queue.add(UsageEvent(subject: "ada", quantities: .one("prompts", 1)))
///     try await queue.close()
///
/// Each event has an id before it is sent, so that what is sent twice counts once. With a folder what waits
/// is in files as well, and is sent by the next process if this one ends before; a sudden loss of power may
/// take the last second with it.
public actor RecordQueue {
    public struct Options: Sendable {
        /// Events that are sent at once.
        public var eventsPerBatch = 500
        /// What was added is sent after that long, at the latest.
        public var sendMilliseconds: Int64 = 1_000
        /// Bytes that may wait, as JSON; what comes beyond that is refused.
        public var bytesMax = 64 * 1_048_576

        public init() {}
    }

    /// What became of events that the rules did not let count: those are not sent again.
    public typealias Refused = @Sendable (UsageEvent, RecordOutcome) -> Void

    private let service: any MeterstoneService
    private let options: Options
    private let makeID: @Sendable () -> EventID
    private let onRefused: Refused
    private var folder: QueueFolder?
    /// What was added since the last batch was made.
    private var added = QueuedBatch()
    /// Batches that wait, oldest first.
    private var waiting: [QueuedBatch] = []
    private var bytes = 0
    private var isSending = false
    /// Who wants to send while somebody does.
    private var senders: [CheckedContinuation<Void, Never>] = []
    private var isClosed = false
    private let sleep: @Sendable (_ milliseconds: Int64) async throws -> Void
    /// What wakes whoever sends.
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - folder: where what waits is kept; it belongs to one process. `nil`: in memory only.
    ///   - onRefused: is told of events that were rejected, or are in conflict with one from before.
    ///
    /// Throws ``ClientError`` with the code `closed` when the folder cannot be used.
    public init(
        for client: MeterstoneClient, folder: String? = nil, options: Options = Options(),
        onRefused: @escaping Refused = { _, _ in }
    ) throws(ClientError) {
        try self.init(
            for: client, folder: folder, options: options, makeID: { client.makeID() },
            onRefused: onRefused
        ) { try await Task.sleep(for: .milliseconds($0)) }
    }

    package init(
        for service: any MeterstoneService, folder: String?, options: Options,
        makeID: @escaping @Sendable () -> EventID, onRefused: @escaping Refused,
        sleep: @escaping @Sendable (_ milliseconds: Int64) async throws -> Void
    ) throws(ClientError) {
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.sleep = sleep
        self.service = service
        self.options = options
        self.makeID = makeID
        self.onRefused = onRefused
        guard let path = folder else { return }
        let folder = try QueueFolder(path)
        waiting = try folder.batches()
        bytes = waiting.reduce(0) { $0 + $1.bytes }
        self.folder = folder
    }

    /// Whether somebody waits for whoever sends.
    package var isWaitedFor: Bool { !senders.isEmpty }

    /// How many events wait.
    public var count: Int { waiting.reduce(added.events.count) { $0 + $1.events.count } }

    /// Takes an event in, to be recorded soon. Throws ``ClientError`` with the code `queueFull`, and takes
    /// nothing, when too much waits; `closed` when the queue is closed or its folder cannot be written.
    public func add(_ event: UsageEvent) async throws {
        guard !isClosed else { throw ClientError(.closed, "the queue was closed") }
        var event = event
        if event.id == nil { event.id = makeID() }
        let line = JSONWriter.body { $0.event(event) } + [UInt8(ascii: "\n")]
        guard bytes + line.count <= options.bytesMax else {
            throw ClientError(.queueFull, "\(bytes) bytes of events wait for the server already")
        }
        if let folder { added.file = try folder.append(line) }
        added.events.append(event)
        added.bytes += line.count
        bytes += line.count
        guard added.events.count >= options.eventsPerBatch else { return }
        seal()
        // Whoever adds does not wait for the server.
        wake.yield()
    }

    private func seal() {
        guard !added.events.isEmpty else { return }
        folder?.end()
        waiting.append(added)
        added = QueuedBatch()
    }

    /// Sends everything that waits, in its order, after whoever sends now. When it throws, what is not recorded
    /// goes on waiting.
    public func send() async throws {
        while isSending { await withCheckedContinuation { senders.append($0) } }
        isSending = true
        defer {
            isSending = false
            for sender in senders { sender.resume() }
            senders = []
        }
        seal()
        while let batch = waiting.first {
            let outcomes = try await service.record(batch.events)
            for (event, outcome) in zip(batch.events, outcomes) {
                switch outcome {
                case .counted, .duplicate: break
                case .conflict, .rejected: onRefused(event, outcome)
                }
            }
            waiting.removeFirst()
            bytes -= batch.bytes
            folder?.remove(batch.file)
        }
    }

    /// Sends what waits and takes nothing more in. When it throws, what is in files waits there for the next
    /// process, and what is in memory only is lost.
    public func close() async throws {
        isClosed = true
        wake.finish()
        defer { folder = nil }
        try await send()
    }

    /// Sends what is added, many at once and in time, until the queue is closed or the task is cancelled. What
    /// cannot be sent waits for the next time.
    public func run() async {
        await withThrowingTaskGroup(of: Void.self) { group in
            let (sleep, wake, milliseconds) = (sleep, wake, options.sendMilliseconds)
            group.addTask {
                while !Task.isCancelled {
                    try await sleep(milliseconds)
                    wake.yield()
                }
            }
            for await _ in wakes { try? await send() }
            group.cancelAll()
        }
    }
}

/// Events that are sent together.
struct QueuedBatch: Sendable {
    var events: [UsageEvent] = []
    var bytes = 0
    /// The name of the file that holds them.
    var file: String?
}

extension MeterstoneClient {
    /// What becomes of a consume that nobody answers.
    public enum Fallback: Sendable {
        /// It fails with ``ClientError``: nobody uses what nobody allowed.
        case fail
        /// It is allowed, and recorded once the server is back: nobody is held up, and limits may be passed.
        case allow(RecordQueue)
        /// What its limits declare as `failMode`, as they were last told of such an event: open is ``allow(_:)``,
        /// and closed is ``fail``, as is what nothing was told of.
        case asDeclared(RecordQueue)
    }

    /// ``consume(_:)-(UsageEvent)``, with what is to happen while the server is away.
    public func consume(
        _ event: UsageEvent, whenUnreachable fallback: Fallback
    ) async throws -> ConsumeOutcome {
        let event = identified(event)
        do {
            return try await consume(event)
        } catch {
            guard error.isAbsence, let queue = queue(of: fallback, for: event) else { throw error }
            try await queue.add(event)
            return .decided(
                Decision(denial: nil, isDuplicate: false, eventID: event.id, limits: []))
        }
    }

    private func queue(of fallback: Fallback, for event: UsageEvent) -> RecordQueue? {
        switch fallback {
        case .fail: nil
        case .allow(let queue): queue
        case .asDeclared(let queue): failModes.failMode(of: event) == .open ? queue : nil
        }
    }
}

extension Error {
    /// Whether it says that a server, or its store, is not there for now.
    fileprivate var isAbsence: Bool {
        switch self {
        case let error as ClientError: error.code == .unreachable
        case is StoreError: true
        default: false
        }
    }
}
