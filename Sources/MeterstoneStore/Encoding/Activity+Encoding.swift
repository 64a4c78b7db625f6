import MeterstoneCore

extension Activity {
    func write(to writer: inout ByteWriter) {
        writer.unsigned(UInt64(days.count))
        var last: Int64 = 0
        for day in days {
            writer.signed(day.day - last)
            writer.signed(day.events)
            writer.signed(day.sequence)
            writer.signed(day.updatedAt.millisecondsSince1970)
            writer.unsigned(day.planNumber.map { UInt64($0) + 1 } ?? 0)
            last = day.day
        }
        writer.unsigned(UInt64(overages.count))
        for (limit, units) in overages {
            writer.unsigned(UInt64(limit))
            writer.signed(units)
        }
    }

    init(_ reader: inout ByteReader) throws(MalformedRecord) {
        var days: [ActiveDay] = []
        var last: Int64 = 0
        for _ in 0..<(try reader.count()) {
            last &+= try reader.signed()
            let (events, sequence) = (try reader.signed(), try reader.signed())
            let updatedAt = Instant(millisecondsSince1970: try reader.signed())
            let plan = try Self.number(&reader)
            days.append(
                ActiveDay(
                    day: last, events: events, sequence: sequence, updatedAt: updatedAt,
                    planNumber: plan == 0 ? nil : plan - 1))
        }
        var overages: [(limit: Int, units: Int64)] = []
        for _ in 0..<(try reader.count()) {
            overages.append((try Self.number(&reader), try reader.signed()))
        }
        self.init(days: days, overages: overages)
    }

    private static func number(_ reader: inout ByteReader) throws(MalformedRecord) -> Int {
        let number = try reader.unsigned()
        guard number <= UInt64(Int32.max) else { throw MalformedRecord() }
        return Int(number)
    }
}
