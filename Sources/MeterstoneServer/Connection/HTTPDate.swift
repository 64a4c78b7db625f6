import MeterstoneCore

/// The value of the header field `Date`, written once a second.
struct HTTPDate {
    private var second: Int64 = .min
    private var text = ""

    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    mutating func text(at now: Instant) -> String {
        let second = now.millisecondsSince1970 / 1_000
        if second != self.second {
            self.second = second
            text = Self.text(of: now)
        }
        return text
    }

    /// `Tue, 10 Mar 2026 12:00:00 GMT`, from the parts of `2026-03-10T12:00:00.000Z`.
    private static func text(of instant: Instant) -> String {
        let parts = instant.rfc3339.split { "-T.".contains($0) }
        guard parts.count == 5, let month = Int(parts[1]), months.indices ~= month - 1 else {
            return "Thu, 01 Jan 1970 00:00:00 GMT"
        }
        let weekday = weekdays[Int((instant.utcDay % 7 + 7) % 7)]
        return "\(weekday), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }
}
