import MeterstoneCore

/// What a working set that plays a past finds stored: who the subjects are, and of their usage only
/// what it has counted itself.
///
/// A class because it changes while the working set that has it decides.
final class PastSource: DecisionSource {
    /// Subjects that are fetched at once, where each look-up has its price.
    private static let fetchedCount = 4_096

    private let source: any StoreSource
    private let events: PastEvents
    /// Whether somebody asks for what was counted: windows that roll, when an event comes late.
    private let remembers: Bool
    /// Places of events, by number of the subject or team that they count for.
    private var counted: [Int64: [Int]] = [:]
    /// Where the events of the family stand that is played.
    private var current = 0..<0
    /// Places of subjects, by family, and how many of them were fetched.
    private let places: [Int32]
    private var fetched = 0

    init(_ source: any StoreSource, _ events: PastEvents, remembers: Bool) {
        self.source = source
        self.events = events
        self.remembers = remembers
        let families = events.numbers.indices.map { events.family(of: Int32($0)) }
        places = families.indices.map { Int32($0) }
            .sorted { families[Int($0)] < families[Int($1)] }
    }

    /// Turns to the family whose events stand here.
    func turn(to range: Range<Int>) throws(StoreError) {
        current = range
        counted = [:]
        let family = events.entries[range.lowerBound].family
        guard fetched < places.count, events.family(of: places[fetched]) <= family else { return }
        var end = fetched
        while end < places.count,
            end - fetched < Self.fetchedCount || events.family(of: places[end]) <= family
        {
            end += 1
        }
        try source.prefetch(subjects: places[fetched..<end].map { events.numbers[Int($0)] })
        fetched = end
    }

    /// Notes that an event counts for a subject.
    func note(_ place: Int, for subject: Int64) {
        if remembers { counted[subject, default: []].append(place) }
    }

    /// Without what is not a limit, and without its team: each event brings its own.
    func subject(number: Int64) throws(StoreError) -> StoredSubject? {
        guard var stored = try source.subject(number: number) else { return nil }
        stored.profile.parent = nil
        stored.past = SubjectPast()
        stored.profile.blocked = false
        stored.profile.resets = [:]
        stored.nextExpiry = nil
        return stored
    }

    func subjectsWithReservations() -> [SubjectID] { [] }

    func facts(of subject: Int64, days: ClosedRange<Int64>) throws(StoreError) -> [StoredFact] {
        var result: [StoredFact] = []
        for place in counted[subject] ?? [] {
            let entry = events.entries[place]
            let day = try day(entry)
            guard days.contains(day) else { continue }
            let owner = events.numbers[Int(entry.subject)]
            result.append(
                StoredFact(
                    sequence: entry.sequence,
                    body: owner == subject
                        ? Array(events.body(entry)) : Fact.pointer(to: owner, day: day)))
        }
        return result
    }

    private func day(_ entry: PastEvents.Entry) throws(StoreError) -> Int64 {
        var reader = events.reader(entry)
        do throws(MalformedRecord) {
            _ = try reader.unsigned()
            return Instant(millisecondsSince1970: try reader.signed()).utcDay
        } catch {
            throw StoreError(code: .corrupt, message: "a usage event is unreadable")
        }
    }

    /// The event with this sequence number, of the family that is played.
    func body(at location: EventLocation) -> [UInt8]? {
        var (low, high) = (current.lowerBound, current.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if events.entries[middle].sequence < location.sequence {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < current.upperBound, events.entries[low].sequence == location.sequence else {
            return nil
        }
        return Array(events.body(events.entries[low]))
    }

    // MARK: What no rule asks for while it plays

    func subject(_ id: SubjectID) -> StoredSubject? { nil }
    func counter(_ key: CounterKey) -> StoredCounter? { nil }
    func counters(ofSeries series: Int, of subject: Int64) -> [CounterKey: StoredCounter] { [:] }
    func locations(of id: EventID, source: String?) -> [EventLocation] { [] }
    func entries(of subject: Int64, lookup: String) -> [StoredFact] { [] }
    func receipt(forIdempotencyKey key: String) -> ChangeReceiptRecord? { nil }
}
