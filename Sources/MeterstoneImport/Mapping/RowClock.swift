package import MeterstoneCore

/// Reads the times of rows.
///
/// A time that names its offset is read as it stands. One that names none, such as
/// `2023-11-16 18:15:46.6805900` or `2023-11-16`, is a time on the clock of the given zone.
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
        if let instant = Instant(rfc3339: text) { return instant }
        guard let zone else { return nil }
        let isDate = text.utf8.count == 10
        guard let local = Instant(rfc3339: isDate ? "\(text)T00:00:00Z" : "\(text)Z") else {
            return nil
        }
        return zone.instant(localMilliseconds: local.millisecondsSince1970)
    }
}
