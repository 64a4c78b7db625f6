package import MeterstoneCore

/// A fact about usage and where it is stored, be it a row or a place in a run.
package struct EventRow: Sendable {
    package var location: EventLocation
    package var body: [UInt8]

    package init(location: EventLocation, body: [UInt8]) {
        self.location = location
        self.body = body
    }
}

/// One row of `ledger_entries`.
package struct EntryRow: Sendable {
    package var subject: Int64
    package var sequence: Int64
    package var lookup: String?
    package var body: [UInt8]

    package init(subject: Int64, _ fact: StoredFact) throws(StoreError) {
        self.subject = subject
        sequence = fact.sequence
        lookup = try LedgerEntry(stored: fact.body).lookup
        body = fact.body
    }
}

extension Fact {
    /// The row that a fact about credits becomes; `nil`: it is about something else.
    package var entryRow: EntryRow? {
        get throws(StoreError) {
            guard kind == .entry else { return nil }
            return try EntryRow(
                subject: subject, StoredFact(sequence: sequence, body: Array(body)))
        }
    }

    /// The body of a team's row that points to the usage of one below it.
    package static func pointer(to member: Int64, day: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 8)
        writer.byte(FactKind.member.rawValue)
        writer.unsigned(UInt64(bitPattern: member))
        writer.signed(day)
        return writer.bytes
    }

    /// The rows that a fact about usage becomes: one for its subject, and for every team above one
    /// that points to it. A fact about anything else becomes none.
    package var rows: [EventRow] {
        guard let head = usageHead else { return [] }
        let day = head.occurredAt.utcDay
        let pointer = Self.pointer(to: subject, day: day)
        let own = EventRow(
            location: EventLocation(day: day, subject: subject, sequence: sequence),
            body: Array(body))
        return [own]
            + head.ancestors.map { ancestor in
                EventRow(
                    location: EventLocation(day: day, subject: ancestor, sequence: sequence),
                    body: pointer)
            }
    }

    /// When the usage occurred and which teams it counts for; `nil` for other facts.
    package var usageHead: (occurredAt: Instant, ancestors: [Int64])? {
        var reader = self.reader
        switch kind {
        case .usage:
            guard let flags = try? reader.unsigned(), let occurred = try? reader.signed() else {
                return nil
            }
            let occurredAt = Instant(millisecondsSince1970: occurred)
            guard flags & UsageRecord.ancestorsFlag != 0 else { return (occurredAt, []) }
            return (occurredAt, (try? UsageRecord.ancestors(self)) ?? [])
        case .correction:
            guard let occurred = try? reader.signed() else { return nil }
            return (
                Instant(millisecondsSince1970: occurred),
                (try? UsageRecord.ancestors(self)) ?? []
            )
        case .member, .subject, .change, .entry, .expiry: return nil
        }
    }
}

extension Fact {
    /// When the usage occurred that a body is about; `nil`: the body does not say so, as one that points
    /// to another does not.
    package static func occurredAt(_ bytes: [UInt8], from start: Int, to end: Int) -> Instant? {
        var reader = ByteReader(bytes, from: start, to: end)
        switch (try? reader.byte()).flatMap({ FactKind(rawValue: $0) }) {
        case .usage: guard (try? reader.unsigned()) != nil else { return nil }
        case .correction: break
        case .member, .subject, .change, .entry, .expiry, nil: return nil
        }
        return (try? reader.signed()).map { Instant(millisecondsSince1970: $0) }
    }
}

extension StoredFact {
    /// Where the fact stands that a team's row points to; `nil` when this is the fact itself.
    package var pointer: EventLocation? {
        get throws(MalformedRecord) {
            guard body.first == FactKind.member.rawValue else { return nil }
            var reader = ByteReader(body, from: 1)
            let member = Int64(bitPattern: try reader.unsigned())
            return EventLocation(day: try reader.signed(), subject: member, sequence: sequence)
        }
    }
}
