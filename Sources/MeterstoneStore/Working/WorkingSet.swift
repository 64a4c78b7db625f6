package import MeterstoneCore

/// What the committer decides with: the catalog, and the counters that recent commands touched.
///
/// Confined to the committer. A batch of commands is decided in order, each seeing the ones before;
/// the facts gather in ``batch`` until ``seal()``. When the batch could not be made durable the store
/// replaces the whole working set by one that is replayed from what is on disk: there is one way to
/// get to a state, and it is taken after a crash, too.
package final class WorkingSet {
    package let options: StoreOptions
    package internal(set) var catalog: Catalog
    package internal(set) var registry: Registry
    package var tail: Tail
    package internal(set) var subjects: [SubjectID: SubjectState] = [:]
    /// Subjects with a number, for facts that name them so.
    package internal(set) var byNumber: [Int64: SubjectState] = [:]
    /// Versions of subjects' rows that wait to be projected, oldest first.
    package var dirtySubjects: [SubjectRow] { tail.snapshot.rows }
    /// Changes that wait to be projected, oldest first.
    package var dirtyChanges: [ChangeRecord] { tail.snapshot.changes }
    /// Everything up to here is projected.
    package private(set) var watermark: Int64
    package internal(set) var nextSubject: Int64
    var eviction = Eviction()
    var batch: JournalBatchBuilder
    /// The fact that a replay has come to; what its batch holds after it has not happened yet.
    var replayed: Int64?
    /// The last fact that was replayed and did more than give a subject its number.
    var replayedDeed = Int64.max
    /// Rises whenever a cached allowance may be out of date.
    var version = 0
    package internal(set) var eventIDs: EventIDGenerator
    package var zones: ZoneNotes
    /// `false`: who subjects are is all that is asked of it.
    let isDeciding: Bool
    /// When the command that is carried out was given.
    var now = Instant(millisecondsSince1970: 0)
    let source: any DecisionSource
    /// Alerts that wait to be projected, by their keys, and the facts that they are.
    var waitingAlerts: [String: Int64] = [:]

    /// - Parameter catalog: compiled with these options.
    package init(
        options: StoreOptions, source: any DecisionSource, catalog: Catalog, nextSequence: Int64,
        nextSubject: Int64, eventIDs: EventIDGenerator, zones: ZoneNotes = ZoneNotes(),
        isDeciding: Bool = true
    ) {
        self.isDeciding = isDeciding
        self.zones = zones
        self.options = options
        tail = Tail(factsPerSection: options.factsPerSection)
        self.source = source
        self.nextSubject = nextSubject
        self.eventIDs = eventIDs
        registry = catalog.registry
        watermark = nextSequence - 1
        batch = JournalBatchBuilder(firstSequence: nextSequence)
        self.catalog = catalog
    }

    deinit {
        // They may stand in a cycle.
        for state in subjects.values where !state.pastParents.isEmpty { state.letGo() }
    }
    /// Pages of a report that was begun before this fact cannot be told any more: what the journal
    /// held was put into columns anew.
    package var cutFloor: Int64 = 0

    /// Whether anything of the current batch must be made durable.
    package var hasFacts: Bool { batch.count > 0 }

    /// The last fact that took effect.
    package var head: Int64 { replayed ?? (batch.nextSequence - 1) }

    /// Closes the batch, for the store to make durable.
    package func seal() -> JournalBatch {
        let sealed = batch.sealed()
        batch = JournalBatchBuilder(firstSequence: sealed.lastSequence + 1)
        return sealed
    }

    /// Takes a batch that is durable into the tail.
    package func append(_ batch: JournalBatch) {
        tail.append(batch)
        tail.closeFullSection()
    }

    /// Forgets what waited to be projected up to a fact, because it now is.
    @discardableResult
    package func didProject(through sequence: Int64) -> TailRemains {
        watermark = sequence
        if !waitingAlerts.isEmpty { waitingAlerts = waitingAlerts.filter { $0.value > sequence } }
        defer { evict() }
        return tail.drop(through: sequence)
    }

    /// Carries one command out, in memory. What is known to concern one subject alone fails for it, and
    /// not for the batch.
    package func perform(_ command: Command, at now: Instant) throws(StoreError) -> Outcome {
        self.now = now
        do throws(StoreError) {
            return try decide(command, at: now)
        } catch {
            guard error.code == .timeZoneRules else { throw error }
            return command.failing(error)
        }
    }

    private func decide(_ command: Command, at now: Instant) throws(StoreError) -> Outcome {
        switch command {
        case .consume(let event):
            .consumed(try consume(event, at: now, records: options.isTrackingEnabled))
        case .check(let event, .consume):
            .consumed(try consume(event, at: now, records: false, isCheck: true))
        case .check(let event, .reservation): .consumed(try checkReservation(event, at: now))
        case .record(let event): .recorded(try record(event, at: now))
        case .correct(let correction): .corrected(try correct(correction, at: now))
        case .change(let request): try change(request, at: now)
        case .reserve(let event, let terms): .reserved(try reserve(event, terms, at: now))
        case .extend(let more): .reservation(try extend(more, at: now))
        case .close(let closing): .reservation(try close(closing, at: now))
        case .expire(let subject):
            .expired(
                count: try expireDue(
                    try state(of: subject), at: now, atMost: Self.expiredPerCommand))
        }
    }
}

extension WorkingSet {
    /// Asks something of each before it fails: a store that loads what was asked for does that at once.
    func all<Element, Answer>(
        _ elements: some Sequence<Element>, _ ask: (Element) throws(StoreError) -> Answer
    ) throws(StoreError) -> [Answer] {
        var answers: [Answer] = []
        var failure: StoreError?
        for element in elements {
            do throws(StoreError) {
                answers.append(try ask(element))
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return answers
    }
}

/// A subject's row as of one fact.
package struct SubjectRow: Sendable {
    package let sequence: Int64
    package let subject: StoredSubject
    package let news: News

    /// What the fact changed of the row.
    package enum News: Sendable {
        /// It is the first, and says nothing that another fact than the subject's first could have told.
        case number
        /// When the next reservation expires.
        case expiry
        /// What was put there by an administrator, or by what happened to a team.
        case profile
    }
}

/// A counter that waits to be projected, and the fact that made it so.
package struct DirtyCounter {
    package let subject: SubjectState
    package let series: Int
    package let from: Instant
    package let sequence: Int64

    package var key: CounterKey {
        CounterKey(series: series, from: from, subject: subject.number)
    }
}

/// Makes event ids: UUIDs of version 7 that rise strictly, also within one millisecond.
package struct EventIDGenerator: Sendable {
    private var last: UInt64 = 0
    private var random: SplitMix64

    package init(seed: UInt64) {
        random = SplitMix64(state: seed)
    }

    package mutating func next(at now: Instant) -> EventID {
        let milliseconds = UInt64(clamping: now.millisecondsSince1970) & 0xFFFF_FFFF_FFFF
        var stamp = milliseconds << 12
        if stamp <= last { stamp = last &+ 1 }
        last = stamp
        let high = (stamp >> 12) << 16 | 0x7000 | stamp & 0xFFF
        return .uuid(high, random.next() >> 2 | 1 << 63)
    }
}

/// The splitmix64 generator, after Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014: enough to tell ids of one millisecond apart, and not for secrets.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(state: UInt64) {
        self.state = state
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
