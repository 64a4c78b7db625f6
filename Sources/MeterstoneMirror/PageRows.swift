import MeterstoneAPI
import MeterstoneCore
package import MeterstoneStore

/// What a page of facts comes to, as rows: each event as it stands after the page.
///
/// Facts say all of it: a correction has the event before and after, so nothing is looked up.
package struct PageRows {
    private let page: FactPage
    private var texts: RowTexts
    private var calendar: MirrorCalendar
    private var events: [EventNow] = []
    /// Where an event of the page stands, by its sequence number.
    private var places: [Int64: Int] = [:]
    package private(set) var corrections: [[MirrorValue]] = []
    package private(set) var ledger: [[MirrorValue]] = []
    package private(set) var changes: [[MirrorValue]] = []

    /// An event as it counts now: which fact of the page tells it. Facts are large, and are not copied.
    private struct EventNow {
        let sequence: Int64
        let subject: Int64
        /// Where the usage or the last correction stands in the page.
        var fact: Int
        /// Where the last correction by somebody stands.
        var note: Int?
        /// Whether it was there before this page.
        var isKnown = false
    }

    package init(_ page: FactPage, _ dialect: MirrorDialect) {
        self.page = page
        texts = RowTexts(dialect)
        calendar = MirrorCalendar(page, dialect)
        for (index, fact) in page.facts.enumerated() {
            switch fact.content {
            case .usage:
                places[fact.sequence] = events.count
                events.append(
                    EventNow(sequence: fact.sequence, subject: fact.subject, fact: index))
            case .correction(let correction): take(correction, fact, at: index)
            case .entry(let entry): ledger.append(row(of: entry, fact))
            case .change(let change): take(change)
            }
        }
    }

    private mutating func take(
        _ correction: CorrectionRecord, _ fact: FollowedFact, at index: Int
    ) {
        corrections.append(row(of: correction, fact))
        var event = EventNow(
            sequence: correction.target, subject: fact.subject, fact: index, isKnown: true)
        if correction.kind.isOfSomebody { event.note = index }
        guard let place = places[correction.target] else {
            places[correction.target] = events.count
            return events.append(event)
        }
        event.note = event.note ?? events[place].note
        event.isKnown = events[place].isKnown
        events[place] = event
    }

    private func correction(at index: Int) -> CorrectionRecord? {
        guard case .correction(let correction) = page.facts[index].content else { return nil }
        return correction
    }

    /// How an event counts, and whether it was voided.
    private func standing(_ event: EventNow) -> (record: UsageRecord, isVoided: Bool) {
        switch page.facts[event.fact].content {
        case .usage(let record): (record, false)
        case .correction(let correction):
            (correction.after ?? correction.before, correction.after == nil)
        case .entry, .change: preconditionFailure("no event is told by a fact of another kind")
        }
    }

    private mutating func take(_ change: ChangeRecord) {
        guard change.outcome.isChange else { return }
        changes.append([
            .integer(change.sequence), instant(change.recordedAt), .text(change.author),
            .text(change.kind), .text(change.key), MirrorValue(change.before),
            MirrorValue(change.after),
        ])
    }

    // MARK: Rows

    /// Visits the rows of the events and of their usage, some of them at a time: they take much more room than the
    /// facts that they come from.
    package mutating func forEachPart(
        _ write: (_ events: [[MirrorValue]], _ usage: [[MirrorValue]]) throws(StoreError) -> Void
    ) throws(StoreError) {
        for start in stride(from: 0, to: events.count, by: Self.eventsPerPart) {
            let part = events[start..<min(start + Self.eventsPerPart, events.count)]
            var rows: [[MirrorValue]] = []
            rows.reserveCapacity(part.count)
            for event in part { rows.append(row(of: event)) }
            try write(rows, usageRows(of: part))
        }
    }

    private static let eventsPerPart = 2_000

    /// Events that were there before, whose usage is written anew.
    package var rewritten: [MirrorValue] {
        events.filter(\.isKnown).map { .integer($0.sequence) }
    }

    private mutating func usageRows(of events: ArraySlice<EventNow>) -> [[MirrorValue]] {
        var rows: [[MirrorValue]] = []
        rows.reserveCapacity(events.count)
        for event in events {
            let (record, isVoided) = standing(event)
            guard !isVoided, record.isCounted else { continue }
            let movements = page.catalog.movements(
                of: record.event(subject: SubjectID(unchecked: "")))
            for movement in movements {
                let meter = movement.meter.meter
                for (level, number) in ([event.subject] + record.ancestors).enumerated() {
                    rows.append([
                        .integer(event.sequence), .text(meter.key.text), .integer(Int64(level)),
                        name(of: number), .integer(number), day(of: record.occurredAt, number),
                        instant(record.occurredAt),
                        .integer(record.occurredAt.millisecondsSince1970),
                        MirrorValue(record.details?.subtype),
                        .integer(meter.aggregation == .count ? 1 : movement.units),
                        MirrorValue(movement.distinctValue),
                    ])
                }
            }
        }
        return rows
    }

    private mutating func row(of event: EventNow) -> [MirrorValue] {
        let (record, isVoided) = standing(event)
        let note = event.note.flatMap { correction(at: $0) }
        let details = record.details ?? .none
        return [
            .integer(event.sequence), .text("\(record.id)"), MirrorValue(details.source),
            name(of: event.subject), .integer(event.subject), numbers(record.ancestors),
            MirrorValue(details.type), MirrorValue(details.subtype),
            .text(details.status.rawValue), instant(record.occurredAt),
            .integer(record.occurredAt.millisecondsSince1970), instant(record.recordedAt),
            MirrorValue(details.durationMilliseconds), MirrorValue(details.errorMessage),
            MirrorValue(details.project), MirrorValue(details.scene),
            MirrorValue(details.session), MirrorValue(details.cost?.billionths),
            MirrorValue(page.catalog.registry.plan(record.planNumber)?.text),
            MirrorValue(record.credits?.amount), quantities(record.quantities),
            dimensions(details.dimensions), MirrorValue(details.properties),
            overages(record.overages), MirrorValue(record.reservation?.status.rawValue),
            instant(record.reservation?.closedAt), MirrorValue(!isVoided && record.isCounted),
            MirrorValue(details.countsWhenAborted), MirrorValue(isVoided),
            instant(note?.recordedAt),
            MirrorValue(note?.author), MirrorValue(note?.reason),
        ]
    }

    private mutating func row(
        of correction: CorrectionRecord, _ fact: FollowedFact
    ) -> [MirrorValue] {
        [
            .integer(fact.sequence), .integer(correction.target),
            .text("\(correction.before.id)"), name(of: fact.subject), .integer(fact.subject),
            .text(correction.kind.rawValue), .text(correction.author), .text(correction.reason),
            instant(correction.recordedAt), quantities(correction.before.quantities),
            quantities(correction.after?.quantities ?? .none),
        ]
    }

    private mutating func row(of entry: LedgerEntry, _ fact: FollowedFact) -> [MirrorValue] {
        [
            .integer(fact.sequence), name(of: fact.subject), .integer(fact.subject),
            .text(entry.kind.name), .integer(entry.amount), .integer(entry.balanceAfter),
            .integer(entry.spent), .integer(entry.kind == .grant ? entry.amount : 0),
            MirrorValue(entry.grant?.source.rawValue), MirrorValue(entry.recurrence),
            MirrorValue(entry.reference), MirrorValue(entry.note), MirrorValue(entry.author),
            instant(entry.occurredAt), instant(entry.recordedAt),
        ]
    }

    // MARK: Values

    private func name(of number: Int64) -> MirrorValue {
        MirrorValue(page.subjects[number]?.profile.id.text)
    }

    private mutating func day(of instant: Instant, _ number: Int64) -> MirrorValue {
        .text(calendar.day(of: instant, inZoneOf: page.subjects[number]?.profile))
    }

    /// The days that usage falls on.
    package var dayRows: [[MirrorValue]] { calendar.rows }

    private mutating func instant(_ instant: Instant?) -> MirrorValue {
        instant.map { texts.value($0) } ?? .null
    }

    private mutating func quantities(_ quantities: Quantities) -> MirrorValue {
        texts.value(quantities)
    }

    private func dimensions(_ dimensions: [Dimension]) -> MirrorValue {
        RowTexts.object(dimensions) { dimension, writer in
            writer.name(text: dimension.name)
            writer.string(dimension.value)
        }
    }

    private func overages(_ overages: [LimitOverage]) -> MirrorValue {
        RowTexts.object(overages) { overage, writer in
            writer.name(text: page.catalog.registry.limit(overage.limit)?.text ?? "")
            writer.integer(overage.units)
        }
    }

    private func numbers(_ numbers: [Int64]) -> MirrorValue {
        numbers.isEmpty ? .null : .text("[\(numbers.map(String.init).joined(separator: ","))]")
    }
}

/// What a correction does to an event.
private enum CorrectionKind: String {
    case void, amend
    /// Of a reservation, by whoever has it or by time.
    case extend, settle, release, expire

    /// Whether somebody has put something right.
    var isOfSomebody: Bool { self == .void || self == .amend }
}

extension CorrectionRecord {
    fileprivate var kind: CorrectionKind {
        guard let after else { return .void }
        guard before.reservation?.status == .open else { return .amend }
        switch after.reservation?.status {
        case .open: return .extend
        case .settled: return .settle
        case .released: return .release
        case .expired: return .expire
        case nil: return .amend
        }
    }
}
