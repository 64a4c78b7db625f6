package import MeterstoneCore

/// A usage event as it is stored: the event, when it was recorded, and what was answered.
///
/// The encoding, version 1: kind byte, flags, `occurredAt`, then what the flags announce. Names are
/// numbers of the registry, subjects numbers of the store.
package struct UsageRecord: Sendable, Hashable {
    package var id: EventID
    package var occurredAt: Instant
    package var recordedAt: Instant
    /// When it occurred as it was told, where that was in a month that was closed; `nil`: at ``occurredAt``.
    package var toldAt: Instant?
    package var quantities: Quantities
    package var details: EventDetails?
    /// Teams above the subject when the event was recorded, the nearest first, and then the levels that it
    /// named beside them. It counts for them too.
    package var ancestors: [Int64]
    /// Whether an archive has what was told, and this is what is left of it.
    package var isArchived = false
    /// Whether this is what an archive left of it, also where the archive does not have it as it is now: another
    /// subject has it since.
    package var isWithoutTexts = false
    /// How many of ``ancestors``, the last ones, the event named itself.
    package var namedLevelCount = 0
    /// What a consume was answered. Of an event that was only recorded: which limits it reached.
    package var answers: [LimitAnswer]
    /// Whether ``answers`` are no answer that was given.
    package var isOnlyRecorded = false
    /// Whether the cost was computed, by the price of the model: nobody told it.
    package var isPriced = false
    /// Number, among the names, of the plan that applied when it was used; `nil`: none.
    package var planNumber: Int?
    /// What went beyond allowances that the subject itself has.
    package var overages: [LimitOverage] = []
    /// What a consume or a reservation cost in credits; `nil`: none.
    package var credits: CreditCharge?
    /// Boxed, since most events are none.
    private var reservationBox: ReservationBox?

    package init(
        id: EventID, occurredAt: Instant, recordedAt: Instant, quantities: Quantities,
        details: EventDetails?, ancestors: [Int64] = [], answers: [LimitAnswer] = [],
        planNumber: Int? = nil, overages: [LimitOverage] = []
    ) {
        self.id = id
        self.occurredAt = occurredAt
        self.recordedAt = recordedAt
        self.quantities = quantities
        self.details = details
        self.ancestors = ancestors
        self.answers = answers
        self.planNumber = planNumber
        self.overages = overages
    }

    /// Teams alone.
    package var teams: ArraySlice<Int64> { ancestors.dropLast(namedLevelCount) }

    /// The levels that the event named itself.
    package var namedLevels: ArraySlice<Int64> { ancestors.suffix(namedLevelCount) }

    /// Where it counts, if its own month was closed when it was told.
    package var adjustment: Adjustment? {
        toldAt.map { Adjustment(occurredAt: $0, countedAt: occurredAt) }
    }

    /// Whether it was told before its time.
    package var isAhead: Bool { occurredAt > recordedAt }

    /// What the event is as a reservation; `nil`: it never was one.
    package var reservation: ReservationRecord? {
        get { reservationBox?.record }
        set { reservationBox = newValue.map(ReservationBox.init) }
    }
}

/// Immutable; a class only to keep ``UsageRecord`` small.
private final class ReservationBox: Hashable, Sendable {
    let record: ReservationRecord

    init(_ record: ReservationRecord) {
        self.record = record
    }

    static func == (lhs: ReservationBox, rhs: ReservationBox) -> Bool {
        lhs === rhs || lhs.record == rhs.record
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(record.expiresAt)
    }
}

/// One limit in the answer to a consume, short enough to be kept with the event.
package struct LimitAnswer: Sendable, Hashable {
    package var limit: Int
    /// 0 for the subject, 1 for its parent, and so on.
    package var level: Int
    package var mode: LimitMode
    package var isExceeded: Bool
    /// As on the wire: −1 is unlimited.
    package var allowance: Int64
    package var used: Int64
    /// For limits that roll, whose windows no calendar knows: when the oldest usage leaves it.
    package var resetsAt: Instant?
    /// As of ``LimitStatus/isBeyondValues``.
    package var isBeyondValues: Bool

    package init(
        limit: Int, level: Int, mode: LimitMode, isExceeded: Bool, allowance: Int64, used: Int64,
        resetsAt: Instant? = nil, isBeyondValues: Bool = false
    ) {
        self.isBeyondValues = isBeyondValues
        self.limit = limit
        self.level = level
        self.mode = mode
        self.isExceeded = isExceeded
        self.allowance = allowance
        self.used = used
        self.resetsAt = resetsAt
    }
}

/// What one event used beyond the allowance of one limit.
package struct LimitOverage: Sendable, Hashable {
    package var limit: Int
    package var units: Int64

    package init(limit: Int, units: Int64) {
        self.limit = limit
        self.units = units
    }
}

/// What a stored fact is; the first byte of its encoding.
package enum FactKind: UInt8, Sendable {
    case usage = 1
    case correction = 2
    /// A team's pointer to the usage of one below it.
    case member = 3
    /// A subject's number and id, before its first fact.
    case subject = 4
    case change = 5
    /// A ledger entry.
    case entry = 6
    /// Before when no reservation of a subject expires.
    case expiry = 7
}

private enum Flags {
    static let uuid: UInt64 = 1
    static let details: UInt64 = 2
    static let ancestors: UInt64 = 4
    static let answers: UInt64 = 8
    static let recordedLater: UInt64 = 16
    static let reservation: UInt64 = 32
    static let credits: UInt64 = 64
    static let plan: UInt64 = 128
    static let overages: UInt64 = 256
    static let onlyRecorded: UInt64 = 512
    static let shortfall: UInt64 = 1 << 13
    static let priced: UInt64 = 1 << 17
    static let namedLevels: UInt64 = 1 << 18
    static let archived: UInt64 = 1 << 19
    static let withoutTexts: UInt64 = 1 << 20
    static let toldAt: UInt64 = 1 << 21
}

extension UsageRecord {
    static let ancestorsFlag = Flags.ancestors
    static let detailsFlag = Flags.details
    static let recordedLaterFlag = Flags.recordedLater
    static let reservationFlag = Flags.reservation
    static let uuidFlag = Flags.uuid

    /// Appends the record; `nameNumber` knows every name of `quantities`.
    package func write(to writer: inout ByteWriter, nameNumber: (MeterKey) -> Int) {
        writer.byte(FactKind.usage.rawValue)
        var flags: UInt64 = 0
        if id.isUUID { flags |= Flags.uuid }
        if details != nil { flags |= Flags.details }
        if !ancestors.isEmpty { flags |= Flags.ancestors }
        if !answers.isEmpty { flags |= Flags.answers }
        if recordedAt != occurredAt { flags |= Flags.recordedLater }
        let reservation = self.reservation
        if reservation != nil { flags |= Flags.reservation }
        if credits != nil { flags |= Flags.credits }
        let shortfall = credits?.shortfall ?? 0
        if shortfall != 0 { flags |= Flags.shortfall }
        if planNumber != nil { flags |= Flags.plan }
        if !overages.isEmpty { flags |= Flags.overages }
        if isOnlyRecorded { flags |= Flags.onlyRecorded }
        if isPriced { flags |= Flags.priced }
        if namedLevelCount > 0 { flags |= Flags.namedLevels }
        if isArchived { flags |= Flags.archived }
        if isWithoutTexts, !isArchived { flags |= Flags.withoutTexts }
        if toldAt != nil { flags |= Flags.toldAt }
        writer.unsigned(flags)
        writer.signed(occurredAt.millisecondsSince1970)
        if recordedAt != occurredAt {
            writer.signed(recordedAt.millisecondsSince1970 - occurredAt.millisecondsSince1970)
        }
        id.write(to: &writer)
        quantities.write(to: &writer, nameNumber: nameNumber)
        if !ancestors.isEmpty {
            writer.unsigned(UInt64(ancestors.count))
            for ancestor in ancestors { writer.unsigned(UInt64(bitPattern: ancestor)) }
        }
        if !answers.isEmpty {
            writer.unsigned(UInt64(answers.count))
            for answer in answers { answer.write(to: &writer) }
        }
        details?.write(to: &writer)
        if let credits {
            writer.signed(credits.amount)
            writer.signed(credits.balance)
        }
        if shortfall != 0 { writer.signed(shortfall) }
        reservation?.write(to: &writer, nameNumber: nameNumber)
        if let planNumber { writer.unsigned(UInt64(planNumber)) }
        if !overages.isEmpty {
            writer.unsigned(UInt64(overages.count))
            for overage in overages {
                writer.unsigned(UInt64(overage.limit))
                writer.signed(overage.units)
            }
        }
        if namedLevelCount > 0 { writer.unsigned(UInt64(namedLevelCount)) }
        if let toldAt { writer.signed(toldAt.millisecondsSince1970) }
    }

    /// Reads a record whose kind byte was read before.
    package init(_ reader: inout ByteReader, names: [MeterKey]) throws(MalformedRecord) {
        let flags = try reader.unsigned()
        let occurredAt = try reader.instant()
        let delay = flags & Flags.recordedLater == 0 ? 0 : try reader.signed()
        id = try Self.readID(&reader, flags)
        self.occurredAt = occurredAt
        recordedAt = Instant(
            millisecondsSince1970: occurredAt.millisecondsSince1970 &+ delay)
        guard recordedAt.hasText else { throw MalformedRecord() }
        quantities = try Quantities(&reader, names: names)
        ancestors = flags & Flags.ancestors == 0 ? [] : try Self.readAncestors(&reader)
        answers = []
        if flags & Flags.answers != 0 {
            for _ in 0..<(try reader.count()) { answers.append(try LimitAnswer(&reader)) }
        }
        details = flags & Flags.details == 0 ? nil : try EventDetails.read(&reader)
        if flags & Flags.credits != 0 {
            credits = CreditCharge(
                amount: try reader.signed(), balance: try reader.signed(),
                shortfall: flags & Flags.shortfall == 0 ? 0 : try reader.signed())
        }
        if flags & Flags.reservation != 0 {
            reservation = try ReservationRecord(&reader, names: names)
        }
        isOnlyRecorded = flags & Flags.onlyRecorded != 0
        isPriced = flags & Flags.priced != 0
        isArchived = flags & Flags.archived != 0
        isWithoutTexts = flags & (Flags.archived | Flags.withoutTexts) != 0
        if flags & Flags.plan != 0 { planNumber = try Self.readNumber(&reader) }
        if flags & Flags.overages != 0 {
            for _ in 0..<(try reader.count()) {
                let limit = try Self.readNumber(&reader)
                let overage = LimitOverage(limit: limit, units: try reader.signed())
                guard overage.units >= 0 else { throw MalformedRecord() }
                overages.append(overage)
            }
        }
        if flags & Flags.namedLevels != 0 {
            namedLevelCount = try Self.readNumber(&reader)
            guard namedLevelCount <= ancestors.count else { throw MalformedRecord() }
        }
        if flags & Flags.toldAt != 0 { toldAt = try reader.instant() }
    }

    /// Whether a fact is a usage of which an archive has what was told.
    package static func isArchived(_ body: some Collection<UInt8>) -> Bool {
        guard body.first == FactKind.usage.rawValue else { return false }
        var reader = ByteReader(Array(body.prefix(12)), from: 1)
        return (try? reader.unsigned()).map { $0 & Flags.archived != 0 } ?? false
    }

    /// Reads only which teams a usage or a correction counts for.
    static func ancestors(_ fact: Fact) throws(MalformedRecord) -> [Int64] {
        var reader = fact.reader
        if fact.kind == .correction {
            try CorrectionRecord.skipHead(&reader)
        }
        let flags = try skipToID(&reader)
        _ = try readID(&reader, flags)
        for _ in 0..<(try reader.count()) {
            _ = try reader.unsigned()
            _ = try reader.signed()
        }
        return flags & Flags.ancestors == 0 ? [] : try readAncestors(&reader)
    }

    /// Reads only what a usage is found by.
    package static func idAndSource(
        _ fact: Fact
    ) throws(MalformedRecord) -> (id: EventID, source: String?) {
        var reader = fact.reader
        let flags = try skipToID(&reader)
        let id = try readID(&reader, flags)
        return (id, flags & Flags.details == 0 ? nil : try source(fact))
    }

    private static func source(_ fact: Fact) throws(MalformedRecord) -> String? {
        var reader = fact.reader
        let flags = try skipToID(&reader)
        _ = try readID(&reader, flags)
        for _ in 0..<(try reader.count()) {
            _ = try reader.unsigned()
            _ = try reader.signed()
        }
        if flags & Flags.ancestors != 0 { _ = try readAncestors(&reader) }
        if flags & Flags.answers != 0 {
            for _ in 0..<(try reader.count()) { _ = try LimitAnswer(&reader) }
        }
        return try EventDetails.readSource(&reader)
    }

    private static func skipToID(_ reader: inout ByteReader) throws(MalformedRecord) -> UInt64 {
        let flags = try reader.unsigned()
        _ = try reader.signed()
        if flags & Flags.recordedLater != 0 { _ = try reader.signed() }
        return flags
    }

    private static func readNumber(_ reader: inout ByteReader) throws(MalformedRecord) -> Int {
        let number = try reader.unsigned()
        guard number <= UInt64(Int32.max) else { throw MalformedRecord() }
        return Int(number)
    }

    private static func readID(
        _ reader: inout ByteReader, _ flags: UInt64
    ) throws(MalformedRecord) -> EventID {
        try EventID(&reader, isUUID: flags & Flags.uuid != 0)
    }

    private static func readAncestors(
        _ reader: inout ByteReader
    ) throws(MalformedRecord) -> [Int64] {
        var result: [Int64] = []
        for _ in 0..<(try reader.count()) {
            result.append(Int64(bitPattern: try reader.unsigned()))
        }
        return result
    }
}

extension LimitAnswer {
    private static let modes: [LimitMode] = [.enforce, .soft, .shadow, .off]

    /// Added to the number of a limit whose answer says when it resets.
    private static let resets = 1 << 24
    /// Added to the number of a limit that had no counter for the value.
    private static let beyondValues = 1 << 25
    /// Times what of the level three bits do not hold.
    private static let levels = 1 << 26

    func write(to writer: inout ByteWriter) {
        let modeNumber = UInt64(Self.modes.firstIndex(of: mode) ?? 0)
        let number = UInt64(
            limit + (resetsAt == nil ? 0 : Self.resets) + (isBeyondValues ? Self.beyondValues : 0)
                + (level >> 3) * Self.levels)
        writer.unsigned(
            number << 6 | UInt64(level & 7) << 3 | modeNumber << 1 | (isExceeded ? 1 : 0))
        writer.signed(allowance)
        writer.signed(used)
        if let resetsAt { writer.signed(resetsAt.millisecondsSince1970) }
    }

    init(_ reader: inout ByteReader) throws(MalformedRecord) {
        let head = try reader.unsigned()
        let number = Int(head >> 6)
        self.init(
            limit: number % Self.resets,
            level: Int(head >> 3 & 7) | (number / Self.levels & 7) << 3,
            mode: Self.modes[Int(head >> 1 & 3)], isExceeded: head & 1 == 1,
            allowance: try reader.signed(), used: try reader.signed(),
            isBeyondValues: number & Self.beyondValues != 0)
        guard number & Self.resets != 0 else { return }
        resetsAt = Instant(millisecondsSince1970: try reader.signed())
    }
}
