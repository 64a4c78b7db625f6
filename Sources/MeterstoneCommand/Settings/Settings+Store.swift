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
        options.creditOverrides = CreditOverrides(
            isEnabled: areCreditsEnabled?.value, creditOverrides)
        options.earlyMillisecondsMax = Int64(earlySeconds.value) * 1_000
        options.lateMillisecondsMax = lateDays.map { Int64($0.value) * 86_400_000 }
        options.eventIDMillisecondsMax = eventIDDays.map { Int64($0.value) * 86_400_000 }
        options.cachedSubjectsMax = cachedSubjects.value
        options.journalEventsMax = journalEvents.value
        return options
    }

    package typealias SummaryLine = (name: String, value: String, origin: SettingOrigin)

    /// Name, value and origin of every setting, for the log at start-up.
    package var summary: [SummaryLine] {
        var lines: [SummaryLine] = []
        if let configurationFile {
            let (path, origin) = (configurationFile.value, configurationFile.origin)
            lines.append(("configuration file", path, origin))
        }
        lines += [
            ("host", host.value, host.origin),
            ("port", String(port.value), port.origin),
            ("store", location.value.description, location.origin),
            ("blueprint", blueprint?.value ?? "none", blueprint?.origin ?? .standard),
            ("default time zone", defaultTimeZone.value, defaultTimeZone.origin),
            ("connections", String(connections.value), connections.origin),
            ("log level", logLevel.value, logLevel.origin),
            ("event ids remembered", days(eventIDDays), eventIDDays?.origin ?? .standard),
            ("late events accepted", days(lateDays), lateDays?.origin ?? .standard),
            ("early events accepted", "\(earlySeconds.value) seconds", earlySeconds.origin),
            ("usage tracking", onOff(isTrackingEnabled), isTrackingEnabled.origin),
            ("limits enforced", onOff(areLimitsEnforced), areLimitsEnforced.origin),
            ("analytics", onOff(isAnalyticsEnabled), isAnalyticsEnabled.origin),
            ("stored text", storedTextSetting.value, storedTextSetting.origin),
            ("subjects kept in memory", String(cachedSubjects.value), cachedSubjects.origin),
            ("events waiting in the journal", String(journalEvents.value), journalEvents.origin),
            ("commands waiting", String(waitingCommands.value), waitingCommands.origin),
        ]
        if administratorKey != nil {
            // That there is one, and never what it is.
            lines.append(("administrator key", "set", .variable("METERSTONE_ADMIN_KEY")))
        }
        lines += postgresLines
        for override in allowanceOverrides {
            let allowance =
                override.allowance.wire == -1 ? "unlimited" : "\(override.allowance.wire)"
            lines.append(("allowance \(override.name)", allowance, .variable(override.variable)))
        }
        return lines + creditLines
    }

    /// Nothing, unless there is a database or somebody set one of them.
    private var postgresLines: [SummaryLine] {
        let lines: [SummaryLine] = [
            ("PostgreSQL readers", String(postgres.readers.value), postgres.readers.origin),
            milliseconds("statement", postgres.statementMilliseconds),
            milliseconds("lock", postgres.lockMilliseconds),
            milliseconds("idle transaction", postgres.idleTransactionMilliseconds),
            milliseconds("commit", postgres.commitMilliseconds),
        ]
        if case .postgres = location.value { return lines }
        return lines.filter { $0.origin != .standard }
    }

    private func milliseconds(_ what: String, _ setting: Setting<Int>) -> SummaryLine {
        ("PostgreSQL \(what) at most", "\(setting.value) milliseconds", setting.origin)
    }

    private var creditLines: [SummaryLine] {
        let credits = areCreditsEnabled.map(onOff) ?? "as the store says"
        var lines: [SummaryLine] = [
            ("credits", credits, areCreditsEnabled?.origin ?? .standard)
        ]
        for override in creditOverrides {
            let kind = override.kind == .dailyRefill ? "daily refill" : "cost"
            let origin = SettingOrigin.variable(override.variable)
            lines.append(("\(kind) \(override.name)", "\(override.credits) credits", origin))
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
