import MeterstoneAPI
package import MeterstoneCore
package import MeterstoneStore

/// What a page of facts comes to, as rows: each event as it stands after the page.
///
/// Facts say all of it: a correction has the event before and after, so nothing is looked up.
package struct PageRows {
    private let page: FactPage
    private let dialect: MirrorDialect
    private var calendar: MirrorCalendar
    private var events: [EventNow] = []
    /// Where an event of the page stands, by its sequence number.
    private var places: [Int64: Int] = [:]
    package private(set) var corrections: [[MirrorValue]] = []
    package private(set) var ledger: [[MirrorValue]] = []
    package private(set) var changes: [[MirrorValue]] = []

    /// An event as it counts now.
    private struct EventNow {
        let sequence: Int64
        let subject: Int64
        var record: UsageRecord
        var isVoided = false
        /// The last correction by somebody.
        var note: CorrectionRecord?
        /// Whether it was there before this page.
        var isKnown = false

        var counts: Bool { !isVoided && record.isCounted }
    }

    package init(_ page: FactPage, _ dialect: MirrorDialect) {
        self.page = page
        self.dialect = dialect
        calendar = MirrorCalendar(page, dialect)
        for fact in page.facts {
            switch fact.content {
            case .usage(let record):
                places[fact.sequence] = events.count
                events.append(
                    EventNow(sequence: fact.sequence, subject: fact.subject, record: record))
            case .correction(let correction): take(correction, fact)
            case .entry(let entry): ledger.append(row(of: entry, fact))
            case .change(let change): take(change)
            }
        }
    }

    private mutating func take(_ correction: CorrectionRecord, _ fact: FollowedFact) {
        corrections.append(row(of: correction, fact))
        var event = EventNow(
            sequence: correction.target, subject: fact.subject,
            record: correction.after ?? correction.before, isVoided: correction.after == nil,
            isKnown: true)
        if correction.kind.isOfSomebody { event.note = correction }
        guard let place = places[correction.target] else {
            places[correction.target] = events.count
            return events.append(event)
        }
        event.note = event.note ?? events[place].note
        event.isKnown = events[place].isKnown
        events[place] = event
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

    package var eventRows: [[MirrorValue]] { events.map(row) }

    /// Events that were there before, whose usage is written anew.
    package var rewritten: [MirrorValue] {
        events.filter(\.isKnown).map { .integer($0.sequence) }
    }

    package mutating func usageRows() -> [[MirrorValue]] {
        var rows: [[MirrorValue]] = []
        for event in events where event.counts {
            let record = event.record
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

    private func row(of event: EventNow) -> [MirrorValue] {
        let record = event.record
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
            record.reservation?.closedAt.map(instant) ?? .null, MirrorValue(event.counts),
            MirrorValue(event.isVoided), event.note.map { instant($0.recordedAt) } ?? .null,
            MirrorValue(event.note?.author), MirrorValue(event.note?.reason),
        ]
    }

    private func row(of correction: CorrectionRecord, _ fact: FollowedFact) -> [MirrorValue] {
        [
            .integer(fact.sequence), .integer(correction.target),
            .text("\(correction.before.id)"), name(of: fact.subject), .integer(fact.subject),
            .text(correction.kind.rawValue), .text(correction.author), .text(correction.reason),
            instant(correction.recordedAt), quantities(correction.before.quantities),
            correction.after.map { quantities($0.quantities) } ?? .null,
        ]
    }

    private func row(of entry: LedgerEntry, _ fact: FollowedFact) -> [MirrorValue] {
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

    private func instant(_ instant: Instant) -> MirrorValue { dialect.value(instant) }

    private func quantities(_ quantities: Quantities) -> MirrorValue {
        object(quantities.pairs) { pair, writer in
            writer.name(text: pair.name.text)
            writer.integer(pair.quantity.units)
        }
    }

    private func dimensions(_ dimensions: [Dimension]) -> MirrorValue {
        object(dimensions) { dimension, writer in
            writer.name(text: dimension.name)
            writer.string(dimension.value)
        }
    }

    private func overages(_ overages: [LimitOverage]) -> MirrorValue {
        object(overages) { overage, writer in
            writer.name(text: page.catalog.registry.limit(overage.limit)?.text ?? "")
            writer.integer(overage.units)
        }
    }

    private func numbers(_ numbers: [Int64]) -> MirrorValue {
        numbers.isEmpty ? .null : .text("[\(numbers.map(String.init).joined(separator: ","))]")
    }

    /// `NULL` where there is nothing to tell.
    private func object<Part>(
        _ parts: [Part], _ write: (Part, inout JSONWriter) -> Void
    ) -> MirrorValue {
        guard !parts.isEmpty else { return .null }
        var writer = JSONWriter()
        writer.beginObject()
        for part in parts { write(part, &writer) }
        writer.endObject()
        return .text(String(decoding: writer.bytes, as: UTF8.self))
    }
}

extension MirrorDialect {
    /// SQLite's own functions of dates write no `T` and no `Z`, and texts have to compare.
    package func value(_ instant: Instant) -> MirrorValue {
        let text = instant.rfc3339
        guard self == .sqlite else { return .text(text) }
        return .text(text.prefix(10) + " " + text.dropFirst(11).dropLast())
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
