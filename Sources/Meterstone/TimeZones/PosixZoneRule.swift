import MeterstoneCore

/// The rule that a zone follows from its last listed transition on, such as
/// `CET-1CEST,M3.5.0,M10.5.0/3`: the value of the variable `TZ` in POSIX, as RFC 9636 extends it.
struct PosixZoneRule {
    let standardOffsetSeconds: Int64
    private let daylight: Daylight?

    private struct Daylight {
        let offsetSeconds: Int64
        let start: YearlyMoment
        let end: YearlyMoment
    }

    /// `nil` when the text is not such a rule from beginning to end.
    init?(_ text: some Sequence<UInt8>) {
        var reader = RuleReader(text: Array(text))
        guard reader.name(), let standard = reader.offsetFromUTC() else { return nil }
        standardOffsetSeconds = standard
        if reader.isAtEnd {
            daylight = nil
            return
        }
        guard reader.name() else { return nil }
        var offset = standard + 3_600
        if !reader.accept(",") {
            guard let explicit = reader.offsetFromUTC(), reader.accept(",") else { return nil }
            offset = explicit
        }
        guard let start = reader.moment(), reader.accept(","), let end = reader.moment(),
            reader.isAtEnd, ZoneRules.offsetSecondsAllowed.contains(offset)
        else { return nil }
        daylight = Daylight(offsetSeconds: offset, start: start, end: end)
    }

    /// Year by year: where one year's end is the next one's start, the start is later in the list.
    func transitions(years: ClosedRange<Int>) -> [ZoneRules.Transition] {
        guard let daylight else { return [] }
        return years.flatMap { year in
            let start = daylight.start.localSeconds(year: year) - standardOffsetSeconds
            let end = daylight.end.localSeconds(year: year) - daylight.offsetSeconds
            return [
                ZoneRules.Transition(
                    at: Instant(millisecondsSince1970: start * 1_000),
                    offsetSeconds: daylight.offsetSeconds),
                ZoneRules.Transition(
                    at: Instant(millisecondsSince1970: end * 1_000),
                    offsetSeconds: standardOffsetSeconds),
            ]
        }
    }
}

/// A day of every year and a time on it, on the local clock.
private struct YearlyMoment {
    enum Day {
        /// From 1 to 365; 29 February is never counted.
        case ofCommonYear(Int)
        /// From 0 to 365; 29 February is counted.
        case ofYear(Int)
        /// The given weekday of a month for the first to fourth time, or for the last time when 5.
        case weekday(daysAfterSunday: Int, week: Int, month: Int)
    }

    let day: Day
    /// May be negative or more than a day.
    let secondOfDay: Int64

    func localSeconds(year: Int) -> Int64 {
        daysSince1970(year: year) * 86_400 + secondOfDay
    }

    private func daysSince1970(year: Int) -> Int64 {
        switch day {
        case .ofCommonYear(let number):
            let isAfterLeapDay = CivilDate.isLeap(year: year) && number >= 60
            return Self.start(ofMonth: 1, year: year) + Int64(number - (isAfterLeapDay ? 0 : 1))
        case .ofYear(let number):
            return Self.start(ofMonth: 1, year: year) + Int64(number)
        case .weekday(let daysAfterSunday, let week, let month):
            let first = Self.start(ofMonth: month, year: year)
            // 1970-01-01 was a Thursday, four days after Sunday. Years before it give negatives.
            let firstWeekday = ((first + 4) % 7 + 7) % 7
            let offset = (Int64(daysAfterSunday) - firstWeekday + 7) % 7
            let length = Int64(CivilDate.dayCount(ofMonth: month, year: year))
            let day = offset + Int64(week - 1) * 7
            return first + (day < length ? day : day - 7)
        }
    }

    private static func start(ofMonth month: Int, year: Int) -> Int64 {
        CivilDate(year: year, month: month, day: 1)?.daysSince1970 ?? 0
    }
}

/// Takes the parts of a rule off its text, one after the other.
private struct RuleReader {
    let text: [UInt8]
    var position = 0

    var isAtEnd: Bool { position == text.count }

    private var next: UInt8? { isAtEnd ? nil : text[position] }

    mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Skips the name of an offset: three or more letters, or anything printable in `<` and `>`.
    mutating func name() -> Bool {
        if accept("<") {
            while let byte = next, byte > 0x20, byte != UInt8(ascii: ">") { position += 1 }
            return accept(">")
        }
        let start = position
        while let byte = next, (0x61...0x7A).contains(byte | 0x20) { position += 1 }
        return position - start >= 3
    }

    /// POSIX counts offsets from local time to UTC; this is the other way round.
    mutating func offsetFromUTC() -> Int64? {
        seconds(hoursMax: 24).map { -$0 }
    }

    mutating func moment() -> YearlyMoment? {
        guard let day = day() else { return nil }
        guard accept("/") else { return YearlyMoment(day: day, secondOfDay: 2 * 3_600) }
        guard let time = seconds(hoursMax: 167) else { return nil }
        return YearlyMoment(day: day, secondOfDay: time)
    }

    private mutating func day() -> YearlyMoment.Day? {
        if accept("J") { return number(1...365).map { .ofCommonYear($0) } }
        guard accept("M") else { return number(0...365).map { .ofYear($0) } }
        guard let month = number(1...12), accept("."), let week = number(1...5), accept("."),
            let weekday = number(0...6)
        else { return nil }
        return .weekday(daysAfterSunday: weekday, week: week, month: month)
    }

    /// A time of the form `[+-]h[h][h][:mm[:ss]]`.
    private mutating func seconds(hoursMax: Int) -> Int64? {
        let isNegative = accept("-")
        if !isNegative { _ = accept("+") }
        guard var seconds = number(0...hoursMax).map({ $0 * 3_600 }) else { return nil }
        if accept(":") {
            guard let minutes = number(0...59) else { return nil }
            seconds += minutes * 60
            if accept(":") {
                guard let rest = number(0...59) else { return nil }
                seconds += rest
            }
        }
        return Int64(isNegative ? -seconds : seconds)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int? {
        let start = position
        var value = 0
        while let byte = next, (0x30...0x39).contains(byte), position - start < 3 {
            value = value * 10 + Int(byte - 0x30)
            position += 1
        }
        return position > start && range.contains(value) ? value : nil
    }
}
