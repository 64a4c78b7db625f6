import MeterstoneCore
import MeterstoneStore

/// What a transaction has loaded so far, for the working set to decide with.
///
/// Rows are loaded for a whole batch at a time. A command that asks for one that was not loaded gets an
/// answer that does for going on, and the question is written down: the transaction loads what was asked
/// for, and the batch is decided anew with a fresh working set. What a pass with open questions decided
/// is thrown away. A batch takes two or three passes, whatever its size.
final class LoadedSource: DecisionSource {
    /// Questions of one pass, each once.
    struct Questions {
        var subjects: Set<SubjectID> = []
        var subjectNumbers: Set<Int64> = []
        var counters: Set<CounterKey> = []
        var series: Set<SeriesKey> = []
        var bodies: Set<EventLocation> = []
        var facts: Set<FactsKey> = []
        var corrections: Set<EventLocation> = []
        var newer: Set<NewerKey> = []
        var identities: Set<[UInt8]> = []
        var receipts: Set<String> = []
        var entries: Set<EntriesKey> = []
        var areReservationsAsked = false

        var isEmpty: Bool {
            subjects.isEmpty && subjectNumbers.isEmpty && counters.isEmpty && bodies.isEmpty
                && facts.isEmpty && corrections.isEmpty && identities.isEmpty && receipts.isEmpty
                && entries.isEmpty && newer.isEmpty && series.isEmpty && !areReservationsAsked
        }
    }

    struct FactsKey: Hashable {
        var subject: Int64
        var days: ClosedRange<Int64>

        /// Whether everything is asked for that there is of the subject.
        var isWhole: Bool { days == WindowSpan.lifetime.utcDays }
    }

    struct SeriesKey: Hashable {
        var series: Int
        var subject: Int64
    }

    struct EntriesKey: Hashable {
        var subject: Int64
        var lookup: String
    }

    /// The answer to a question that a pass cannot go on without.
    static let notLoaded = StoreError(code: .misuse, message: "the row was not loaded")

    private(set) var questions = Questions()
    /// What rolling counters held before, and what is new since.
    let rollings: RollingCache
    private(set) var newer: [Int64: [(key: NewerKey, facts: [StoredFact])]] = [:]
    /// The last fact of each subject of which facts were loaded.
    private(set) var lastFacts: [Int64: Int64] = [:]
    private var subjects: [SubjectID: StoredSubject?] = [:]
    private var subjectNumbers: [Int64: SubjectID] = [:]
    private var counters: [CounterKey: StoredCounter?] = [:]
    /// Where rows of counters stand in their table, for this transaction.
    private(set) var places: [CounterKey: [UInt8]] = [:]
    private var series: [SeriesKey: [CounterKey: StoredCounter]] = [:]
    private var bodies: [EventLocation: [UInt8]?] = [:]
    private var facts: [FactsKey: [StoredFact]] = [:]
    private var corrections: [EventLocation: [StoredFact]] = [:]
    private var locations: [[UInt8]: EventLocation?] = [:]
    private var receipts: [String: ChangeReceiptRecord?] = [:]
    private var entries: [EntriesKey: [StoredFact]] = [:]
    private var reserving: [SubjectID]?

    init(rollings: RollingCache = RollingCache()) {
        self.rollings = rollings
    }

    /// What was asked since the last time, and these counters.
    func takeQuestions(adding counters: Set<CounterKey> = []) -> Questions {
        defer { questions = Questions() }
        questions.counters.formUnion(counters)
        return questions
    }

    /// Decides some things in their order, with as many passes as it takes to have loaded everything that
    /// they ask for.
    ///
    /// - Parameters:
    ///   - make: a fresh working set, which decides with this source.
    ///   - keys: counters that will be asked for, as far as that can be told before.
    ///   - answer: loads what was asked for.
    func passes<Asked, Answer>(
        over asked: [Asked], with make: () -> WorkingSet,
        expecting keys: (WorkingSet) -> Set<CounterKey>, loading answer: (Questions) throws -> Void,
        _ decide: (WorkingSet, Asked) throws(StoreError) -> Answer
    ) throws -> (WorkingSet, [Answer]) {
        for pass in 0..<Self.passesMax {
            let workingSet = make()
            if pass == 0 {
                // Most batches ask for nothing else.
                let keys = keys(workingSet)
                expectRolling(of: Set(keys.map(\.subject)))
                try answer(takeQuestions(adding: keys))
            }
            var answers: [Answer] = []
            answers.reserveCapacity(asked.count)
            var failure: StoreError?
            for one in asked {
                do throws(StoreError) {
                    answers.append(try decide(workingSet, one))
                } catch {
                    failure = failure ?? error
                }
            }
            let questions = takeQuestions()
            if questions.isEmpty {
                if let failure { throw failure }
                return (workingSet, answers)
            }
            try answer(questions)
        }
        throw StoreError(code: .misuse, message: "a batch asked for ever more rows")
    }

    /// A question leads to another only when a chain of things refer to each other.
    private static let passesMax = 64

    // MARK: What was loaded

    func load(_ subject: StoredSubject?, id: SubjectID) {
        subjects[id] = .some(subject)
        if let subject { subjectNumbers[subject.number] = id }
    }

    func load(_ counter: StoredCounter?, _ key: CounterKey, place: [UInt8]? = nil) {
        counters[key] = .some(counter)
        places[key] = place
    }

    func load(_ counters: [CounterKey: StoredCounter], _ key: SeriesKey) {
        series[key] = counters
    }

    func load(_ location: EventLocation?, identity: [UInt8]) {
        locations[identity] = .some(location)
    }

    func load(_ body: [UInt8]?, at location: EventLocation) {
        bodies[location] = .some(body)
    }

    func load(_ facts: [StoredFact], _ key: FactsKey) {
        self.facts[key] = facts
        noteLast(facts, of: key.subject)
    }

    func load(_ corrections: [StoredFact], of event: EventLocation) {
        self.corrections[event] = corrections
    }

    func load(_ facts: [StoredFact], _ key: NewerKey) {
        newer[key.subject, default: []].append((key, facts))
        noteLast(facts, of: key.subject)
    }

    private func noteLast(_ facts: [StoredFact], of subject: Int64) {
        guard let last = facts.map(\.sequence).max() else { return }
        lastFacts[subject] = max(lastFacts[subject] ?? 0, last)
    }

    func load(_ entries: [StoredFact], _ key: EntriesKey) {
        self.entries[key] = entries
    }

    func load(reserving subjects: [SubjectID]) {
        reserving = subjects
    }

    func load(_ receipt: ChangeReceiptRecord?, idempotencyKey: String) {
        receipts[idempotencyKey] = .some(receipt)
    }

    /// Where the event with an identity stood when it was looked for.
    func knownLocation(_ identity: [UInt8]) -> EventLocation? {
        locations[identity] ?? nil
    }

    // MARK: Questions

    /// The number that the row with an id has, as it was loaded; `nil`: none.
    func number(of id: SubjectID) -> Int64? { subjects[id].flatMap { $0?.number } }

    func subject(_ id: SubjectID) throws(StoreError) -> StoredSubject? {
        if let known = subjects[id] { return known }
        questions.subjects.insert(id)
        throw Self.notLoaded
    }

    func subject(number: Int64) throws(StoreError) -> StoredSubject? {
        if let id = subjectNumbers[number] { return try subject(id) }
        questions.subjectNumbers.insert(number)
        throw Self.notLoaded
    }

    func counter(_ key: CounterKey) -> StoredCounter? {
        if let known = counters[key] { return known }
        questions.counters.insert(key)
        // Nothing at all would send the caller through the events.
        return StoredCounter(state: .empty, asOf: 0)
    }

    func counters(
        ofSeries number: Int, of subject: Int64
    ) throws(StoreError) -> [CounterKey: StoredCounter] {
        let key = SeriesKey(series: number, subject: subject)
        if let known = series[key] { return known }
        questions.series.insert(key)
        throw Self.notLoaded
    }

    func locations(of id: EventID, source: String?) throws(StoreError) -> [EventLocation] {
        let identity = id.identity(source: source)
        if let known = locations[identity] { return known.map { [$0] } ?? [] }
        questions.identities.insert(identity)
        throw Self.notLoaded
    }

    func body(at location: EventLocation) throws(StoreError) -> [UInt8]? {
        if let known = bodies[location] { return known }
        questions.bodies.insert(location)
        throw Self.notLoaded
    }

    func facts(of subject: Int64, days: ClosedRange<Int64>) -> [StoredFact] {
        let key = FactsKey(subject: subject, days: days)
        if let known = facts[key] { return known }
        questions.facts.insert(key)
        return []
    }

    func corrections(of event: EventLocation) throws(StoreError) -> [StoredFact] {
        if let known = corrections[event] { return known }
        questions.corrections.insert(event)
        throw Self.notLoaded
    }

    func ask(_ key: NewerKey) {
        questions.newer.insert(key)
    }

    func receipt(forIdempotencyKey key: String) throws(StoreError) -> ChangeReceiptRecord? {
        if let known = receipts[key] { return known }
        questions.receipts.insert(key)
        throw Self.notLoaded
    }

    func entries(of subject: Int64, lookup: String) throws(StoreError) -> [StoredFact] {
        let key = EntriesKey(subject: subject, lookup: lookup)
        if let known = entries[key] { return known }
        questions.entries.insert(key)
        throw Self.notLoaded
    }

    func subjectsWithReservations() throws(StoreError) -> [SubjectID] {
        if let reserving { return reserving }
        questions.areReservationsAsked = true
        throw Self.notLoaded
    }

    /// Everything that is committed stands in the tables.
    func watermark() -> Int64 { .max }
}
