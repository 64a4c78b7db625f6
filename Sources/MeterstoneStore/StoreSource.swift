public import MeterstoneCore

/// What a decision needs to know of everything that was said before.
public protocol DecisionSource {
    func subject(_ id: SubjectID) throws(StoreError) -> StoredSubject?

    func subject(number: Int64) throws(StoreError) -> StoredSubject?

    func counter(_ key: CounterKey) throws(StoreError) -> StoredCounter?

    /// Where events stand that may have this id and source; more than one when a store finds them by
    /// a key that can collide.
    func locations(
        of id: EventID, source: String?
    ) throws(StoreError) -> [EventLocation]

    /// The stored body of one fact.
    func body(at location: EventLocation) throws(StoreError) -> [UInt8]?

    /// Everything about one subject whose usage occurred on these UTC days; of those of one day, by
    /// sequence.
    func facts(of subject: Int64, days: ClosedRange<Int64>) throws(StoreError) -> [StoredFact]

    /// Corrections of one event, by sequence; others of the same subject and day may be among them.
    func corrections(of event: EventLocation) throws(StoreError) -> [StoredFact]

    /// Every counter of a series that a subject has.
    func counters(
        ofSeries series: Int, of subject: Int64
    ) throws(StoreError) -> [CounterKey: StoredCounter]

    /// What a rolling series of a subject held when it was looked at before, and what is new since;
    /// `nil`: the events tell.
    func rolling(_ series: Int, of subject: Int64) throws(StoreError) -> KnownRolling?

    /// A subject's ledger entries with this lookup text, oldest first.
    func entries(of subject: Int64, lookup: String) throws(StoreError) -> [StoredFact]

    func receipt(forIdempotencyKey key: String) throws(StoreError) -> ChangeReceiptRecord?

    /// Every subject of which a reservation may be open.
    func subjectsWithReservations() throws(StoreError) -> [SubjectID]
}

/// What a snapshot offers to readers: the tables of a store as of the watermark, or a ``HeadSource``,
/// which adds what was committed since.
public protocol StoreSource: DecisionSource {
    /// Some subjects with an id greater than `after`, sorted by id.
    func subjects(after: SubjectID?, count: Int) throws(StoreError) -> [StoredSubject]

    /// How many subjects there are, keys that mean another one left out; and the largest number that any of
    /// the rows has.
    func ownKeyCount() throws(StoreError) -> (count: Int, numberMax: Int64)

    /// Some subjects by their numbers, for stores where each look-up has its price; fetched ahead.
    func prefetch(subjects numbers: some Collection<Int64>) throws(StoreError)

    /// Every subject that has, or had, a time zone of its own.
    func subjectZones() throws(StoreError) -> [(number: Int64, zones: ZonesInTime)]

    /// Those of many counters that exist.
    func counters(_ keys: [CounterKey]) throws(StoreError) -> [CounterKey: StoredCounter]

    /// Corrections of some events: of each event by sequence.
    func corrections(of events: [EventLocation]) throws(StoreError) -> [StoredFact]

    /// Visits what is stored of a subject and occurred within a span, piece by piece, from one end of the
    /// span as far as the store knows what occurred when.
    ///
    /// - Parameter visit: gets some facts, in no order, some from outside the span among them; and how near
    ///   to that end of the span whatever follows can be. `false`: it is enough.
    func usage(
        of subject: Int64, within span: ClosedRange<Instant>, _ order: ReadingOrder,
        _ visit: (_ facts: [StoredFact], _ rest: Instant) throws(StoreError) -> Bool
    ) throws(StoreError)

    /// Visits every fact stored for these days. Those of one subject and day come together, by
    /// sequence.
    func scan(
        days: ClosedRange<Int64>,
        _ visit: (_ day: Int64, _ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError)

    /// Some of a subject's ledger entries before a position, newest first.
    func entries(
        of subject: Int64, before sequence: Int64?, count: Int
    ) throws(StoreError) -> [StoredFact]

    /// Visits the columns of projected events that occurred on these UTC days, by day.
    ///
    /// - Parameters:
    ///   - withTimes: `false`: without when within the day each occurred.
    ///   - cut: as they were then, which ``holds(_:)`` says is still known; `nil`: as they are.
    ///   - visit: does not ask the source anything, which may be reading ahead.
    func columns(
        days: ClosedRange<Int64>, withTimes: Bool, at cut: ReportCut?,
        _ visit: (ColumnSegment) throws(StoreError) -> Void
    ) throws(StoreError)

    /// Which rows ``columns(days:withTimes:at:_:)`` would visit of each of these days, in one order.
    func columnRows(
        of days: ClosedRange<Int64>, at cut: ReportCut?
    ) throws(StoreError) -> ColumnRows

    /// The days among these of which there are columns, ascending; those that were merged included.
    func columnDays(within days: ClosedRange<Int64>) throws(StoreError) -> [Int64]

    /// What a store of many nodes knows the state by that is read here, and the last fact that it may
    /// include; `nil`: the head of the view says that.
    func snapshot() throws(StoreError) -> (text: String, sequence: Int64)?

    /// Whether columns can still be read as they were.
    func holds(_ cut: ReportCut) throws(StoreError) -> Bool

    /// Changes of one thing, or of all of a kind, oldest first.
    func changes(ofKind kind: String, key: String?) throws(StoreError) -> [ChangeRecord]

    /// The last change of one thing.
    func lastChange(ofKind kind: String, key: String) throws(StoreError) -> ChangeRecord?

    /// Changes of everything after a fact, oldest first, as many at most.
    func changes(after sequence: Int64, count: Int) throws(StoreError) -> [ChangeRecord]

    /// The next thing of a kind, by its key, of which there are changes.
    func changedKey(ofKind kind: String, after key: String) throws(StoreError) -> String?

    /// The last fact that the tables include.
    func watermark() throws(StoreError) -> Int64

    /// The names that records refer to by number, when they may be newer than the reader's own.
    func quantityNames() throws(StoreError) -> [MeterKey]?
}

/// From which end of a span events are read.
public enum ReadingOrder: Sendable {
    case newestFirst, oldestFirst

    /// The end of a range at which reading begins.
    package func first<Bound>(_ range: ClosedRange<Bound>) -> Bound {
        self == .newestFirst ? range.upperBound : range.lowerBound
    }

    package func precedes<Position: Comparable>(_ one: Position, _ other: Position) -> Bool {
        self == .newestFirst ? one > other : one < other
    }
}

/// What ``Store/inspect(_:)`` hands over, when everything is projected.
public protocol InspectionSource: StoreSource {
    /// Visits every ledger entry of the subjects that belong to one of so many passes, by subject and
    /// sequence.
    func scanEntries(
        pass: Int64, of passes: Int64,
        _ visit: (_ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError)

    /// How many rows there are.
    func sizes() throws(StoreError) -> StoreSizes

    /// Every counter of the subjects that belong to one of so many passes.
    func counters(pass: Int64, of passes: Int64) throws(StoreError) -> [CounterKey: CounterState]
}

/// A subject as its row tells it.
public struct StoredSubject: Sendable {
    public var number: Int64
    /// Place of its first fact in the journal.
    public var firstSequence: Int64
    public var profile: Subject
    /// How many subjects are directly below it, by how many levels are below those.
    public var children: SIMD4<Int32>
    /// No reservation that counts on it expires before; `nil`: none is open.
    public var nextExpiry: Instant?
    /// Since when its plan has been as the profile says; `nil`: nobody knows.
    public var since: Instant?
    /// What was said of it before.
    public var past: SubjectPast
    /// When it got its first fact, and when it was written about last.
    public var times: Times
    /// It is no subject: its key means the one that stands as its parent; `nil`: it is one.
    public var alias: AliasKind?
    /// Other keys that mean it, sorted.
    public var aliases: [SubjectID]
    /// Numbers of the subjects that were merged into it, sorted.
    public var merged: [Int64]

    package init(
        number: Int64, firstSequence: Int64, profile: Subject, children: SIMD4<Int32> = .zero,
        nextExpiry: Instant? = nil, since: Instant? = nil, past: SubjectPast = SubjectPast(),
        times: Times = Times(), alias: AliasKind? = nil, aliases: [SubjectID] = [],
        merged: [Int64] = []
    ) {
        self.merged = merged
        self.alias = alias
        self.aliases = aliases
        self.times = times
        self.past = past
        self.number = number
        self.firstSequence = firstSequence
        self.profile = profile
        self.children = children
        self.nextExpiry = nextExpiry
        self.since = since
    }
}

extension StoredSubject {
    /// What the subject's windows are cut by.
    struct Calendar: Hashable {
        let zones: ZonesInTime
        let anchors: BillingAnchors
    }

    var calendar: Calendar {
        Calendar(zones: profile.zones, anchors: profile.anchors)
    }
}

/// Names one counter: a series, a subject, and where its window starts.
public struct CounterKey: Hashable, Sendable, Comparable {
    public var series: Int
    public var from: Instant
    public var subject: Int64

    package init(series: Int, from: Instant, subject: Int64) {
        self.series = series
        self.from = from
        self.subject = subject
    }

    public static func < (lhs: CounterKey, rhs: CounterKey) -> Bool {
        if lhs.series != rhs.series { return lhs.series < rhs.series }
        if lhs.from != rhs.from { return lhs.from < rhs.from }
        return lhs.subject < rhs.subject
    }
}

/// A counter as its row tells it.
public struct StoredCounter: Sendable {
    public var state: CounterState
    /// The last fact that the state includes.
    public var asOf: Int64

    package init(state: CounterState, asOf: Int64) {
        self.state = state
        self.asOf = asOf
    }
}

/// Where a fact is stored: facts about usage are kept by day, then subject, then sequence.
public struct EventLocation: Hashable, Comparable, Sendable {
    public var day: Int64
    public var subject: Int64
    public var sequence: Int64

    package init(day: Int64, subject: Int64, sequence: Int64) {
        self.day = day
        self.subject = subject
        self.sequence = sequence
    }

    public static func < (lhs: EventLocation, rhs: EventLocation) -> Bool {
        if lhs.day != rhs.day { return lhs.day < rhs.day }
        if lhs.subject != rhs.subject { return lhs.subject < rhs.subject }
        return lhs.sequence < rhs.sequence
    }
}

/// A rolling counter that was kept, as of a fact that is still stored.
public struct KnownRolling: Sendable {
    public var state: CounterState
    /// It answers for instants from here on.
    public var from: Instant
    /// Everything that was recorded of the subject since, by sequence.
    public var newer: [StoredFact]

    package init(state: CounterState, from: Instant, newer: [StoredFact]) {
        self.state = state
        self.from = from
        self.newer = newer
    }
}

/// One stored fact about a subject.
public struct StoredFact: Sendable {
    public var sequence: Int64
    public var body: [UInt8]

    package init(sequence: Int64, body: [UInt8]) {
        self.sequence = sequence
        self.body = body
    }
}

/// The first answer to a change that came with an idempotency key.
public struct ChangeReceiptRecord: Sendable {
    public var change: Change
    /// As of ``ChangeRequest/told``.
    public var told: String?
    public var outcome: ChangeOutcome
    /// What was changed, as JSON, as it stood afterwards; `nil` where it did not exist.
    public var after: String?

    package init(_ record: ChangeRecord) {
        change = record.asked
        told = record.told
        outcome = record.outcome
        after = record.after
    }

    /// Whether the same is asked again.
    func isOf(_ request: ChangeRequest) -> Bool {
        change == request.change
            || told != nil && told == request.told && change.key == request.change.key
                && change.kind == request.change.kind
    }
}

extension DecisionSource {
    /// The subject that a key means, as ``StoreView`` tells it for one that is asked about alone.
    package func meant(by id: SubjectID) throws(StoreError) -> StoredSubject? {
        var stored = try subject(id)
        var steps = 0
        while let alias = stored, alias.alias != nil, let key = alias.profile.parent, steps < 8 {
            stored = try subject(key)
            steps += 1
        }
        return stored?.alias == .erased ? nil : stored
    }

    public func corrections(of event: EventLocation) throws(StoreError) -> [StoredFact] {
        try facts(of: event.subject, days: event.day...event.day).filter {
            $0.sequence > event.sequence && $0.body.first == FactKind.correction.rawValue
        }
    }

    public func rolling(
        _ series: Int, of subject: Int64
    ) throws(StoreError) -> KnownRolling? { nil }
}

extension StoreSource {
    /// Some subjects with a key of their own that is greater than `after`, sorted by it.
    package func ownKeys(
        after id: SubjectID?, count: Int
    ) throws(StoreError) -> [StoredSubject] {
        var result: [StoredSubject] = []
        var last = id
        while result.count < count {
            let wanted = count - result.count
            let step = try subjects(after: last, count: wanted)
            result += step.filter { $0.alias == nil }
            guard step.count == wanted else { break }
            last = step.last?.profile.id
        }
        return result
    }

    public func counters(
        _ keys: [CounterKey]
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        var result: [CounterKey: StoredCounter] = [:]
        for key in keys {
            if let counter = try counter(key) { result[key] = counter }
        }
        return result
    }

    public func corrections(of events: [EventLocation]) throws(StoreError) -> [StoredFact] {
        var result: [StoredFact] = []
        for event in events { result += try corrections(of: event) }
        return result
    }

    public func prefetch(subjects numbers: some Collection<Int64>) throws(StoreError) {}

    public func quantityNames() throws(StoreError) -> [MeterKey]? { nil }

    public func snapshot() throws(StoreError) -> (text: String, sequence: Int64)? { nil }

    public func holds(_ cut: ReportCut) throws(StoreError) -> Bool { cut.snapshot == nil }

    /// Visits each subject's facts of each day together.
    package func forEachDay(
        within days: ClosedRange<Int64>,
        _ visit: (_ day: Int64, _ subject: Int64, _ facts: [StoredFact]) throws(StoreError) -> Void
    ) throws(StoreError) {
        var group: (day: Int64, subject: Int64)?
        var facts: [StoredFact] = []
        try scan(days: days) { (day, subject, fact) throws(StoreError) in
            if let known = group, known != (day, subject) {
                try visit(known.day, known.subject, facts)
                facts.removeAll(keepingCapacity: true)
            }
            group = (day, subject)
            facts.append(fact)
        }
        if let group { try visit(group.day, group.subject, facts) }
    }
}
