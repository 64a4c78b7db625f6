public import MeterstoneCore

/// Where usage is kept: what every store promises, and the conformance suite proves.
///
/// Two groups of methods. Those of the committer are called one at a time, never at once, in the order
/// in which callers asked. Those that read may be called from anywhere, beside the committer.
public protocol Store: AnyObject, Sendable {
    // MARK: For the committer

    /// Carries out commands in order and makes what they changed durable, as one step.
    ///
    /// When it returns, everything is on disk. When it throws, nothing was done; with the code
    /// `outcomeUnknown` nobody can know, and the event ids decide.
    func commit(_ commands: [Command], at now: Instant) throws(StoreError) -> [Outcome]

    /// What was found and done when the store was opened, in sentences for the log.
    var notices: [String] { get }
    /// As ``commit(_:at:)``, for commands of which the first has waited so long already.
    func commit(
        _ commands: [Command], at now: Instant, waited milliseconds: Int64
    ) throws(StoreError) -> [Outcome]

    /// How long anybody waits for a database that cannot be reached; `nil`: it is always there.
    var waitMillisecondsMax: Int64? { get }

    /// Why nothing can be written until the store is opened again, if that is so.
    var halt: StoreError? { get }

    /// Commits that are durable and not yet in the tables that people query.
    var waitingFacts: Int { get }

    /// The same in terms of work: what waits, less the share that is done of a round that is under way.
    var owedFacts: Int { get }

    /// How many may wait before projection goes first.
    var waitingFactsMax: Int { get }

    /// Subjects in memory.
    var cachedSubjects: Int { get }

    /// Whether the next step of projection would wait for something that is made on another thread.
    var isPreparing: Bool { get }

    /// Does a short step of projection; `true` while there is more to do.
    func project() throws(StoreError) -> Bool

    /// Whether ``verify()`` may be called from anywhere.
    var isSharedBetweenNodes: Bool { get }

    /// Recomputes every counter from the events, and says what differs. Projects everything first.
    func verify() throws(StoreError) -> VerifyReport

    /// Puts recomputed counters in the place of what is stored, and returns how many there are.
    func rebuild() throws(StoreError) -> Int

    /// Forgets what is stored of erased persons, texts in facts and changes included, and lets no byte of what was
    /// deleted stand in the store's files. Projects everything first, and takes as long as there is data.
    ///
    /// Codes: `corrupt` where something is damaged, which is then left as it is.
    func compact() throws(StoreError) -> CompactionReport

    /// Writes down the next thing that an archiving came to: that a part is durable, or what is left of the events of one
    /// of its days. Each is one step.
    func leaveArchived(_ progress: ArchiveProgress) throws(StoreError) -> ArchiveProgress

    /// Lets go of lines of the log of changes, of which nothing follows, as one step.
    func forget(lines: [Int64]) throws(StoreError)

    /// Hands out everything that is stored, as of one snapshot, in parts of bounded size and in an
    /// order in which ``fill(_:)`` can take them. Projects everything first.
    func export(_ visit: (StorePart) throws(StoreError) -> Void) throws(StoreError)

    /// Takes in what another store exported, and computes the counters and the index of event ids
    /// from it. Numbers stay as they are, and go on above them.
    ///
    /// Nothing may ever have been recorded here. It is one step: when it throws, this store is as
    /// empty as before.
    ///
    /// - Parameter parts: hands each part to its argument.
    ///
    /// Codes: `misuse` when something was recorded, `halted` when the counters of the other store
    /// follow another default time zone.
    func fill(
        _ parts: ((StorePart) throws(StoreError) -> Void) throws(StoreError) -> Void
    ) throws(StoreError)

    /// Reads everything there is from one snapshot, for as long as it takes. Projects everything
    /// first.
    func inspect<Result>(
        _ body: (any InspectionSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result

    /// Projects everything and lets go of the files.
    func close() throws(StoreError)

    // MARK: From anywhere

    /// How many may read at once, and how many of those that read much, which have places of their own.
    var readPlaces: (short: Int, long: Int) { get }

    /// What is in force for a subject, or for nobody, and who it is: as of everything that was
    /// answered before.
    func view(of subject: SubjectID?) throws(StoreError) -> StoreView

    /// A view of nobody for a report, whose later pages leave out what comes after it.
    func reportView() throws(StoreError) -> StoreView

    /// Answers looks from one snapshot, as of everything that was answered before.
    func look(_ looks: [Look], at now: Instant) throws(StoreError) -> [Look.Answer]

    /// Reads everything that was answered before a view was taken, from one snapshot.
    func read<Result>(
        _ view: StoreView, _ body: (any StoreSource) throws(StoreError) -> Result
    ) throws(StoreError) -> Result

    /// Some subjects with an id greater than `after`, sorted by id.
    func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject]

    /// How many subjects ``subjects(after:count:)`` lists from the first to the last.
    func subjectTotal() throws(StoreError) -> Int

    /// Some subjects of which reservations may have expired by now, those that wait longest first.
    func subjectsDue(at now: Instant, count: Int) throws(StoreError) -> [SubjectID]

    /// Administrative changes that a filter accepts, newest first.
    func changes(
        _ filter: ChangeFilter, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [ChangeEntry]

    /// The first facts after one, in the order of recording: all that are durable, whether they wait or stand in
    /// tables, up to `count`. Whoever goes on from the last of a page misses none.
    func facts(after sequence: Int64, count: Int) throws(StoreError) -> FactPage

    /// Copies everything that was answered before into a new folder, as a store of its own, beside commits
    /// and reads.
    ///
    /// Codes: `misuse` where the folder is there already, or where the database makes its own backups;
    /// `inputOutput`, `diskFull`. The folder is then not there.
    func backup(to directory: String) throws(StoreError)

    /// What an archive has of this store; `nil`: nothing was archived.
    func archiveLog() throws(StoreError) -> ArchiveLog?

    /// Takes the next step of an archiving: hands out events of some days that are in no archive yet. Once they are written
    /// elsewhere, ``leaveArchived(_:)`` is called for as long as there is something next.
    ///
    /// Codes: `misuse` where a store keeps nothing on disk.
    ///
    /// - Parameter write: when it returns, what it was handed is durable; `nil`: there was nothing to write.
    func archive(
        _ progress: ArchiveProgress,
        _ write: (ArchivableDays) throws(StoreError) -> ArchivedPart?
    ) throws(StoreError) -> ArchiveProgress

    /// Looks for lines of the log of changes that are kept no longer, a bounded number at a time. Those that it finds are
    /// for ``forget(lines:)``.
    func sweep(_ sweep: LogSweep) throws(StoreError) -> LogSweep

    /// Whether this process does what is done once for all that share the store, such as sending alerts.
    func isOnDuty() throws(StoreError) -> Bool

    /// Throws unless the database answers within a second or two. One caller at a time.
    func ping() throws(StoreError)
}

extension Store {
    public func commit(
        _ commands: [Command], at now: Instant, waited milliseconds: Int64
    ) throws(StoreError) -> [Outcome] {
        try commit(commands, at: now)
    }

    public var waitMillisecondsMax: Int64? { nil }

    public var readPlaces: (short: Int, long: Int) { (4, 2) }

    public func isOnDuty() throws(StoreError) -> Bool { true }

    public func ping() throws(StoreError) {}

    public func backup(to directory: String) throws(StoreError) {
        throw StoreError(
            code: .misuse, message: "this store has no files to copy; use meterstone backup --store"
        )
    }
}

extension Store {
    /// Administrative changes, newest first.
    public func changes(before sequence: Int64?, count: Int) throws(StoreError) -> [ChangeEntry] {
        try changes(ChangeFilter(), before: sequence, count: count)
    }

    public var notices: [String] { [] }

    /// What has no files has nothing to forget in them.
    public func compact() throws(StoreError) -> CompactionReport { CompactionReport(persons: 0) }

    public func archiveLog() throws(StoreError) -> ArchiveLog? { nil }

    public func archive(
        _ progress: ArchiveProgress,
        _ write: (ArchivableDays) throws(StoreError) -> ArchivedPart?
    ) throws(StoreError) -> ArchiveProgress {
        throw StoreError(code: .misuse, message: "this store keeps nothing to archive")
    }

    public func leaveArchived(
        _ progress: ArchiveProgress
    ) throws(StoreError) -> ArchiveProgress {
        var progress = progress
        progress.next = nil
        return progress
    }

    /// What is in memory alone is kept for as long as that.
    public func sweep(_ sweep: LogSweep) throws(StoreError) -> LogSweep {
        LogSweep(LogRetention())
    }

    public func forget(lines: [Int64]) throws(StoreError) {}

    public var owedFacts: Int { waitingFacts }

    public var isPreparing: Bool { false }

    public var cachedSubjects: Int { 0 }
}

extension ChangeEntry {
    package init(_ record: ChangeRecord) {
        self.init(
            sequence: record.sequence, recordedAt: record.recordedAt, author: record.author,
            address: record.address, kind: record.kind, key: record.key,
            before: record.toldBefore, after: record.toldAfter)
    }
}

/// What a recomputation of every counter found.
public struct VerifyReport: Sendable {
    /// Facts about usage that were read.
    public let events: Int
    /// Counters that were compared.
    public let counters: Int
    /// Events of which an archive has what was told, and the store what numbers are made of.
    public let archived: Int
    /// The first thousand.
    public let differences: [VerifyDifference]

    package init(
        events: Int, counters: Int, archived: Int = 0, differences: [VerifyDifference]
    ) {
        self.events = events
        self.counters = counters
        self.archived = archived
        self.differences = differences
    }

    public var isClean: Bool { differences.isEmpty }
}

/// One thing that is not as the events say.
public struct VerifyDifference: Sendable, Hashable {
    /// Which counter, in words: meter, window, its start, subject.
    public let what: String
    public let expected: String
    public let found: String

    package init(what: String, expected: String, found: String) {
        self.what = what
        self.expected = expected
        self.found = found
    }
}
