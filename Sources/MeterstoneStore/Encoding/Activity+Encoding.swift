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
            let day = last &+ (try reader.signed())
            let (events, sequence) = (try reader.signed(), try reader.signed())
            let updatedAt = try reader.instant()
            // Whoever reads adds days up, and relies on their order.
            guard Self.daysKept.contains(day), days.isEmpty || day > last,
                Self.eventsKept.contains(events)
            else { throw MalformedRecord() }
            last = day
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

    /// Days that have a text, whatever the zone, and some more.
    private static let daysKept = Instant.earliest.utcDay - 2...Instant.latest.utcDay + 2
    /// Events that a day may have; corrections may come before what they correct.
    private static let eventsKept: ClosedRange<Int64> = -(1 << 48)...1 << 48

    private static func number(_ reader: inout ByteReader) throws(MalformedRecord) -> Int {
        let number = try reader.unsigned()
        guard number <= UInt64(Int32.max) else { throw MalformedRecord() }
        return Int(number)
    }
}
