import ArgumentParser
import Foundation

/// Options that are settings: each takes its name and its help from the declaration of one, and its value
/// is read there.
protocol SettingArguments: ParsableArguments {}

extension SettingArguments {
    /// What was said, by flag. Each property is an option of the same name.
    var said: [String: String] {
        var said: [String: String] = [:]
        for child in Mirror(reflecting: self).children {
            guard let label = child.label?.dropFirst(),
                let text = (child.value as? Option<String?>)?.wrappedValue
            else { continue }
            said["--" + String(label).words(separatedBy: "-")] = text
        }
        return said
    }
}

extension ArgumentHelp {
    /// The sentence of a setting, with its variable and default.
    static func of<Value>(_ path: KeyPath<SettingTable, SettingKey<Value>>) -> ArgumentHelp {
        let facts = SettingTable.shared[keyPath: path].facts
        let standard = facts.standard == "none" ? "" : "; default \(facts.standard)"
        var sentence = facts.sentence.replacing("`", with: "")
        if sentence.hasSuffix(".") { sentence.removeLast() }
        return ArgumentHelp(
            "\(sentence) (\(facts.variable)\(standard)).",
            valueName: facts.valueName ?? (facts.kind == .wholeNumber ? "n" : nil))
    }
}

/// Where the store is, or the server that has one: commands that ask either take these.
struct ServiceArguments: SettingArguments {
    @Option(help: .of(\.data)) var data: String?
    @Option(help: .of(\.store)) var store: String?
    @Option(help: .of(\.server)) var server: String?
    @Option(help: .of(\.config)) var config: String?

    func settings() throws -> Settings {
        try Settings(said, environment: ProcessInfo.processInfo.environment, asksServer: true)
    }
}

/// Where the store is, for commands that work on the store itself.
struct StoreArguments: SettingArguments {
    @Option(help: .of(\.data)) var data: String?
    @Option(help: .of(\.store)) var store: String?
    @Option(help: .of(\.config)) var config: String?

    func settings() throws -> Settings {
        try Settings(said, environment: ProcessInfo.processInfo.environment)
    }
}

/// All other settings that a flag of `serve` may say. A test holds them equal to the declarations.
struct ServeArguments: SettingArguments {
    @Option(help: .of(\.host)) var host: String?
    @Option(help: .of(\.port)) var port: String?
    @Option(help: .of(\.tlsCertificate)) var tlsCertificate: String?
    @Option(help: .of(\.tlsKey)) var tlsKey: String?
    @Option(help: .of(\.blueprint)) var blueprint: String?
    @Option(help: .of(\.defaultTimeZone)) var defaultTimeZone: String?
    @Option(help: .of(\.logLevel)) var logLevel: String?
    @Option(help: .of(\.requestLog)) var requestLog: String?
    @Option(help: .of(\.backups)) var backups: String?
    @Option(help: .of(\.backupHours)) var backupHours: String?
    @Option(help: .of(\.backupsKept)) var backupsKept: String?
    @Option(help: .of(\.shipTo)) var shipTo: String?
    @Option(help: .of(\.archive)) var archive: String?
    @Option(help: .of(\.archiveDays)) var archiveDays: String?
    @Option(help: .of(\.textDays)) var textDays: String?
    @Option(help: .of(\.accessDays)) var accessDays: String?
    @Option(help: .of(\.deliveryDays)) var deliveryDays: String?
    @Option(help: .of(\.closeMonthDays)) var closeMonthDays: String?
    @Option(help: .of(\.mirror)) var mirror: String?
    @Option(help: .of(\.connections)) var connections: String?
    @Option(help: .of(\.bodies)) var bodiesMebibytes: String?
    @Option(help: .of(\.waitingCommands)) var waitingCommands: String?
    @Option(help: .of(\.cachedSubjects)) var cachedSubjects: String?
    @Option(help: .of(\.journalEvents)) var journalEvents: String?
    @Option(help: .of(\.eventIdDays)) var eventIdDays: String?
    @Option(help: .of(\.lateDays)) var lateDays: String?
    @Option(help: .of(\.earlySeconds)) var earlySeconds: String?
    @Option(help: .of(\.storedText)) var storedText: String?
    @Option(help: .of(\.isTrackingEnabled)) var usageTrackingEnabled: String?
    @Option(help: .of(\.areLimitsEnforced)) var usageLimitsEnforced: String?
    @Option(help: .of(\.isAnalyticsEnabled)) var usageAnalyticsEnabled: String?
    @Option(help: .of(\.areCreditsEnabled)) var creditsEnabled: String?
    @Option(help: .of(\.postgresReaders)) var postgresReaders: String?
    @Option(help: .of(\.postgresStatement)) var postgresStatementMilliseconds: String?
    @Option(help: .of(\.postgresLock)) var postgresLockMilliseconds: String?
    @Option(help: .of(\.postgresIdleTransaction)) var postgresIdleTransactionMilliseconds: String?
    @Option(help: .of(\.postgresCommit)) var postgresCommitMilliseconds: String?

    func settings(_ store: StoreArguments) throws -> Settings {
        try Settings(
            said.merging(store.said) { $1 }, environment: ProcessInfo.processInfo.environment)
    }
}
