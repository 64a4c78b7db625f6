import MeterstoneCore

/// How numbers, money and times are written on a page: always in the same way, so that they line up.
enum Format {
    static func number(_ value: Int64) -> String {
        grouped(String(value.magnitude), isNegative: value < 0)
    }

    /// With at most two digits after the point.
    static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "—" }
        if value == value.rounded() { return number(Int64(value)) }
        let hundredths = Int64((abs(value) * 100).rounded())
        return grouped(String(hundredths / 100), isNegative: value < 0) + "."
            + twoDigits(hundredths % 100)
    }

    static func number(_ value: PageValue) -> String {
        switch value {
        case .integer(let number): self.number(number)
        case .number(let number): self.number(number)
        default: "—"
        }
    }

    /// −1 is unlimited.
    static func allowance(_ value: Int64) -> String { value < 0 ? "∞" : number(value) }

    static func percent(_ share: Double?) -> String {
        guard let share, share.isFinite, abs(share) < 1e12 else { return "—" }
        let tenths = Int64((abs(share) * 1_000).rounded())
        let whole = grouped(String(tenths / 10), isNegative: share < 0 && tenths > 0)
        // Always with one digit, so that they line up.
        return "\(whole).\(tenths % 10) %"
    }

    /// Without rounding, as it is typed: `29.99`.
    static func exactMoney(_ millionths: Int64) -> String {
        let (whole, part) = millionths.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let digits = String(1_000_000 + part).dropFirst()
        let rest = digits.reversed().drop { $0 == "0" }.reversed()
        return (millionths < 0 ? "-" : "") + String(whole)
            + (rest.isEmpty ? "" : "." + String(rest))
    }

    /// With as many digits as it takes below 1: one request costs less than a cent.
    static func smallMoney(_ millionths: Int64?) -> String {
        guard let millionths, millionths != 0, millionths.magnitude < 1_000_000 else {
            return money(millionths)
        }
        return exactMoney(millionths)
    }

    /// Millionths of the currency unit.
    static func money(_ millionths: Int64?) -> String {
        guard let millionths else { return "—" }
        let hundredths = (Double(millionths) / 10_000).rounded()
        let whole = Int64(abs(hundredths))
        return grouped(String(whole / 100), isNegative: hundredths < 0) + "."
            + twoDigits(whole % 100)
    }

    static func milliseconds(_ value: Double?) -> String {
        guard let value else { return "—" }
        return number(value.rounded()) + " ms"
    }

    /// `30 Nov 2026, 14:05`, in UTC.
    static func time(_ instant: Instant?) -> String {
        guard let instant else { return "—" }
        let text = instant.rfc3339
        return date(text) + ", " + text.dropFirst(11).prefix(5)
    }

    /// `30 Nov 2026` of `2026-11-30…`.
    static func date(_ text: String) -> String {
        let parts = text.prefix(10).split(separator: "-")
        guard parts.count == 3, let month = Int(parts[1]), let day = Int(parts[2]),
            (1...12).contains(month)
        else { return text }
        return "\(day) \(months[month - 1]) \(parts[0])"
    }

    /// `30 Nov` of `2026-11-30…`.
    static func day(_ text: String) -> String {
        date(text).split(separator: " ").prefix(2).joined(separator: " ")
    }

    /// `2h 5m`, as the widget says it.
    static func wait(until end: Instant, from now: Instant) -> String {
        let minutes =
            max(0, end.millisecondsSince1970 - now.millisecondsSince1970 + 59_999) / 60_000
        if minutes >= 2_880 { return "\(minutes / 1_440)d \(minutes % 1_440 / 60)h" }
        return minutes >= 60 ? "\(minutes / 60)h \(minutes % 60)m" : "\(minutes)m"
    }

    /// `Prompts daily` of `prompts_daily`, `Credit grant` of `creditGrant`.
    static func words(_ key: String) -> String {
        var words = ""
        var wasSmall = false
        for letter in key {
            if letter == "_" || letter == "-" {
                words += " "
            } else if wasSmall, letter.isUppercase {
                words += " " + letter.lowercased()
            } else {
                words.append(letter)
            }
            wasSmall = letter.isLowercase
        }
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func twoDigits(_ value: Int64) -> String {
        value < 10 ? "0\(value)" : String(value)
    }

    private static func grouped(_ digits: String, isNegative: Bool) -> String {
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return isNegative ? "−" + text : text
    }
}
