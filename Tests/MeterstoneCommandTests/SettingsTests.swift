import Foundation
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneStore
import Testing

@Suite struct SettingsTests {
    private func settings(
        _ environment: [String: String] = [:], file: String? = nil,
        _ change: (inout SettingFlags) -> Void = { _ in }
    ) async throws -> Settings {
        var flags = SettingFlags()
        change(&flags)
        guard let file else { return try await Settings(flags, environment: environment) }
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).json")
        try file.write(to: url, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: url) }
        flags.config = url.path
        return try await Settings(flags, environment: environment)
    }

    @Test func `defaults stand where nothing is said`() async throws {
        let settings = try await settings()
        #expect(settings.host == Setting("127.0.0.1"))
        #expect(settings.port == Setting(8_080))
        #expect(settings.location == Setting(.directory("./meterstone-data")))
        #expect(settings.defaultTimeZone == Setting("UTC"))
        #expect(settings.eventIDDays == nil)
        #expect(settings.isTrackingEnabled == Setting(true))
        #expect(settings.areCreditsEnabled == nil)
        #expect(settings.storedText == .first(100))
        #expect(settings.administratorKey == nil)
        #expect(try settings.storeOptions().creditOverrides == CreditOverrides())
    }

    @Test func `flags come before the environment, the file and the default`() async throws {
        let file = #"{"port": 3, "host": "file", "logLevel": "debug", "eventIdDays": 9}"#
        let environment = ["METERSTONE_PORT": "2", "METERSTONE_HOST": "environment"]
        let settings = try await settings(environment, file: file) { $0.port = 1 }
        #expect(settings.port == Setting(1, .flag("--port")))
        #expect(settings.host == Setting("environment", .variable("METERSTONE_HOST")))
        #expect(settings.logLevel.value == "debug")
        #expect(settings.logLevel.origin.description.hasSuffix(".json"))
        #expect(settings.eventIDDays?.value == 9)
        #expect(settings.defaultTimeZone == Setting("UTC"))
    }

    @Test func `variables have the names that the documentation gives them`() async throws {
        let settings = try await settings([
            "METERSTONE_HOST": "h", "METERSTONE_PORT": "1", "METERSTONE_DATA": "d",
            "METERSTONE_BLUEPRINT": "b", "METERSTONE_DEFAULT_TIME_ZONE": "Asia/Tokyo",
            "METERSTONE_LOG_LEVEL": "error", "METERSTONE_EVENT_ID_DAYS": "2",
            "METERSTONE_LATE_DAYS": "3", "METERSTONE_EARLY_SECONDS": "4",
            "METERSTONE_CACHED_SUBJECTS": "5", "METERSTONE_JOURNAL_EVENTS": "6",
            "METERSTONE_WAITING_COMMANDS": "7", "METERSTONE_CONNECTIONS": "8",
            "METERSTONE_ADMIN_KEY": "secret",
            "USAGE_TRACKING_ENABLED": "false", "USAGE_LIMITS_ENFORCED": "false",
            "USAGE_ANALYTICS_ENABLED": "false", "CREDITS_ENABLED": "true",
            "METERSTONE_STORED_TEXT": "hash",
        ])
        let standard = settings.summary.filter { $0.origin == .standard }
        #expect(standard.map(\.name) == [])
        #expect(settings.administratorKey == "secret")
        #expect(settings.isTrackingEnabled == Setting(false, .variable("USAGE_TRACKING_ENABLED")))
        #expect(settings.areLimitsEnforced == Setting(false, .variable("USAGE_LIMITS_ENFORCED")))
        #expect(settings.areCreditsEnabled == Setting(true, .variable("CREDITS_ENABLED")))
        #expect(settings.storedText == .hash)
        #expect(!settings.summary.contains { $0.value.contains("secret") })
        let options = try settings.storeOptions()
        #expect(options.defaultTimeZone == "Asia/Tokyo")
        #expect(options.eventIDMillisecondsMax == 172_800_000)
        #expect(options.lateMillisecondsMax == 259_200_000)
        #expect(options.earlyMillisecondsMax == 4_000)
        #expect(options.cachedSubjectsMax == 5)
        #expect(options.journalEventsMax == 6)
        #expect(!options.isTrackingEnabled && !options.areLimitsEnforced)
    }

    /// The rows of the table in the reference: flag, variable, name in the file.
    private static func documented() throws -> [(flag: String, variable: String, name: String)] {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/reference/configuration.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.replacing("`", with: "").trimmingCharacters(in: .whitespaces)
            }
            guard line.hasPrefix("| "), cells.count == 6, cells[1] != "flag", cells[1] != "---"
            else { return nil }
            return (cells[1], cells[2], cells[3])
        }
    }

    /// A value that is not the default, as it stands in the file.
    private static func example(_ name: String) -> String {
        switch name {
        case "host", "data", "blueprint": #""x""#
        case "store": #""sqlite:x""#
        case "logLevel": #""error""#
        case "defaultTimeZone": #""Asia/Tokyo""#
        case "storedText": #""hash""#
        case "usage.trackingEnabled", "usage.limitsEnforced", "usage.analyticsEnabled": "false"
        case "credits.enabled": "true"
        default: "17"
        }
    }

    @Test func `every documented setting works in the file, and in the environment`() async throws {
        let rows = try Self.documented().filter { !$0.name.isEmpty }
        #expect(rows.count == ConfigurationFile.names.count)
        #expect(Set(rows.map(\.name)) == ConfigurationFile.names)
        for row in rows {
            let value = Self.example(row.name)
            let parts = row.name.split(separator: ".").map(String.init)
            let inner = #"{"\#(parts[parts.count - 1])": \#(value)}"#
            let file = parts.count == 1 ? inner : #"{"\#(parts[0])": \#(inner)}"#
            let fromFile = try await settings(file: file).summary.filter { line in
                if case .file = line.origin { return line.name != "configuration file" }
                return false
            }
            #expect(fromFile.count == 1, "\(row.name) in the file")
            let environment = [row.variable: value.replacing("\"", with: "")]
            let fromEnvironment = try await settings(environment).summary.filter {
                $0.origin == .variable(row.variable)
            }
            #expect(fromEnvironment.count == 1, "\(row.variable)")
            #expect(fromEnvironment.map(\.value) == fromFile.map(\.value))
        }
    }

    @Test func `every documented flag is one of serve`() throws {
        let help = try Program.run(["serve", "--help"]).output
        for row in try Self.documented() where !row.flag.isEmpty {
            #expect(help.contains("\(row.flag) <"), "\(row.flag)")
        }
    }

    @Test func `start-up shows every setting of a database`() async throws {
        let settings = try await settings { $0.store = "postgres://x@db/meterstone" }
        let names = settings.summary.map(\.name)
        #expect(names.count { $0.hasPrefix("PostgreSQL ") } == 5)
        #expect(names.contains("commands waiting") && names.contains("subjects kept in memory"))
    }

    @Test func `a variable that means nothing is named`() async throws {
        let settings = try await settings([
            "METERSTONE_PROT": "1", "CREDITS_ENABELD": "true", "USAGE_TRACKING": "false",
            "METERSTONE_EMPTY": "", "USAGE_LIMIT_PROMPTS_DAILY_FREE": "1", "HOME": "/",
            "CREDITS_COST_PROMPT": "1", "METERSTONE_ADMIN_KEY": "k", "METERSTONE_PORT": "1",
        ])
        #expect(
            settings.unknownVariables.map(\.warning) == [
                "CREDITS_ENABELD means nothing; did you mean 'CREDITS_ENABLED'?",
                "METERSTONE_PROT means nothing; did you mean 'METERSTONE_PORT'?",
                "USAGE_TRACKING means nothing",
            ])
    }

    @Test func `a byte order mark before the file is skipped`() async throws {
        let settings = try await settings(file: "\u{FEFF}{\"port\": 3}")
        #expect(settings.port.value == 3)
    }

    @Test func `the feature flags of the file have names of their own`() async throws {
        let file = #"{"usage": {"trackingEnabled": false, "limitsEnforced": true}}"#
        let settings = try await settings(["USAGE_LIMITS_ENFORCED": "false"], file: file)
        #expect(!settings.isTrackingEnabled.value)
        #expect(!settings.areLimitsEnforced.value)
    }

    @Test func `credits and stored text may stand in the file`() async throws {
        let file = #"{"credits": {"enabled": true}, "storedText": "all"}"#
        let settings = try await settings(["CREDITS_ENABLED": "false"], file: file)
        #expect(settings.areCreditsEnabled == Setting(false, .variable("CREDITS_ENABLED")))
        #expect(settings.storedText == .all)
    }

    @Test(
        arguments: [
            ("nothing", .nothing), ("first:1", .first(1)), ("first:100", .first(100)),
            ("hash", .hash), ("all", .all),
        ] as [(String, StoredText)])
    func `stored text has four words`(word: String, storedText: StoredText) async throws {
        let settings = try await settings(["METERSTONE_STORED_TEXT": word])
        #expect(settings.storedText == storedText)
        let line = try #require(settings.summary.first { $0.name == "stored text" })
        #expect(line.value == word)
        #expect(line.origin == .variable("METERSTONE_STORED_TEXT"))
    }

    @Test func `credits of the environment reach the store and the log`() async throws {
        let settings = try await settings([
            "CREDITS_ENABLED": "1", "CREDITS_DAILY_REFILL_FREE": "100",
            "CREDITS_DAILY_REFILL_PRO": "0", "CREDITS_COST_PROMPT": "10",
        ])
        #expect(
            try settings.storeOptions().creditOverrides
                == CreditOverrides(
                    isEnabled: true, dailyRefills: ["FREE": 100, "PRO": 0], costs: ["PROMPT": 10]))
        let lines = settings.summary.filter { $0.value.hasSuffix(" credits") }
        #expect(lines.map(\.name) == ["cost PROMPT", "daily refill FREE", "daily refill PRO"])
        #expect(lines.map(\.value) == ["10 credits", "100 credits", "0 credits"])
        #expect(lines.first?.origin == .variable("CREDITS_COST_PROMPT"))
    }

    @Test func `a variable that is set to nothing is not set`() async throws {
        let settings = try await settings([
            "METERSTONE_PORT": "", "METERSTONE_ADMIN_KEY": "", "METERSTONE_CONFIG": "",
            "USAGE_LIMIT_PROMPTS_DAILY_FREE": "", "CREDITS_ENABLED": "",
            "CREDITS_DAILY_REFILL_FREE": "", "CREDITS_COST_PROMPT": "",
            "METERSTONE_STORED_TEXT": "",
        ])
        #expect(settings.port == Setting(8_080))
        #expect(settings.administratorKey == nil)
        #expect(settings.allowanceOverrides == [])
        #expect(settings.areCreditsEnabled == nil)
        #expect(settings.creditOverrides == [])
        #expect(settings.storedText == .first(100))
    }

    @Test(
        arguments: [
            ("METERSTONE_PORT", "http", "METERSTONE_PORT: expected a whole number from 0 to 65535"),
            (
                "METERSTONE_PORT", "65536",
                "METERSTONE_PORT: expected a whole number from 0 to 65535"
            ),
            ("METERSTONE_EVENT_ID_DAYS", "0", "METERSTONE_EVENT_ID_DAYS: expected a whole number"),
            ("USAGE_LIMITS_ENFORCED", "maybe", "USAGE_LIMITS_ENFORCED: expected true or false"),
            ("METERSTONE_STORE", "redis://x", "METERSTONE_STORE: 'redis://x': expected sqlite:DIR"),
            ("METERSTONE_STORE", "sqlite:", "METERSTONE_STORE: 'sqlite:': expected sqlite:DIR"),
            (
                "METERSTONE_STORE", "postgres:x",
                "METERSTONE_STORE: 'postgres:x': expected sqlite:DIRECTORY or postgres://"
            ),
            ("METERSTONE_POSTGRES_READERS", "0", "METERSTONE_POSTGRES_READERS: expected a whole"),
            ("METERSTONE_CONFIG", "/nowhere", "--config: cannot read '/nowhere'"),
            (
                "USAGE_LIMIT_A_FREE", "-2",
                "USAGE_LIMIT_A_FREE: '-2': expected a whole number from 0"
            ),
            ("CREDITS_ENABLED", "maybe", "CREDITS_ENABLED: expected true or false"),
            (
                "CREDITS_DAILY_REFILL_FREE", "-1",
                "CREDITS_DAILY_REFILL_FREE: '-1': expected a whole number from 0"
            ),
            ("CREDITS_COST_PROMPT", "1.5", "CREDITS_COST_PROMPT: '1.5': expected a whole number"),
            (
                "METERSTONE_STORED_TEXT", "some",
                "METERSTONE_STORED_TEXT: 'some': expected nothing, first:N, hash or all"
            ),
            (
                "METERSTONE_STORED_TEXT", "first:",
                "METERSTONE_STORED_TEXT: 'first:': expected nothing, first:N, hash or all"
            ),
        ])
    func `a value that cannot be used is an error that names it`(
        variable: String, value: String, message: String
    ) async throws {
        let failure = await #expect(throws: CommandFailure.self) {
            _ = try await settings([variable: value])
        }
        #expect(failure?.status == .usage)
        #expect(failure?.message.hasPrefix(message) == true)
    }

    @Test(
        arguments: [
            (#"{"port": "1"}"#, "port: expected a whole number from 0 to 65535"),
            (#"{"usage": {"trackingEnabled": "no"}}"#, "usage.trackingEnabled: expected true"),
            (#"{"credits": {"enabled": "off"}}"#, "credits.enabled: expected true"),
            (#"{"credits": {"enable": true}}"#, "credits.enable: unknown; did you mean"),
            (#"{"storedText": 100}"#, "storedText: expected a text"),
            (#"{"storedText": "some"}"#, "storedText: 'some': expected nothing, first:N, hash"),
        ])
    func `a mistake in the file names the file and the field`(
        file: String, message: String
    ) async throws {
        let failure = await #expect(throws: CommandFailure.self) {
            _ = try await settings(file: file)
        }
        #expect(failure?.message.contains(".json: \(message)") == true)
    }

    @Test func `every unknown name in the file is told, with what was meant`() async throws {
        let file = #"{"prot": 1, "usage": {"trackingEnable": true}, "limits": {}, "x": {"y": 1}}"#
        let failure = await #expect(throws: CommandFailure.self) {
            _ = try await settings(file: file)
        }
        let lines = failure?.message.split(separator: "\n").map {
            $0.split(separator: ".json: ")[1]
        }
        #expect(
            lines == [
                "prot: unknown; did you mean 'port'?",
                "usage.trackingEnable: unknown; did you mean 'usage.trackingEnabled'?",
                "x.y: unknown",
            ])
    }

    @Test(arguments: ["[]", "{", ""])
    func `a file that is no JSON object is an error`(file: String) async throws {
        let failure = await #expect(throws: CommandFailure.self) {
            _ = try await settings(file: file)
        }
        #expect(failure?.message.hasSuffix("is not a JSON object") == true)
    }

    @Test func `an unknown time zone is an error that names where it came from`() async throws {
        let settings = try await settings(["METERSTONE_DEFAULT_TIME_ZONE": "Mars/Olympus"])
        let failure = #expect(throws: CommandFailure.self) { _ = try settings.storeOptions() }
        #expect(failure?.message.hasPrefix("METERSTONE_DEFAULT_TIME_ZONE: 'Mars/Olympus'") == true)
    }

    @Test func `the store has one place`() async throws {
        let failure = await #expect(throws: CommandFailure.self) {
            _ = try await settings {
                $0.data = "a"
                $0.store = "sqlite:b"
            }
        }
        #expect(failure?.status == .usage)
        let flag = try await settings(["METERSTONE_STORE": "sqlite:b"]) { $0.data = "a" }
        #expect(flag.location.value == .directory("a"))
        let url = try await settings(["METERSTONE_DATA": "a"]) { $0.store = "sqlite:b" }
        #expect(url.location == Setting(.directory("b"), .flag("--store")))
    }
}

@Suite struct AllowanceOverrideTests {
    private let blueprint = Blueprint(
        plans: [Plan(key: PlanKey(unchecked: "team"))],
        limits: [
            Limit(
                key: LimitKey(unchecked: "prompts-daily.v2"), meter: MeterKey(unchecked: "prompts"),
                window: .day, allowances: [PlanKey(unchecked: "free"): .units(10)])
        ])

    @Test func `each variable with the prefix gives an allowance`() throws {
        let overrides = try AllowanceOverride.all(in: [
            "USAGE_LIMIT_B_FREE": "10", "USAGE_LIMIT_A_PRO": "-1", "USAGE_LIMITS_ENFORCED": "x",
        ])
        #expect(overrides.map(\.name) == ["A_PRO", "B_FREE"])
        #expect(overrides.map(\.allowance) == [.unlimited, .units(10)])
    }

    @Test func `every mistake is told`() {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try AllowanceOverride.all(in: ["USAGE_LIMIT_A_B": "ten", "USAGE_LIMIT_C_D": "1.5"])
        }
        #expect(failure?.message.split(separator: "\n").count == 2)
    }

    @Test func `a name that is for no limit and plan is found`() throws {
        let overrides = try AllowanceOverride.all(in: [
            "USAGE_LIMIT_PROMPTS_DAILY_V2_FREE": "1", "USAGE_LIMIT_PROMPTS_DAILY_V2_TEAM": "1",
            "USAGE_LIMIT_PROMPTS_DAILY_V2_PRO": "1", "USAGE_LIMIT_PROMPT_DAILY_V2_FREE": "1",
        ])
        let unknown = AllowanceOverride.withoutLimit(overrides, blueprint)
        #expect(unknown.map(\.name) == ["PROMPTS_DAILY_V2_PRO", "PROMPT_DAILY_V2_FREE"])
    }
}
