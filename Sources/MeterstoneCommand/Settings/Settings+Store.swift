import Meterstone
import MeterstoneCore
package import MeterstoneStore

extension Settings {
    /// What the settings ask of a store.
    package func storeOptions() throws -> StoreOptions {
        let zones = ZoneDatabase()
        guard zones.rules(named: defaultTimeZone.value) != nil else {
            let message = "'\(defaultTimeZone.value)' is no time zone that this system knows"
            throw CommandFailure(.usage, "\(defaultTimeZone.origin): \(message)")
        }
        var options = StoreOptions()
        options.defaultTimeZone = defaultTimeZone.value
        options.zoneRules = { zones.rules(named: $0) }
        options.isTrackingEnabled = isTrackingEnabled.value
        options.areLimitsEnforced = areLimitsEnforced.value
        options.allowanceOverrides = Dictionary(
            allowanceOverrides.map { ($0.name, $0.allowance) }, uniquingKeysWith: { $1 })
        options.earlyMillisecondsMax = Int64(earlySeconds.value) * 1_000
        options.lateMillisecondsMax = lateDays.map { Int64($0.value) * 86_400_000 }
        options.eventIDMillisecondsMax = eventIDDays.map { Int64($0.value) * 86_400_000 }
        options.cachedSubjectsMax = cachedSubjects.value
        options.journalEventsMax = journalEvents.value
        return options
    }

    /// Name, value and origin of what decides how the server behaves, for the log at start-up.
    package var summary: [(name: String, value: String, origin: SettingOrigin)] {
        var lines = [
            ("host", host.value, host.origin),
            ("port", String(port.value), port.origin),
            ("store", location.value.description, location.origin),
            ("blueprint", blueprint?.value ?? "none", blueprint?.origin ?? .standard),
            ("default time zone", defaultTimeZone.value, defaultTimeZone.origin),
            ("log level", logLevel.value, logLevel.origin),
            ("event ids remembered", days(eventIDDays), eventIDDays?.origin ?? .standard),
            ("late events accepted", days(lateDays), lateDays?.origin ?? .standard),
            ("early events accepted", "\(earlySeconds.value) seconds", earlySeconds.origin),
            ("usage tracking", onOff(isTrackingEnabled), isTrackingEnabled.origin),
            ("limits enforced", onOff(areLimitsEnforced), areLimitsEnforced.origin),
            ("analytics", onOff(isAnalyticsEnabled), isAnalyticsEnabled.origin),
        ]
        for override in allowanceOverrides {
            let allowance =
                override.allowance.wire == -1 ? "unlimited" : "\(override.allowance.wire)"
            lines.append(("allowance \(override.name)", allowance, .variable(override.variable)))
        }
        return lines
    }

    private func days(_ setting: Setting<Int>?) -> String {
        setting.map { "\($0.value) days" } ?? "for ever"
    }

    private func onOff(_ setting: Setting<Bool>) -> String {
        setting.value ? "on" : "off"
    }
}
