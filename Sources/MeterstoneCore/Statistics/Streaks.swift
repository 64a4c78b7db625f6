/// How regularly a subject was active, by days of its own calendar.
public struct Streaks: Hashable, Sendable {
    /// Days with any activity.
    public let daysActive: Int64
    /// The most active days in a row there ever were.
    public let longestStreak: Int64
    /// Active days in a row up to today, or up to yesterday: today is not over.
    public let currentStreak: Int64

    /// - Parameters:
    ///   - days: numbers of the active local days since 1970, ascending, each once. Days after today,
    ///     which events may be dated to, count like others.
    ///   - today: the number of the local day that it is.
    public init(days: [Int64], today: Int64) {
        var longest: Int64 = 0
        var last: Int64 = 0
        for streak in DayStreaks(days: days) {
            longest = max(longest, streak.length)
            last = streak.length
        }
        daysActive = Int64(days.count)
        longestStreak = longest
        currentStreak = (days.last ?? .min) >= today - 1 ? last : 0
    }

    /// As a client was told.
    package init(daysActive: Int64, longestStreak: Int64, currentStreak: Int64) {
        self.daysActive = daysActive
        self.longestStreak = longestStreak
        self.currentStreak = currentStreak
    }
}

/// Every active day with the length of its streak so far.
struct DayStreaks: Sequence, IteratorProtocol {
    private var rest: ArraySlice<Int64>
    private var previous: (day: Int64, length: Int64)?

    init(days: [Int64]) {
        rest = days[...]
    }

    mutating func next() -> (day: Int64, length: Int64)? {
        guard let day = rest.popFirst() else { return nil }
        var length: Int64 = 1
        if let previous {
            assert(previous.day < day, "days are ascending, each once")
            if previous.day + 1 == day { length = previous.length + 1 }
        }
        previous = (day, length)
        return previous
    }
}
