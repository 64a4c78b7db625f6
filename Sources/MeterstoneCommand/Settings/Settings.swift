package import Meterstone
import MeterstoneCore

/// Everything that can be set, with where each value came from.
///
/// Flags come before the environment, the environment before the file, the file before the default.
package struct Settings: Sendable {
    package static let hostDefault = "127.0.0.1"
    package static let portDefault = 8_080
    package static let dataDefault = "./meterstone-data"
    private static let storedTextDefault = "first:100"

    package let host: Setting<String>
    package let port: Setting<Int>
    package let location: Setting<StoreLocation>
    /// A named blueprint or a path.
    package let blueprint: Setting<String>?
    package let defaultTimeZone: Setting<String>
    package let logLevel: Setting<String>
    package let eventIDDays: Setting<Int>?
    package let lateDays: Setting<Int>?
    package let earlySeconds: Setting<Int>
    package let cachedSubjects: Setting<Int>
    package let journalEvents: Setting<Int>
    package let waitingCommands: Setting<Int>
    package let connections: Setting<Int>
    package let postgres: PostgresSettings
    package let isTrackingEnabled: Setting<Bool>
    package let areLimitsEnforced: Setting<Bool>
    package let isAnalyticsEnabled: Setting<Bool>
    package let allowanceOverrides: [AllowanceOverride]
    /// `nil`: as the store's blueprint says.
    package let areCreditsEnabled: Setting<Bool>?
    package let creditOverrides: [CreditOverride]
    /// What is kept of the texts of requests.
    package let storedText: StoredText
    /// The same as it was written, with where it came from.
    let storedTextSetting: Setting<String>
    /// From the environment only: flags and files are seen by others.
    package let administratorKey: String?
    /// The configuration file, and who named it.
    package let configurationFile: Setting<String>?
    /// Variables with names like ours that mean nothing, each with what is to be said of it.
    package let unknownVariables: [UnknownVariable]

    package init(_ flags: SettingFlags, environment: [String: String]) async throws {
        let variable = "METERSTONE_CONFIG"
        let named = environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        configurationFile =
            flags.config.map { Setting($0, .flag("--config")) }
            ?? named.map { Setting($0, .variable(variable)) }
        unknownVariables = UnknownVariable.all(in: environment)
        let sources = try await SettingSources(
            flags: flags.contents, environment: environment, file: configurationFile?.value)
        host = try sources.text("host") ?? Setting(Self.hostDefault)
        port = try sources.wholeNumber("port", in: 0...65_535) ?? Setting(Self.portDefault)
        location = try Self.location(sources)
        blueprint = try sources.text("blueprint")
        defaultTimeZone = try sources.text("defaultTimeZone") ?? Setting("UTC")
        logLevel = try sources.text("logLevel") ?? Setting("info")
        eventIDDays = try sources.wholeNumber("eventIdDays", in: 1...36_500)
        lateDays = try sources.wholeNumber("lateDays", in: 0...36_500)
        earlySeconds =
            try sources.wholeNumber("earlySeconds", in: 0...315_360_000) ?? Setting(86_400)
        cachedSubjects =
            try sources.wholeNumber("cachedSubjects", in: 1...100_000_000) ?? Setting(1_000_000)
        journalEvents =
            try sources.wholeNumber("journalEvents", in: 1...100_000_000) ?? Setting(400_000)
        waitingCommands =
            try sources.wholeNumber("waitingCommands", in: 1...10_000_000) ?? Setting(100_000)
        connections =
            try sources.wholeNumber("connections", in: 1...1_000_000) ?? Setting(4_096)
        postgres = try PostgresSettings(sources)
        isTrackingEnabled = try sources.flag("usage.trackingEnabled") ?? Setting(true)
        areLimitsEnforced = try sources.flag("usage.limitsEnforced") ?? Setting(true)
        isAnalyticsEnabled = try sources.flag("usage.analyticsEnabled") ?? Setting(true)
        allowanceOverrides = try AllowanceOverride.all(in: environment)
        areCreditsEnabled = try sources.flag("credits.enabled")
        creditOverrides = try CreditOverride.all(in: environment)
        storedTextSetting =
            try sources.text("storedText") ?? Setting(Self.storedTextDefault)
        storedText = try Self.storedText(storedTextSetting)
        administratorKey = environment["METERSTONE_ADMIN_KEY"].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func storedText(_ setting: Setting<String>) throws -> StoredText {
        if let storedText = StoredText(setting.value) { return storedText }
        let message = "'\(setting.value)': expected nothing, first:N, hash or all"
        if case .file(let path) = setting.origin {
            throw CommandFailure(.usage, "\(path): storedText: \(message)")
        }
        throw CommandFailure(.usage, "\(setting.origin): \(message)")
    }

    private static func location(_ sources: SettingSources) throws -> Setting<StoreLocation> {
        let data = try sources.text("data")
        guard let store = try sources.text("store") else {
            return (data ?? Setting(dataDefault)).map { .directory($0) }
        }
        if let data, data.origin.precedes(store.origin) { return data.map { .directory($0) } }
        if let data, !store.origin.precedes(data.origin) {
            let message = "and \(data.origin) both say where the store is; leave one out"
            throw CommandFailure(.usage, "\(store.origin) \(message)")
        }
        return try store.map { try StoreLocation(url: $0, from: store.origin) }
    }
}

extension SettingOrigin {
    /// Whether this origin is asked earlier than the other.
    fileprivate func precedes(_ other: SettingOrigin) -> Bool {
        rank < other.rank
    }

    private var rank: Int {
        switch self {
        case .flag: 0
        case .variable: 1
        case .file: 2
        case .standard: 3
        }
    }
}
