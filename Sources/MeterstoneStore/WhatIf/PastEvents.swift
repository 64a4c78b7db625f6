import MeterstoneCore

/// Usage events of a past as they count now, in few bytes each, so that millions can be put into the
/// order in which they were recorded.
///
/// Subjects that share a team, by any of the events, are a family: no event concerns two of them. A
/// class because it is filled from within a scan; confined to one question.
final class PastEvents {
    /// Bytes that are taken from the budget at a time.
    private static let bytesPerStep = 1 << 24
    /// An event that is longer is kept without what no rule looks at.
    private static let wholeBytesMax = 192

    struct Entry {
        let sequence: Int64
        let start: Int
        /// 0: it does not count any more.
        var length: Int32
        /// Place of the subject in ``numbers``.
        let subject: Int32
        /// Place of the subject that stands for its family.
        var family: Int32
    }

    private let names: [MeterKey]
    private let numberOfName: [MeterKey: Int]
    private let now: Instant
    /// By number of a name: whether a meter in question reads a quantity of that name.
    private let isAskedAbout: [Bool]
    /// Whether a meter in question is moved by types of events, or by what they cost.
    private let areTypesAskedAbout: Bool
    private let question: WindowSpan
    private let countMax: Int
    private let budget: MemoryBudget
    /// Bytes taken from the budget.
    private var taken = 0
    private let head: Int64

    private(set) var bytes: [UInt8] = []
    private(set) var entries: [Entry] = []
    /// Subjects and teams, by place.
    private(set) var numbers: [Int64] = []
    private var places: [Int64: Int32] = [:]
    /// Of each place, one that stands for it; itself, when it stands for its family.
    private var standsFor: [Int32] = []
    /// The last event to be decided, in the order of recording; 0: there is none.
    private(set) var lastDecided: Int64 = 0
    private var group = Group()

    /// Facts of one subject and day, which come together.
    private struct Group {
        var day: Int64 = .min
        var subject: Int64 = 0
        var start = 0
        var place: Int32?
        /// Where events stand, by sequence number; made when one is corrected.
        var index: [Int64: Int]?
    }

    /// - Parameters:
    ///   - question: the span in which events are decided.
    ///   - meters: those in question; what moves none of them is left out.
    ///   - head: the last fact that is looked at; those after it may bear names that are not known.
    ///   - now: reservations that have expired by then do not count as open.
    init(
        question: WindowSpan, meters: [Meter], names: [MeterKey], head: Int64, now: Instant,
        countMax: Int, budget: MemoryBudget
    ) {
        self.head = head
        self.budget = budget
        self.question = question
        self.countMax = countMax
        self.names = names
        self.now = now
        numberOfName = Dictionary(
            names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let asked = Set(meters.flatMap { [$0.key] + $0.furtherQuantities })
        isAskedAbout = names.map { asked.contains($0) }
        areTypesAskedAbout = meters.contains {
            !$0.eventTypes.isEmpty || !$0.aliases.isEmpty || $0.counts == .cost
        }
    }

    deinit { budget.giveBack(taken) }

    /// Whether there are more than one question may need.
    var isFull: Bool { entries.count > countMax || bytes.count > budget.bytes }

    /// Takes what has been gathered from the budget; fails when others have too much of it.
    private func account() throws(StoreError) {
        guard !isFull else { throw StoreError(code: .misuse, message: "expected a shorter span") }
        while bytes.count > taken {
            let step = min(Self.bytesPerStep, budget.bytes - taken)
            guard budget.take(step) else {
                throw StoreError(
                    code: .overloaded,
                    message: "other questions take the memory that there is; try again shortly")
            }
            taken += step
        }
    }

    func body(_ entry: Entry) -> ArraySlice<UInt8> {
        bytes[entry.start..<entry.start + Int(entry.length)]
    }

    /// A reader of an event that stands after its kind byte.
    func reader(_ entry: Entry) -> ByteReader {
        ByteReader(bytes, from: entry.start + 1, to: entry.start + Int(entry.length))
    }

    // MARK: Gathering

    /// Takes in what occurred in a span and was recorded before a fact. Fails with `misuse` as soon
    /// as there is too much.
    func gather(
        _ source: any StoreSource, over span: WindowSpan, before bound: Int64 = .max
    ) throws(StoreError) {
        guard span.from < span.until else { return }
        group = Group()
        try source.scan(days: span.utcDays) { (day, subject, fact) throws(StoreError) in
            guard fact.sequence <= head else { return }
            if day != group.day || subject != group.subject {
                group = Group(day: day, subject: subject, start: entries.count)
            }
            do throws(MalformedRecord) {
                try add(fact, span, before: bound)
            } catch {
                throw StoreError(
                    code: .corrupt, message: "the fact with sequence \(fact.sequence) is unreadable"
                )
            }
            try account()
        }
    }

    private func add(
        _ fact: StoredFact, _ span: WindowSpan, before bound: Int64
    ) throws(MalformedRecord) {
        var reader = ByteReader(fact.body)
        switch FactKind(rawValue: try reader.byte()) {
        case .usage:
            guard fact.sequence < bound else { return }
            try keep(fact.body, from: 0, &reader, fact.sequence, span)
        case .correction:
            let (target, isVoid) = try CorrectionRecord.skim(&reader, names: names)
            drop(target)
            guard !isVoid, target < bound else { return }
            let start = reader.position
            _ = try reader.byte()
            try keep(fact.body, from: start, &reader, target, span)
        case .member: return
        default: throw MalformedRecord()
        }
    }

    private func keep(
        _ body: [UInt8], from start: Int, _ reader: inout ByteReader, _ sequence: Int64,
        _ span: WindowSpan
    ) throws(MalformedRecord) {
        let head = try UsageRecord.skim(&reader, isAskedAbout)
        guard span.contains(head.occurredAt),
            head.namesQuantity || (areTypesAskedAbout && head.hasDetails)
        else { return }
        let place = group.place ?? self.place(of: group.subject)
        group.place = place
        let first = bytes.count
        if head.isReservation || body.count - start > Self.wholeBytesMax {
            guard let short = try shortened(body, from: start) else { return }
            bytes += short
        } else {
            bytes += body[start...]
        }
        if question.contains(head.occurredAt) { lastDecided = max(lastDecided, sequence) }
        group.index?[sequence] = entries.count
        entries.append(
            Entry(
                sequence: sequence, start: first, length: Int32(bytes.count - first),
                subject: place, family: place))
        for ancestor in head.ancestors { join(place, self.place(of: ancestor)) }
    }

    /// Takes an event of the group back.
    private func drop(_ sequence: Int64) {
        if group.index == nil {
            group.index = [:]
            for place in group.start..<entries.count {
                group.index?[entries[place].sequence] = place
            }
        }
        if let place = group.index?.removeValue(forKey: sequence) { entries[place].length = 0 }
    }

    /// The event without what no rule looks at; `nil` when it does not count.
    private func shortened(
        _ body: [UInt8], from start: Int
    ) throws(MalformedRecord) -> [UInt8]? {
        var reader = ByteReader(body, from: start + 1)
        guard var record = try UsageRecord(&reader, names: names).counting(at: now) else {
            return nil
        }
        record.details = record.details.map { details in
            EventDetails(
                source: details.source, type: details.type, subtype: nil, status: details.status,
                durationMilliseconds: nil, errorMessage: nil, cost: details.cost,
                project: details.project, scene: nil, session: details.session,
                dimensions: details.dimensions, properties: nil, levels: [],
                countsWhenAborted: details.countsWhenAborted)
        }
        record.answers = []
        record.overages = []
        record.credits = nil
        record.reservation = nil
        var writer = ByteWriter(capacity: 64)
        record.write(to: &writer) { numberOfName[$0] ?? 0 }
        return writer.bytes
    }

    // MARK: Families

    private func place(of number: Int64) -> Int32 {
        if let known = places[number] { return known }
        let place = Int32(numbers.count)
        places[number] = place
        numbers.append(number)
        standsFor.append(place)
        return place
    }

    /// The place that stands for the family of another.
    func family(of place: Int32) -> Int32 {
        var place = place
        while standsFor[Int(place)] != place {
            standsFor[Int(place)] = standsFor[Int(standsFor[Int(place)])]
            place = standsFor[Int(place)]
        }
        return place
    }

    private func join(_ one: Int32, _ other: Int32) {
        standsFor[Int(family(of: one))] = family(of: other)
    }

    /// Puts what counts into order: families one after the other, each in the order of recording.
    func finish() {
        entries.removeAll { $0.length == 0 }
        for index in entries.indices { entries[index].family = family(of: entries[index].subject) }
        entries.sort { ($0.family, $0.sequence) < ($1.family, $1.sequence) }
    }
}

extension UsageRecord {
    /// As it counts at an instant, when what has expired by then may not be written down yet; `nil`:
    /// not at all.
    fileprivate func counting(at now: Instant) -> UsageRecord? {
        guard let reservation else { return self }
        guard reservation.isCounted else { return nil }
        guard reservation.status == .open, reservation.expiresAt <= now else { return self }
        switch reservation.terms.onExpiry {
        case .release: return nil
        case .charge: return self
        case .chargeReported:
            guard let reported = reservation.reported else { return nil }
            var result = self
            let nothing = quantities.pairs.map { NamedQuantity(name: $0.name, quantity: .zero) }
            result.quantities = Quantities(nothing).replacing(with: reported)
            return result
        }
    }
}
