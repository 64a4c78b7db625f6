extension Instant {
    public static let expectation = "an RFC 3339 date-time with a zone"

    /// Reads a date-time such as `2026-11-21T09:00:00.25+01:00`; `nil` when the text is none.
    ///
    /// The zone is required. Digits after the millisecond are dropped, which moves the instant
    /// towards the past. The leap second 23:59:60 UTC has no instant of its own, and becomes the
    /// last millisecond of the minute.
    public init?(rfc3339 text: String) {
        var text = text
        let instant = text.withUTF8 { bytes in unsafe Instant(rfc3339: bytes) }
        guard let instant else { return nil }
        self = instant
    }

    /// Reads the same from bytes, and allocates nothing.
    @unsafe package init?(rfc3339 bytes: UnsafeBufferPointer<UInt8>) {
        self.init(rfc3339: unsafe bytes.span)
    }

    /// Reads the same from bytes, and allocates nothing.
    package init?(rfc3339 bytes: Span<UInt8>) {
        guard let milliseconds = bytes.dateTimeMilliseconds() else { return nil }
        self.init(millisecondsSince1970: milliseconds)
        guard self >= .earliest, self <= .latest else { return nil }
    }
}

/// Reading. The zone ends the text, and what comes before the fraction has fixed places.
extension Span<UInt8> {
    fileprivate func dateTimeMilliseconds() -> Int64? {
        guard count >= 20, let days = days(),
            let minuteOfDay = minuteOfDay(),
            self[16] == UInt8(ascii: ":"), let second = number(at: 17, digits: 2), second <= 60,
            let (offsetMinutes, zoneStart) = zone(),
            let fraction = fractionMilliseconds(until: zoneStart)
        else { return nil }
        let minutes = days * 1_440 + minuteOfDay - offsetMinutes
        if second < 60 { return (minutes * 60 + second) * 1_000 + fraction }
        let (_, utcMinuteOfDay) = minutes.flooredQuotientAndRemainder(dividingBy: 1_440)
        return utcMinuteOfDay == 1_439 ? minutes * 60_000 + 59_999 : nil
    }

    private func days() -> Int64? {
        guard let year = number(at: 0, digits: 4), year >= 1, self[4] == UInt8(ascii: "-"),
            let month = number(at: 5, digits: 2), self[7] == UInt8(ascii: "-"),
            let day = number(at: 8, digits: 2)
        else { return nil }
        return CivilDate(year: Int(year), month: Int(month), day: Int(day))?.daysSince1970
    }

    private func minuteOfDay() -> Int64? {
        switch self[10] {
        case UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " "): time(at: 11)
        default: nil
        }
    }

    /// The minutes of `hh:mm`.
    @inline(__always)
    private func time(at start: Int) -> Int64? {
        guard let hour = number(at: start, digits: 2), hour <= 23,
            self[start + 2] == UInt8(ascii: ":"),
            let minute = number(at: start + 3, digits: 2), minute <= 59
        else { return nil }
        return hour * 60 + minute
    }

    private func zone() -> (offsetMinutes: Int64, start: Int)? {
        let last = self[count - 1]
        if last == UInt8(ascii: "Z") || last == UInt8(ascii: "z") { return (0, count - 1) }
        let start = count - 6
        guard start >= 19, let minutes = time(at: start + 1) else { return nil }
        switch self[start] {
        case UInt8(ascii: "+"): return (minutes, start)
        case UInt8(ascii: "-"): return (-minutes, start)
        default: return nil
        }
    }

    private func fractionMilliseconds(until end: Int) -> Int64? {
        if end == 19 { return 0 }
        guard end >= 21, self[19] == UInt8(ascii: ".") else { return nil }
        var milliseconds: Int64 = 0
        var unit: Int64 = 100
        for position in 20..<end {
            guard let digit = number(at: position, digits: 1) else { return nil }
            milliseconds += digit * unit
            unit /= 10
        }
        return milliseconds
    }

    @inline(__always)
    private func number(at start: Int, digits: Int) -> Int64? {
        var value: Int64 = 0
        for position in start..<start + digits {
            let digit = self[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int64(digit)
        }
        return value
    }
}

extension Instant {
    /// In UTC with three fraction digits, as in `2026-11-21T09:00:00.000Z`.
    ///
    /// Instants before ``earliest`` or after ``latest`` have no text, and show that of the nearest
    /// that has.
    public var rfc3339: String {
        unsafe String(unsafeUninitializedCapacity: Self.rfc3339ByteCount) { text in
            unsafe writeRFC3339(to: text)
            return Self.rfc3339ByteCount
        }
    }

    /// How many bytes ``rfc3339`` has, always.
    public static let rfc3339ByteCount = 24

    /// Fills the first 24 bytes, each field with the punctuation that follows it.
    @unsafe private func writeRFC3339(to text: UnsafeMutableBufferPointer<UInt8>) {
        let time = min(max(self, .earliest), .latest).millisecondsSince1970
        let (day, millisecond) = time.flooredQuotientAndRemainder(dividingBy: 86_400_000)
        let date = CivilDate(daysSince1970: day)
        let clock = Int(millisecond)
        unsafe write(date.year, digits: 4, "-", to: text, at: 0)
        unsafe write(date.month, digits: 2, "-", to: text, at: 5)
        unsafe write(date.day, digits: 2, "T", to: text, at: 8)
        unsafe write(clock / 3_600_000, digits: 2, ":", to: text, at: 11)
        unsafe write(clock / 60_000 % 60, digits: 2, ":", to: text, at: 14)
        unsafe write(clock / 1_000 % 60, digits: 2, ".", to: text, at: 17)
        unsafe write(clock % 1_000, digits: 3, "Z", to: text, at: 20)
    }

    @inline(__always)
    @unsafe private func write(
        _ number: Int, digits: Int, _ end: Unicode.Scalar,
        to text: UnsafeMutableBufferPointer<UInt8>, at start: Int
    ) {
        var rest = number
        for position in (start..<start + digits).reversed() {
            unsafe text[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        unsafe text[start + digits] = UInt8(ascii: end)
    }
}

extension Instant: CustomStringConvertible {
    public var description: String { rfc3339 }
}

extension Instant: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let instant = Instant(rfc3339: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self = instant
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rfc3339)
    }
}
