package import MeterstoneCore

/// Reads the times of rows.
///
/// A time that names its offset is read as it stands. One that names none, such as
/// `2023-11-16 18:15:46.6805900` or `2023-11-16`, is a time on the clock of the given zone. Of a time
/// that the clock showed twice, when it was set back, the first is taken. A time that it never showed,
/// when it was set forward, is the instant at which that happened.
package struct RowClock: Sendable {
    private let zone: ZoneRules?

    package init(zone: ZoneRules?) {
        self.zone = zone
    }

    package var expectation: String {
        guard let zone else { return "\(Instant.expectation); --time-zone is for times without" }
        return "a date and time, in \(zone.name) unless they name a zone"
    }

    /// `nil` when the text is no time, or names no zone and none was given.
    package func instant(_ text: String) -> Instant? {
        reading(text)?.instant
    }

    /// As ``instant(_:)``, with how often the clock showed the time.
    package func reading(_ text: String) -> (instant: Instant, localTime: LocalTime)? {
        if let instant = Instant(rfc3339: text) { return (instant, .once) }
        guard let zone else { return nil }
        let isDate = text.utf8.count == 10
        guard let local = Instant(rfc3339: isDate ? "\(text)T00:00:00Z" : "\(text)Z") else {
            return nil
        }
        let milliseconds = local.millisecondsSince1970
        return (
            zone.instant(localMilliseconds: milliseconds),
            zone.localTime(localMilliseconds: milliseconds)
        )
    }
}
