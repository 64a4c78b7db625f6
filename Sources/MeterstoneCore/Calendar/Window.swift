/// The span of time that a limit counts over, and that usage is shown in.
///
/// All but ``rolling(seconds:)`` and ``sinceFirst(seconds:)`` cut time into windows that follow each other without gap or
/// overlap; where they are cut depends on a time zone, and for ``billingMonth`` on an anchor.
public enum Window: Hashable, Sendable {
    case minute
    case hour
    case day
    case week(startsOn: Weekday)
    case month
    /// From January, April, July or October on.
    case quarter
    case year
    /// All of time.
    case lifetime
    /// A month that starts on the day and at the time of day of an anchor.
    case billingMonth
    /// The given seconds up to and including now.
    case rolling(seconds: Int64)
    /// Opens with the first use, and lasts the given seconds; the next use after its end opens another.
    case sinceFirst(seconds: Int64)
    /// One consume or reservation by itself: at most so much at once.
    case request
    /// As long as a reservation is open: at most so much at the same time.
    case concurrent

    /// How long a window of seconds may be: at least one, at most 366 days.
    public static let rollingSeconds: ClosedRange<Int64> = 1...31_622_400

    public static let expectation =
        "minute, hour, day, week, week:WEEKDAY, month, quarter, year, lifetime, billingMonth, request, "
        + "concurrent, rolling:SECONDS or sinceFirst:SECONDS with 1 to 31622400 seconds"

    /// `nil` when the text is not of the form that ``expectation`` states.
    public init?(_ text: String) {
        switch text {
        case "minute": self = .minute
        case "hour": self = .hour
        case "day": self = .day
        case "week": self = .week(startsOn: .monday)
        case "month": self = .month
        case "quarter": self = .quarter
        case "year": self = .year
        case "lifetime": self = .lifetime
        case "billingMonth": self = .billingMonth
        case "request": self = .request
        case "concurrent": self = .concurrent
        default:
            guard let window = Self.window(parsing: text) else { return nil }
            self = window
        }
    }

    private static func window(parsing text: String) -> Window? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let argument = text[text.index(after: colon)...]
        switch text[..<colon] {
        case "week":
            return Weekday(rawValue: String(argument)).map { .week(startsOn: $0) }
        case "rolling": return seconds(argument).map { .rolling(seconds: $0) }
        case "sinceFirst": return seconds(argument).map { .sinceFirst(seconds: $0) }
        default:
            return nil
        }
    }

    /// `Int64` would also read "+5" and "007", and one window has one text.
    private static func seconds(_ text: Substring) -> Int64? {
        guard let seconds = Int64(text), rollingSeconds.contains(seconds), String(seconds) == text
        else { return nil }
        return seconds
    }

    /// The text that ``init(_:)`` reads; a week that starts on Monday is `week`.
    public var text: String {
        switch self {
        case .minute: "minute"
        case .hour: "hour"
        case .day: "day"
        case .week(.monday): "week"
        case .week(let weekday): "week:\(weekday.rawValue)"
        case .month: "month"
        case .quarter: "quarter"
        case .year: "year"
        case .lifetime: "lifetime"
        case .billingMonth: "billingMonth"
        case .rolling(let seconds): "rolling:\(seconds)"
        case .sinceFirst(let seconds): "sinceFirst:\(seconds)"
        case .request: "request"
        case .concurrent: "concurrent"
        }
    }

    /// Whether windows of this kind follow each other, for ever.
    public var isRepeating: Bool {
        switch self {
        case .minute, .hour, .day, .week, .month, .quarter, .year, .billingMonth: true
        case .lifetime, .rolling, .sinceFirst, .request, .concurrent: false
        }
    }
}

extension Window: CustomStringConvertible {
    public var description: String { text }
}

extension Window: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let window = Window(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self = window
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// A day of the week.
public enum Weekday: String, Hashable, Sendable, NamedChoice {
    case monday, tuesday, wednesday, thursday, friday, saturday, sunday

    init(daysSince1970: Int64) {
        // 1970-01-01 was a Thursday.
        let daysAfterMonday = (daysSince1970 % 7 + 10) % 7
        self = Self.allCases[Int(daysAfterMonday)]
    }

    var daysAfterMonday: Int64 {
        switch self {
        case .monday: 0
        case .tuesday: 1
        case .wednesday: 2
        case .thursday: 3
        case .friday: 4
        case .saturday: 5
        case .sunday: 6
        }
    }
}
