import MeterstoneCore

/// Which of the optional fields follow, as bits of one number.
private enum Fields {
    static let source: UInt64 = 1
    static let type: UInt64 = 1 << 1
    static let subtype: UInt64 = 1 << 2
    static let status: UInt64 = 1 << 3
    static let duration: UInt64 = 1 << 4
    static let errorMessage: UInt64 = 1 << 5
    static let project: UInt64 = 1 << 6
    static let scene: UInt64 = 1 << 7
    static let session: UInt64 = 1 << 8
    static let dimensions: UInt64 = 1 << 9
    static let properties: UInt64 = 1 << 10
    static let cost: UInt64 = 1 << 11
    /// Trillionths beyond the whole millionths of the cost.
    static let costRest: UInt64 = 1 << 12
    static let countsWhenAborted: UInt64 = 1 << 13
    static let levels: UInt64 = 1 << 14
}

extension EventDetails {
    /// Equal details have equal ones; details that tell nothing have that of none.
    static func fingerprint(_ details: EventDetails?) -> UInt64 {
        guard let details, details != .none else { return 0 }
        var writer = ByteWriter(capacity: 64)
        details.write(to: &writer)
        return XXH64.hash(writer.bytes[...])
    }

    private static let statuses: [EventStatus] = [.success, .failed, .cancelled]

    func write(to writer: inout ByteWriter) {
        var fields: UInt64 = 0
        for (text, bit) in texts where text != nil { fields |= bit }
        if status != .success { fields |= Fields.status }
        if durationMilliseconds != nil { fields |= Fields.duration }
        if !dimensions.isEmpty { fields |= Fields.dimensions }
        if let cost { fields |= cost.rest == 0 ? Fields.cost : Fields.cost | Fields.costRest }
        if countsWhenAborted { fields |= Fields.countsWhenAborted }
        if !levels.isEmpty { fields |= Fields.levels }
        writer.unsigned(fields)
        for (text, _) in texts {
            if let text { writer.text(text) }
        }
        if status != .success { writer.byte(UInt8(Self.statuses.firstIndex(of: status) ?? 0)) }
        if let durationMilliseconds { writer.signed(durationMilliseconds) }
        if let cost {
            writer.signed(cost.wholeMillionths)
            if cost.rest != 0 { writer.signed(Int64(cost.rest)) }
        }
        if !dimensions.isEmpty {
            writer.unsigned(UInt64(dimensions.count))
            for dimension in dimensions {
                writer.text(dimension.name)
                writer.text(dimension.value)
            }
        }
        if !levels.isEmpty {
            writer.unsigned(UInt64(levels.count))
            for level in levels { writer.text(level.text) }
        }
    }

    private var texts: [(String?, UInt64)] {
        [
            (source, Fields.source), (type, Fields.type), (subtype, Fields.subtype),
            (errorMessage, Fields.errorMessage), (project, Fields.project), (scene, Fields.scene),
            (session, Fields.session), (properties, Fields.properties),
        ]
    }

    /// Reads only the source, which stands first.
    static func readSource(_ reader: inout ByteReader) throws(MalformedRecord) -> String? {
        try reader.unsigned() & Fields.source == 0 ? nil : try reader.text()
    }

    private static func cost(
        _ reader: inout ByteReader, _ fields: UInt64
    ) throws(MalformedRecord) -> Money {
        let whole = try reader.signed()
        guard fields & Fields.costRest != 0 else { return Money(millionths: whole) }
        let rest = try reader.signed()
        guard (1..<1_000_000).contains(rest),
            let cost = Money(trillionths: Int128(whole) * 1_000_000 + Int128(rest))
        else { throw MalformedRecord() }
        return cost
    }

    static func read(_ reader: inout ByteReader) throws(MalformedRecord) -> EventDetails {
        let fields = try reader.unsigned()
        func text(_ bit: UInt64) throws(MalformedRecord) -> String? {
            fields & bit == 0 ? nil : try reader.text()
        }
        let source = try text(Fields.source)
        let type = try text(Fields.type)
        let subtype = try text(Fields.subtype)
        let errorMessage = try text(Fields.errorMessage)
        let project = try text(Fields.project)
        let scene = try text(Fields.scene)
        let session = try text(Fields.session)
        let properties = try text(Fields.properties)
        let status = fields & Fields.status == 0 ? 0 : Int(try reader.byte())
        guard status < statuses.count else { throw MalformedRecord() }
        let duration = fields & Fields.duration == 0 ? nil : try reader.signed()
        let cost = fields & Fields.cost == 0 ? nil : try cost(&reader, fields)
        var dimensions: [Dimension] = []
        if fields & Fields.dimensions != 0 {
            for _ in 0..<(try reader.count()) {
                dimensions.append(Dimension(name: try reader.text(), value: try reader.text()))
            }
        }
        var levels: [SubjectID] = []
        if fields & Fields.levels != 0 {
            for _ in 0..<(try reader.count()) {
                guard let level = SubjectID(try reader.text()) else { throw MalformedRecord() }
                levels.append(level)
            }
        }
        return EventDetails(
            source: source, type: type, subtype: subtype, status: statuses[status],
            durationMilliseconds: duration, errorMessage: errorMessage, cost: cost,
            project: project, scene: scene, session: session, dimensions: dimensions,
            properties: properties, levels: levels,
            countsWhenAborted: fields & Fields.countsWhenAborted != 0)
    }
}
