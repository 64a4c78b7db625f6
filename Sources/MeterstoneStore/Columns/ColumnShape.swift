package import MeterstoneCore

/// What many events have in common: everything that a report may select or group by, and which numbers
/// each of them has.
package struct ColumnShape: Hashable, Sendable {
    package var source: String?
    package var type: String?
    package var subtype: String?
    package var status: EventStatus = .success
    /// As of ``EventDetails/countsWhenAborted``.
    package var countsWhenAborted = false
    /// At the time of use.
    package var plan: PlanKey?
    package var dimensions: [Dimension] = []
    /// Names of the quantities, sorted.
    package var quantities: [MeterKey] = []
    /// Limits beyond whose allowance each event used something.
    package var overages: [LimitKey] = []
    /// Limits of whose allowance nothing is left after the event.
    package var met: [LimitKey] = []
    package var hasDuration = false
    package var hasCost = false
    /// Whether the cost has trillionths beyond whole millionths.
    package var hasCostRest = false

    package init() {}

    /// Texts are told apart by their bytes, so that it does not matter which of them came first.
    package static func == (lhs: ColumnShape, rhs: ColumnShape) -> Bool {
        lhs.status == rhs.status && lhs.countsWhenAborted == rhs.countsWhenAborted
            && lhs.plan == rhs.plan && lhs.quantities == rhs.quantities
            && lhs.overages == rhs.overages && lhs.met == rhs.met
            && lhs.hasDuration == rhs.hasDuration && lhs.hasCost == rhs.hasCost
            && lhs.hasCostRest == rhs.hasCostRest
            && same(lhs.source, rhs.source) && same(lhs.type, rhs.type)
            && same(lhs.subtype, rhs.subtype)
            && lhs.dimensions.elementsEqual(rhs.dimensions) {
                same($0.name, $1.name) && same($0.value, $1.value)
            }
    }

    private static func same(_ one: String?, _ other: String?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        return one.utf8.elementsEqual(other.utf8)
    }

    init(_ record: UsageRecord, _ registry: Registry) {
        if let details = record.details {
            source = details.source
            type = details.type
            subtype = details.subtype
            status = details.status
            countsWhenAborted = details.countsWhenAborted
            dimensions = details.dimensions
            hasDuration = details.durationMilliseconds != nil
            hasCost = details.cost != nil
            hasCostRest = (details.cost?.rest ?? 0) != 0
        }
        plan = registry.plan(record.planNumber)
        quantities = record.quantities.pairs.map(\.name)
        overages = record.overages.compactMap { registry.limit($0.limit) }
        let met = record.answers.filter(\.isMet).map(\.limit) + record.overages.map(\.limit)
        self.met = met.unique.compactMap { registry.limit($0) }
    }

    /// How many numbers each event has: quantities, overages, duration, cost, its rest, in this order.
    package var valueCount: Int {
        quantities.count + overages.count + (hasDuration ? 1 : 0) + (hasCost ? 1 : 0)
            + (hasCostRest ? 1 : 0)
    }

    package var durationPlace: Int? { hasDuration ? quantities.count + overages.count : nil }

    /// Whole millionths.
    package var costPlace: Int? { hasCost ? valueCount - (hasCostRest ? 2 : 1) : nil }

    /// Trillionths beyond them.
    package var costRestPlace: Int? { hasCostRest ? valueCount - 1 : nil }

    package func place(ofOverage limit: LimitKey) -> Int? {
        overages.firstIndex(of: limit).map { quantities.count + $0 }
    }
}

extension LimitAnswer {
    /// Whether nothing is left of an allowance that the subject itself has.
    var isMet: Bool { level == 0 && allowance >= 0 && used >= allowance && mode != .off }
}

extension UsageRecord {
    /// Visits the numbers of an event, in the order of its shape.
    func forEachColumnValue(_ visit: (Int, Int64) -> Void) {
        var place = 0
        func next(_ value: Int64) {
            visit(place, value)
            place += 1
        }
        switch quantities {
        case .none: break
        case .one(_, let quantity): next(quantity.units)
        case .many(let pairs): for pair in pairs { next(pair.quantity.units) }
        }
        for overage in overages { next(overage.units) }
        if let milliseconds = details?.durationMilliseconds { next(milliseconds) }
        guard let cost = details?.cost else { return }
        next(cost.wholeMillionths)
        if cost.rest != 0 { next(Int64(cost.rest)) }
    }
}

/// The encoding of a shape.
extension ColumnShape {
    private static let statuses: [EventStatus] = [.success, .failed, .cancelled]
    /// Beside the number of the status.
    private static let countsWhenAbortedFlag: UInt8 = 16

    func write(to writer: inout ByteWriter) {
        let texts = [source, type, subtype, plan?.text]
        var flags: UInt8 = (hasDuration ? 16 : 0) | (hasCost ? 32 : 0) | (hasCostRest ? 64 : 0)
        for (bit, text) in texts.enumerated() where text != nil { flags |= 1 << UInt8(bit) }
        writer.byte(flags)
        writer.byte(
            UInt8(Self.statuses.firstIndex(of: status) ?? 0)
                | (countsWhenAborted ? Self.countsWhenAbortedFlag : 0))
        for text in texts { if let text { writer.text(text) } }
        writer.unsigned(UInt64(dimensions.count))
        for dimension in dimensions {
            writer.text(dimension.name)
            writer.text(dimension.value)
        }
        for names in [quantities.map(\.text), overages.map(\.text), met.map(\.text)] {
            writer.unsigned(UInt64(names.count))
            for name in names { writer.text(name) }
        }
    }

    init(_ reader: inout ByteReader) throws(MalformedRecord) {
        let flags = try reader.byte()
        let ending = try reader.byte()
        let status = Int(ending & ~Self.countsWhenAbortedFlag)
        guard status < Self.statuses.count else { throw MalformedRecord() }
        self.status = Self.statuses[status]
        countsWhenAborted = ending & Self.countsWhenAbortedFlag != 0
        source = flags & 1 == 0 ? nil : try reader.text()
        type = flags & 2 == 0 ? nil : try reader.text()
        subtype = flags & 4 == 0 ? nil : try reader.text()
        plan = flags & 8 == 0 ? nil : PlanKey(unchecked: try reader.text())
        hasDuration = flags & 16 != 0
        hasCost = flags & 32 != 0
        hasCostRest = flags & 96 == 96
        for _ in 0..<(try reader.count()) {
            dimensions.append(Dimension(name: try reader.text(), value: try reader.text()))
        }
        quantities = try Self.names(&reader).map { MeterKey(unchecked: $0) }
        overages = try Self.names(&reader).map { LimitKey(unchecked: $0) }
        met = try Self.names(&reader).map { LimitKey(unchecked: $0) }
    }

    /// Moves behind an encoded shape.
    static func skip(_ reader: inout ByteReader) throws(MalformedRecord) {
        let flags = try reader.byte()
        try reader.skip(1)
        for _ in 0..<(flags & 15).nonzeroBitCount { try reader.skip(try reader.count()) }
        for _ in 0..<2 * (try reader.count()) { try reader.skip(try reader.count()) }
        for _ in 0..<3 {
            for _ in 0..<(try reader.count()) { try reader.skip(try reader.count()) }
        }
    }

    private static func names(_ reader: inout ByteReader) throws(MalformedRecord) -> [String] {
        var result: [String] = []
        for _ in 0..<(try reader.count()) { result.append(try reader.text()) }
        return result
    }
}
