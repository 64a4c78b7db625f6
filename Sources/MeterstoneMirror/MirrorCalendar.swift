import MeterstoneCore
import MeterstoneStore

/// The days of subjects' own calendars, of which it remembers those that were asked for.
struct MirrorCalendar {
    let dialect: MirrorDialect
    private let defaultZone: String
    private let rules: @Sendable (String) -> ZoneRules?
    private var zones: [String: Zone] = [:]

    private struct Zone {
        let rules: ZoneRules
        /// As in 2026-04-02, by the day's number.
        var days: [Int64: String] = [:]
    }

    init(_ page: FactPage, _ dialect: MirrorDialect) {
        self.dialect = dialect
        defaultZone = page.options.defaultTimeZone
        rules = page.options.zoneRules
    }

    /// The day that an instant falls on, as in 2026-04-02.
    mutating func day(of instant: Instant, inZoneOf subject: Subject?) -> String {
        let own = subject?.zones ?? ZonesInTime()
        let name = own.mirrorName ?? own.last ?? defaultZone
        var zone =
            zones[name] ?? Zone(rules: own.clocks(default: defaultZone, rules) ?? .utc)
        let number = zone.rules.dayNumber(containing: instant)
        if let known = zone.days[number] { return known }
        let text = CivilDate(daysSince1970: number).description
        zone.days[number] = text
        zones[name] = zone
        return text
    }

    /// When each of the days begins and ends.
    var rows: [[MirrorValue]] {
        zones.flatMap { name, zone in
            zone.days.map { number, text in
                [
                    .text(name), .text(text),
                    dialect.value(zone.rules.start(of: CivilDate(daysSince1970: number))),
                    dialect.value(zone.rules.start(of: CivilDate(daysSince1970: number + 1))),
                ]
            }
        }
    }
}

extension ZonesInTime {
    private static let betweenZones = ", "
    private static let beforeEnd = " until "

    /// What `days` calls the calendar of a subject that had other zones before; `nil`: it had none.
    ///
    /// As in `Europe/Berlin until 2026-03-10T23:00:00.000Z, America/New_York`; the default zone is `-`.
    var mirrorName: String? {
        guard !former.isEmpty else { return nil }
        let parts =
            former.map { ($0.timeZone ?? "-") + Self.beforeEnd + $0.until.rfc3339 } + [last ?? "-"]
        return parts.joined(separator: Self.betweenZones)
    }

    /// Reads what ``mirrorName`` wrote.
    init(mirrorName text: String) {
        func zone(_ name: Substring) -> String? { name == "-" ? nil : String(name) }
        let parts = text.split(separator: Self.betweenZones)
        self.init(
            parts.last.flatMap { zone($0) },
            former: parts.dropLast().compactMap { part in
                let words = part.split(separator: Self.beforeEnd)
                guard words.count == 2, let until = Instant(rfc3339: String(words[1])) else {
                    return nil
                }
                return FormerZone(timeZone: zone(words[0]), until: until)
            })
    }
}
