package import MeterstoneCore

/// A ledger entry as it is stored, with the seal of the one before it for the same subject.
///
/// The seal of the entry is the SHA-256 of these bytes.
package struct LedgerRecord: Sendable, Hashable {
    package var entry: LedgerEntry
    package var previous: EntrySeal

    package init(_ entry: LedgerEntry, after previous: EntrySeal) {
        self.entry = entry
        self.previous = previous
    }

    package var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.byte(FactKind.entry.rawValue)
        for index in previous.words.indices { writer.fixed(previous.words[index]) }
        entry.write(to: &writer)
        return writer.bytes
    }

    /// Reads a record whose kind byte was read before.
    package init(_ reader: inout ByteReader) throws(MalformedRecord) {
        var words = SIMD4<UInt64>()
        for index in words.indices { words[index] = try reader.fixed() }
        previous = EntrySeal(words: words)
        entry = try LedgerEntry(&reader)
    }

    package init(body: [UInt8]) throws(MalformedRecord) {
        var reader = ByteReader(body)
        guard try reader.byte() == FactKind.entry.rawValue else { throw MalformedRecord() }
        self = try LedgerRecord(&reader)
    }
}

private enum Flags {
    static let occurredBefore: UInt64 = 1
    static let reference: UInt64 = 1 << 1
    static let note: UInt64 = 1 << 2
    static let author: UInt64 = 1 << 3
    static let grant: UInt64 = 1 << 4
    static let recurrence: UInt64 = 1 << 5
    static let windowUntil: UInt64 = 1 << 6
    /// The reference is the id of an event that has sixteen bytes.
    static let uuid: UInt64 = 1 << 7
    static let rolloverMax: UInt64 = 1 << 8
    /// Allocations of grants that roll over.
    static let rollovers: UInt64 = 1 << 9
    static let shortfall: UInt64 = 1 << 10
}

extension LedgerEntry {
    /// What it is looked up by: a grant by its id, everything else by its reference.
    package var lookup: String? {
        if let grant { return Self.lookup(of: grant.id) }
        return reference.map(Self.lookup(reference:))
    }

    package static func lookup(of grant: GrantID) -> String { "grant:\(grant.text)" }
    package static func lookup(reference: String) -> String { "reference:\(reference)" }

    fileprivate func write(to writer: inout ByteWriter) {
        var flags: UInt64 = 0
        if occurredAt != recordedAt { flags |= Flags.occurredBefore }
        let id = reference.flatMap { EventID($0) }.flatMap { $0.isUUID ? $0 : nil }
        if id != nil { flags |= Flags.uuid } else if reference != nil { flags |= Flags.reference }
        if note != nil { flags |= Flags.note }
        if author != nil { flags |= Flags.author }
        if grant != nil { flags |= Flags.grant }
        if recurrence != nil { flags |= Flags.recurrence }
        if windowUntil != nil { flags |= Flags.windowUntil }
        if rolloverMax != nil { flags |= Flags.rolloverMax }
        let hasRollovers = allocations.contains { $0.rollover != nil }
        if hasRollovers { flags |= Flags.rollovers }
        if shortfall != 0 { flags |= Flags.shortfall }
        writer.byte(kind.rawValue)
        writer.unsigned(flags)
        writer.signed(recordedAt.millisecondsSince1970)
        if occurredAt != recordedAt { writer.signed(occurredAt.millisecondsSince1970) }
        for number in [amount, balanceAfter, grantNumber, overdrawn, hold, spent, windows] {
            writer.signed(number)
        }
        if let id { id.write(to: &writer) } else if let reference { writer.text(reference) }
        for text in [note, author, recurrence] {
            if let text { writer.text(text) }
        }
        if let windowUntil { writer.signed(windowUntil.millisecondsSince1970) }
        allocations.write(to: &writer)
        grant?.write(to: &writer)
        if let rolloverMax { writer.signed(rolloverMax) }
        if hasRollovers { allocations.writeRollovers(to: &writer) }
        if shortfall != 0 { writer.signed(shortfall) }
    }

    fileprivate init(_ reader: inout ByteReader) throws(MalformedRecord) {
        guard let kind = Kind(rawValue: try reader.byte()) else { throw MalformedRecord() }
        let flags = try reader.unsigned()
        let recordedAt = Instant(millisecondsSince1970: try reader.signed())
        let occurredAt =
            flags & Flags.occurredBefore == 0
            ? recordedAt : Instant(millisecondsSince1970: try reader.signed())
        self.init(
            kind: kind, amount: try reader.signed(), balanceAfter: try reader.signed(),
            recordedAt: recordedAt, occurredAt: occurredAt)
        grantNumber = try reader.signed()
        overdrawn = try reader.signed()
        hold = try reader.signed()
        spent = try reader.signed()
        windows = try reader.signed()
        if flags & Flags.uuid != 0 {
            reference = try EventID(&reader, isUUID: true).text
        }
        if flags & Flags.reference != 0 { reference = try reader.text() }
        if flags & Flags.note != 0 { note = try reader.text() }
        if flags & Flags.author != 0 { author = try reader.text() }
        if flags & Flags.recurrence != 0 { recurrence = try reader.text() }
        if flags & Flags.windowUntil != 0 {
            windowUntil = Instant(millisecondsSince1970: try reader.signed())
        }
        allocations = try [CreditAllocation](&reader)
        if flags & Flags.grant != 0 { grant = try CreditGrant(&reader) }
        if flags & Flags.rolloverMax != 0 { rolloverMax = try reader.signed() }
        if flags & Flags.rollovers != 0 { try allocations.readRollovers(&reader) }
        if flags & Flags.shortfall != 0 { shortfall = try reader.signed() }
        guard isWithinRange else { throw MalformedRecord() }
    }
}

extension [CreditAllocation] {
    func write(to writer: inout ByteWriter) {
        writer.unsigned(UInt64(count))
        for allocation in self {
            writer.signed(allocation.grant)
            writer.signed(allocation.units)
            writer.signed(Int64(allocation.priority))
            writer.optional(allocation.expiresAt)
        }
    }

    init(_ reader: inout ByteReader) throws(MalformedRecord) {
        self = []
        for _ in 0..<(try reader.count()) {
            append(
                CreditAllocation(
                    grant: try reader.signed(), units: try reader.signed(),
                    priority: try reader.priority(), expiresAt: try reader.optionalInstant()))
        }
    }

    fileprivate func writeRollovers(to writer: inout ByteWriter) {
        for allocation in self {
            writer.byte(allocation.rollover == nil ? 0 : 1)
            guard let rollover = allocation.rollover else { continue }
            writer.text(rollover.recurrence)
            writer.signed(rollover.most)
        }
    }

    fileprivate mutating func readRollovers(_ reader: inout ByteReader) throws(MalformedRecord) {
        for index in indices where try reader.byte() != 0 {
            self[index].rollover = Rollover(
                recurrence: try reader.text(), most: try reader.signed())
        }
    }
}

extension CreditGrant {
    func write(to writer: inout ByteWriter) {
        writer.text(id.text)
        writer.signed(amount)
        writer.signed(Int64(priority))
        writer.signed(effectiveAt.millisecondsSince1970)
        writer.optional(expiresAt)
        writer.text(source.rawValue)
        writer.byte(reference == nil ? 0 : 1)
        if let reference { writer.text(reference) }
        writer.unsigned(UInt64(metadata.count))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            writer.text(key)
            writer.text(value)
        }
    }

    init(_ reader: inout ByteReader) throws(MalformedRecord) {
        guard let id = GrantID(try reader.text()) else { throw MalformedRecord() }
        let amount = try reader.signed()
        let priority = try reader.priority()
        let effectiveAt = Instant(millisecondsSince1970: try reader.signed())
        let expiresAt = try reader.optionalInstant()
        guard let source = CreditSource(rawValue: try reader.text()) else {
            throw MalformedRecord()
        }
        let reference = try reader.byte() == 0 ? nil : try reader.text()
        var metadata: [String: String] = [:]
        for _ in 0..<(try reader.count()) {
            let key = try reader.text()
            metadata[key] = try reader.text()
        }
        self.init(
            id: id, amount: amount, priority: priority, effectiveAt: effectiveAt,
            expiresAt: expiresAt, source: source, reference: reference, metadata: metadata)
    }
}

extension ByteWriter {
    mutating func optional(_ instant: Instant?) {
        byte(instant == nil ? 0 : 1)
        if let instant { signed(instant.millisecondsSince1970) }
    }
}

extension ByteReader {
    mutating func optionalInstant() throws(MalformedRecord) -> Instant? {
        try byte() == 0 ? nil : Instant(millisecondsSince1970: try signed())
    }

    mutating func priority() throws(MalformedRecord) -> Int {
        let number = try signed()
        guard CreditGrant.priorityRange.contains(Int(clamping: number)) else {
            throw MalformedRecord()
        }
        return Int(number)
    }
}
