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
        let name = subject?.timeZone ?? defaultZone
        var zone = zones[name] ?? Zone(rules: rules(name) ?? .utc)
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
