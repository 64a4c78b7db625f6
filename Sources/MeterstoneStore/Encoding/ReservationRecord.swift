package import MeterstoneCore

/// What is stored with a usage event that is, or was, a reservation.
package struct ReservationRecord: Sendable, Hashable {
    package var terms: ReservationTerms
    package var expiresAt: Instant
    package var status = ReservationStatus.open
    package var reported: Quantities?
    /// Units that credits were held for, by meter.
    package var payable: Quantities = .none
    package var closedAt: Instant?
    /// What the caller said was used, which a cap may have cut.
    package var asked: Quantities?
    /// A fingerprint of what was told of the operation when it was closed, which may be amended since.
    package var toldAtEnd: UInt64 = 0
    /// What settling was answered.
    package var answers: [LimitAnswer] = []

    package init(
        terms: ReservationTerms, expiresAt: Instant, payable: Quantities = .none
    ) {
        self.terms = terms
        self.expiresAt = expiresAt
        self.payable = payable
    }

    /// Whether the event counts for anything.
    package var isCounted: Bool {
        switch status {
        case .open, .settled: true
        case .released: false
        case .expired:
            switch terms.onExpiry {
            case .charge: true
            case .release: false
            case .chargeReported: reported != nil
            }
        }
    }
}

extension ReservationRecord {
    private static let statuses: [ReservationStatus] = [.open, .settled, .released, .expired]
    private static let expiryPolicies: [ExpiryPolicy] = [.release, .charge, .chargeReported]

    private static let abortPolicies: [AbortPolicy] = [.nothing, .told, .reserved]

    private enum Flags {
        static let cap: UInt64 = 1
        static let reported: UInt64 = 2
        static let closed: UInt64 = 4
        static let asked: UInt64 = 8
        /// The place of the policy among all, from 1; two bits.
        static let onAbort: UInt64 = 16
        static let abortMinimum: UInt64 = 64
    }

    func write(to writer: inout ByteWriter, nameNumber: (MeterKey) -> Int) {
        var flags: UInt64 = terms.onOverage == .cap ? Flags.cap : 0
        if reported != nil { flags |= Flags.reported }
        if closedAt != nil { flags |= Flags.closed }
        if asked != nil { flags |= Flags.asked }
        if let policy = terms.onAbort {
            let place = Self.abortPolicies.firstIndex(of: policy) ?? 0
            flags |= UInt64(place + 1) * Flags.onAbort
        }
        if terms.abortMinimum != .none { flags |= Flags.abortMinimum }
        let status = UInt64(Self.statuses.firstIndex(of: status) ?? 0)
        let policy = UInt64(Self.expiryPolicies.firstIndex(of: terms.onExpiry) ?? 0)
        writer.unsigned(flags << 4 | policy << 2 | status)
        writer.signed(terms.milliseconds)
        writer.signed(expiresAt.millisecondsSince1970)
        reported?.write(to: &writer, nameNumber: nameNumber)
        payable.write(to: &writer, nameNumber: nameNumber)
        if let closedAt {
            writer.signed(closedAt.millisecondsSince1970)
            writer.fixed(toldAtEnd)
        }
        asked?.write(to: &writer, nameNumber: nameNumber)
        writer.unsigned(UInt64(answers.count))
        for answer in answers { answer.write(to: &writer) }
        if terms.abortMinimum != .none {
            terms.abortMinimum.write(to: &writer, nameNumber: nameNumber)
        }
    }

    init(_ reader: inout ByteReader, names: [MeterKey]) throws(MalformedRecord) {
        let head = try reader.unsigned()
        let flags = head >> 4
        let policy = Int(head >> 2 & 3)
        guard policy < Self.expiryPolicies.count else { throw MalformedRecord() }
        terms = ReservationTerms(
            milliseconds: try reader.signed(), onExpiry: Self.expiryPolicies[policy],
            onOverage: flags & Flags.cap == 0 ? .count : .cap)
        expiresAt = try reader.instant()
        status = Self.statuses[Int(head & 3)]
        reported =
            flags & Flags.reported == 0 ? nil : try Quantities(&reader, names: names)
        payable = try Quantities(&reader, names: names)
        if flags & Flags.closed != 0 {
            closedAt = try reader.instant()
            toldAtEnd = try reader.fixed()
        }
        asked = flags & Flags.asked == 0 ? nil : try Quantities(&reader, names: names)
        for _ in 0..<(try reader.count()) { answers.append(try LimitAnswer(&reader)) }
        let abort = Int(flags / Flags.onAbort & 3)
        if abort > 0 { terms.onAbort = Self.abortPolicies[abort - 1] }
        if flags & Flags.abortMinimum != 0 {
            terms.abortMinimum = try Quantities(&reader, names: names)
        }
    }
}

/// How the quantities of an event are stored: names by their numbers.
extension Quantities {
    func write(to writer: inout ByteWriter, nameNumber: (MeterKey) -> Int) {
        switch self {
        case .none: writer.byte(0)
        case .one(let name, let quantity):
            writer.byte(1)
            writer.unsigned(UInt64(nameNumber(name)))
            writer.signed(quantity.units)
        case .many(let pairs):
            writer.unsigned(UInt64(pairs.count))
            for pair in pairs {
                writer.unsigned(UInt64(nameNumber(pair.name)))
                writer.signed(pair.quantity.units)
            }
        }
    }

    init(_ reader: inout ByteReader, names: [MeterKey]) throws(MalformedRecord) {
        let count = try reader.count()
        var pairs: [NamedQuantity] = []
        for _ in 0..<count {
            let number = try reader.unsigned()
            let isRegistered = number < UInt64(names.count)
            guard
                let name = isRegistered ? names[Int(number)] : TokenName.name(ofNumber: number)
            else { throw MalformedRecord() }
            let quantity = Quantity(try reader.signed())
            guard quantity >= .zero else { throw MalformedRecord() }
            if count == 1 {
                self = .one(name, quantity)
                return
            }
            pairs.append(NamedQuantity(name: name, quantity: quantity))
        }
        self = count == 0 ? .none : .many(pairs)
    }

    /// With the quantities of another in the place of those of the same name.
    package func replacing(with other: Quantities) -> Quantities {
        switch other {
        case .none: self
        default: Quantities(pairs + other.pairs)
        }
    }
}
