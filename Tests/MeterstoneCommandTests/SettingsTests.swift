import Foundation
import Meterstone
import MeterstoneCommand
import MeterstoneCore
import MeterstoneStore
import Testing

@Suite struct SettingsTests {
    private func settings(
        _ environment: [String: String] = [:], file: String? = nil, flags: [String: String] = [:]
    ) throws -> Settings {
        guard let file else { return try Settings(flags, environment: environment) }
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).json")
        try file.write(to: url, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: url) }
        return try Settings(
            flags.merging(["--config": url.path]) { $1 }, environment: environment)
    }

    @Test func `defaults stand where nothing is said`() throws {
        let settings = try settings()
        #expect(settings.host == Setting("127.0.0.1"))
        #expect(settings.port == Setting(8_080))
        #expect(settings.location == Setting(.directory("./meterstone-data")))
        #expect(settings.defaultTimeZone == Setting("UTC"))
        #expect(settings.eventIdDays == Setting(nil))
        #expect(settings.isTrackingEnabled == Setting(true))
        #expect(settings.areCreditsEnabled.value == nil)
        #expect(settings.storedText.value == .first(100))
        #expect(settings.administratorKey.value == nil)
        #expect(settings.storeOptions.creditOverrides == CreditOverrides())
    }

    @Test func `flags come before the environment, the file and the default`() throws {
        let file = #"{"port": 3, "host": "file", "logLevel": "debug", "eventIdDays": 9}"#
        let environment = ["METERSTONE_PORT": "2", "METERSTONE_HOST": "environment"]
        let settings = try settings(environment, file: file, flags: ["--port": "1"])
        #expect(settings.port == Setting(1, .flag("--port")))
        #expect(settings.host == Setting("environment", .variable("METERSTONE_HOST")))
        #expect(settings.lines.first { $0.name == "logLevel" }?.value == "debug")
        #expect(settings.logLevel.origin.description.hasSuffix(".json"))
        #expect(settings.eventIdDays.value == 9)
        #expect(settings.defaultTimeZone == Setting("UTC"))
    }

    @Test func `variables have the names that the documentation gives them`() throws {
        let settings = try settings([
            "METERSTONE_HOST": "h", "METERSTONE_PORT": "1", "METERSTONE_DATA": "d",
            "METERSTONE_BLUEPRINT": "b", "METERSTONE_DEFAULT_TIME_ZONE": "Asia/Tokyo",
            "METERSTONE_LOG_LEVEL": "error", "METERSTONE_EVENT_ID_DAYS": "2",
            "METERSTONE_LATE_DAYS": "3", "METERSTONE_EARLY_SECONDS": "4",
            "METERSTONE_CACHED_SUBJECTS": "5", "METERSTONE_JOURNAL_EVENTS": "6",
            "METERSTONE_WAITING_COMMANDS": "7", "METERSTONE_CONNECTIONS": "8",
            "METERSTONE_ADMIN_KEY": "secret",
            "USAGE_TRACKING_ENABLED": "false", "USAGE_LIMITS_ENFORCED": "false",
            "USAGE_ANALYTICS_ENABLED": "false", "CREDITS_ENABLED": "true",
            "METERSTONE_STORED_TEXT": "hash", "METERSTONE_REQUEST_LOG": "text",
            "METERSTONE_BODIES_MEBIBYTES": "99", "METERSTONE_TOKEN_SECRET": "secret",
            "METERSTONE_TOKEN_ISSUER": "i", "METERSTONE_TOKEN_AUDIENCE": "a",
            "METERSTONE_TOKEN_KEYS": "k", "METERSTONE_ALLOWED_ORIGINS": "https://a.example",
            "METERSTONE_BACKUPS": "b", "METERSTONE_BACKUP_HOURS": "1",
            "METERSTONE_BACKUPS_KEPT": "2", "METERSTONE_WEBHOOK_PRIVATE_ADDRESSES": "true",
            "METERSTONE_MAIL_PROGRAM": "m", "METERSTONE_MAIL_FROM": "a@b.example",
            "METERSTONE_MIRROR": "sqlite:m.db", "METERSTONE_SHIP_TO": "s",
            "METERSTONE_SHIP_FACTS_KEPT": "9", "METERSTONE_ARCHIVE": "a",
            "METERSTONE_ARCHIVE_DAYS": "90", "METERSTONE_TEXT_DAYS": "95",
            "METERSTONE_STATEMENT_SECRET": "secret that is of thirty characters",
            "METERSTONE_CLOSE_MONTH_DAYS": "98",
            "METERSTONE_ACCESS_DAYS": "96", "METERSTONE_DELIVERY_DAYS": "97",
            "METERSTONE_TLS_CERTIFICATE": "c", "METERSTONE_TLS_KEY": "k",
            "METERSTONE_SHIP_ENDPOINT": "http://b.example",
            "METERSTONE_SHIP_REGION": "r", "METERSTONE_SHIP_KEY_ID": "i",
            "METERSTONE_SHIP_SECRET_KEY": "secret", "METERSTONE_SHIP_SESSION_TOKEN": "secret",
        ])
        let standard = settings.lines.filter { $0.origin == .standard }
        #expect(
            standard.map(\.name).filter { !$0.hasPrefix("postgres") }
                == ["config", "store", "server", "key"])
        #expect(settings.administratorKey.value == "secret")
        #expect(settings.isTrackingEnabled == Setting(false, .variable("USAGE_TRACKING_ENABLED")))
        #expect(settings.areLimitsEnforced == Setting(false, .variable("USAGE_LIMITS_ENFORCED")))
        #expect(settings.areCreditsEnabled == Setting(true, .variable("CREDITS_ENABLED")))
        #expect(settings.storedText.value == .hash)
        #expect(!settings.lines.contains { $0.value.contains("secret") })
        let options = settings.storeOptions
        #expect(options.defaultTimeZone == "Asia/Tokyo")
        #expect(options.eventIDMillisecondsMax == 172_800_000)
        #expect(options.lateMillisecondsMax == 259_200_000)
        #expect(options.earlyMillisecondsMax == 4_000)
        #expect(options.cachedSubjectsMax == 5)
        #expect(options.journalEventsMax == 6)
        #expect(options.shippedFactsKeptMax == 9)
        #expect(!options.isTrackingEnabled && !options.areLimitsEnforced)
    }

    /// A value that is not the default, as it stands in the file.
    private static func example(_ facts: SettingFacts) -> String {
        switch facts.kind {
        case .wholeNumber: "77"
        case .flag: facts.standard == "true" ? "false" : "true"
        case .text:
            switch facts.name {
            case "store", "mirror": #""sqlite:x""#
            case "logLevel": #""error""#
            case "defaultTimeZone": #""Asia/Tokyo""#
            case "storedText": #""hash""#
            case "requestLog": #""json""#
            case "allowedOrigins", "shipEndpoint": #""https://a.example""#
            case "mailFrom": #""a@b.example""#
            case "statementSecret": #""thirty-two characters are enough""#
            default: #""x""#
            }
        }
    }

    @Test func `every setting is read wherever it may be said, and shown`() throws {
        for facts in SettingTable.all where facts.name != "config" {
            let json = Self.example(facts)
            let text = json.replacing("\"", with: "")
            var found: [(value: String, origin: SettingOrigin)] = []
            func note(_ settings: Settings) {
                found += settings.lines.filter { $0.name == facts.name }.map { ($1, $2) }
            }
            if facts.places.contains(.flag) {
                note(try settings(flags: [facts.flag: text]))
                #expect(found.last?.origin == .flag(facts.flag))
            }
            if facts.places.contains(.variable) {
                note(try settings([facts.variable: text]))
                #expect(found.last?.origin == .variable(facts.variable))
            }
            if facts.places.contains(.file) {
                let parts = facts.name.split(separator: ".")
                let inner = #"{"\#(parts[parts.count - 1])": \#(json)}"#
                note(try settings(file: parts.count == 1 ? inner : #"{"\#(parts[0])": \#(inner)}"#))
                #expect(found.last?.origin.description.hasSuffix(".json") == true)
            }
            #expect(Set(found.map(\.value)).count == 1, "\(facts.name): \(found)")
            #expect(found.first?.value != facts.standard, "\(facts.name)")
        }
    }

    @Test func `defaults are values that could have been said`() throws {
        let absent: Set = ["none", "for ever", "as the store says"]
        for facts in SettingTable.all where !absent.contains(facts.standard) {
            #expect(facts.isUsable(facts.standard), "\(facts.name)")
        }
    }

    @Test func `flags of serve are the declared ones`() async throws {
        let help = try await Program.run(["serve", "--help"]).output
        let flags = help.matches(of: #/(?m)^  (--[a-z-]+) </#).map { String($0.1) }
        // The server is for commands that ask one.
        let declared = SettingTable.all.filter { $0.places.contains(.flag) }.map(\.flag)
            .filter { $0 != "--server" }
        #expect(flags.sorted() == declared.sorted())
        for flag in declared where flag != "--config" {
            let value = flag == "--store" ? "sqlite:x" : flag == "--data" ? "x" : "?"
            let ending = try await Program.run(["config", "show", flag, value])
            #expect((ending.output + ending.errors).contains(flag), "\(flag) reaches no setting")
        }
    }

    @Test func `the reference page is what the program prints`() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/reference/settings.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(
            text == SettingReference.page + "\n",
            "make reference writes docs/reference/settings.md anew")
    }

    @Test func `a server is asked where it is said before the store, and never by serve`() throws {
        func location(
            _ flags: [String: String], _ environment: [String: String] = [:], asks: Bool = true
        ) throws -> StoreLocation {
            try Settings(flags, environment: environment, asksServer: asks).location.value
        }
        let server = StoreLocation.server("http://a:1")
        #expect(try location(["--server": "http://a:1"]) == server)
        #expect(try location([:], ["METERSTONE_SERVER": "http://a:1"]) == server)
        #expect(
            try location(["--server": "http://a:1"], ["METERSTONE_DATA": "d"]) == server)
        #expect(
            try location(["--data": "d"], ["METERSTONE_SERVER": "http://a:1"]) == .directory("d"))
        #expect(
            try location([:], ["METERSTONE_SERVER": "http://a:1"], asks: false)
                == .directory("./meterstone-data"))
        for (flags, environment) in [
            (["--server": "http://a:1", "--data": "d"], [:]),
            ([:], ["METERSTONE_SERVER": "http://a:1", "METERSTONE_DATA": "d"]),
            (["--server": "http://a:1", "--store": "sqlite:d"], [:]),
        ] as [([String: String], [String: String])] {
            let failure = #expect(throws: CommandFailure.self) { try location(flags, environment) }
            #expect(failure?.message.contains("both say") == true)
        }
    }

    @Test func `where settings come from can be asked for`() async throws {
        let ending = try await Program.run(
            ["config", "show", "--port", "9", "--json"],
            ["METERSTONE_ADMIN_KEY": "do-not-tell", "METERSTONE_STORE": "postgres://u:secret@h/d"])
        #expect(ending.status == 0)
        for line in [
            #"{"from":"--port","name":"port","value":"9"}"#,
            #"{"from":"METERSTONE_ADMIN_KEY","name":"adminKey","value":"set"}"#,
            #"{"from":"METERSTONE_STORE","name":"store","value":"postgres://…@h/d"}"#,
            #"{"from":"default","name":"earlySeconds","value":"86400 seconds"}"#,
        ] { #expect(ending.output.contains(line)) }
        #expect(!ending.output.contains("secret") && !ending.output.contains("do-not-tell"))
    }

    @Test func `a secret may be the content of a file`() async throws {
        try await withFolder { folder in
            let path = folder + "/key"
            try "s3cret\n".write(toFile: path, atomically: true, encoding: .utf8)
            let settings = try settings(["METERSTONE_ADMIN_KEY_FILE": path])
            #expect(
                settings.administratorKey
                    == Setting("s3cret", .variable("METERSTONE_ADMIN_KEY_FILE")))
            for (environment, message) in [
                (["METERSTONE_ADMIN_KEY_FILE": path, "METERSTONE_ADMIN_KEY": "x"], "both say"),
                (["METERSTONE_ADMIN_KEY_FILE": path + "x"], "cannot read"),
                (["METERSTONE_STORE_FILE": path], "METERSTONE_STORE_FILE: expected sqlite:"),
            ] {
                let failure = #expect(throws: CommandFailure.self) {
                    _ = try self.settings(environment)
                }
                #expect(failure?.message.contains(message) == true)
                #expect(failure?.message.contains("s3cret") == false)
            }
        }
    }

    @Test func `a variable of ours that means nothing is an error that says what was meant`() throws
    {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try settings([
                "METERSTONE_PROT": "1", "METERSTONE_POST_FILE": "x", "METERSTONE_PORT_FILE": "x",
                "METERSTONE_EMPTY": "", "METERSTONE_ADMIN_KEY_FILE": "/nowhere",
            ])
        }
        #expect(failure?.status == .usage)
        #expect(
            failure?.message == """
                METERSTONE_PORT_FILE means nothing; did you mean 'METERSTONE_STORE_FILE'?
                METERSTONE_POST_FILE means nothing; did you mean 'METERSTONE_KEY_FILE'?
                METERSTONE_PROT means nothing; did you mean 'METERSTONE_PORT'?
                """)
    }

    @Test func `a variable that may be another program's is named`() throws {
        let settings = try settings([
            "CREDITS_ENABELD": "true", "USAGE_TRACKING": "false", "HOME": "/",
            "USAGE_LIMIT_PROMPTS_DAILY_FREE": "1", "CREDITS_COST_PROMPT": "1",
        ])
        #expect(
            settings.warnings == [
                "CREDITS_ENABELD means nothing; did you mean 'CREDITS_ENABLED'?",
                "USAGE_TRACKING means nothing",
            ])
    }

    @Test func `a byte order mark before the file is skipped`() throws {
        let settings = try settings(file: "\u{FEFF}{\"port\": 3}")
        #expect(settings.port.value == 3)
    }

    @Test func `the feature flags of the file have names of their own`() throws {
        let file = #"{"usage": {"trackingEnabled": false, "limitsEnforced": true}}"#
        let settings = try settings(["USAGE_LIMITS_ENFORCED": "false"], file: file)
        #expect(!settings.isTrackingEnabled.value)
        #expect(!settings.areLimitsEnforced.value)
    }

    @Test func `credits and stored text may stand in the file`() throws {
        let file = #"{"credits": {"enabled": true}, "storedText": "all"}"#
        let settings = try settings(["CREDITS_ENABLED": "false"], file: file)
        #expect(settings.areCreditsEnabled == Setting(false, .variable("CREDITS_ENABLED")))
        #expect(settings.storedText.value == .all)
    }

    @Test(
        arguments: [
            ("nothing", .nothing), ("first:1", .first(1)), ("first:100", .first(100)),
            ("hash", .hash), ("all", .all),
        ] as [(String, StoredText)])
    func `stored text has four words`(word: String, storedText: StoredText) throws {
        let settings = try settings(["METERSTONE_STORED_TEXT": word])
        #expect(settings.storedText.value == storedText)
        let line = try #require(settings.lines.first { $0.name == "storedText" })
        #expect(line.value == word)
        #expect(line.origin == .variable("METERSTONE_STORED_TEXT"))
    }

    @Test func `credits of the environment reach the store and the log`() throws {
        let settings = try settings([
            "CREDITS_ENABLED": "1", "CREDITS_DAILY_REFILL_FREE": "100",
            "CREDITS_DAILY_REFILL_PRO": "0", "CREDITS_COST_PROMPT": "10",
        ])
        #expect(
            settings.storeOptions.creditOverrides
                == CreditOverrides(
                    isEnabled: true, dailyRefills: ["FREE": 100, "PRO": 0], costs: ["PROMPT": 10]))
        let lines = settings.lines.filter { $0.value.hasSuffix(" credits") }
        #expect(
            lines.map(\.name) == [
                "CREDITS_COST_PROMPT", "CREDITS_DAILY_REFILL_FREE", "CREDITS_DAILY_REFILL_PRO",
            ])
        #expect(lines.map(\.value) == ["10 credits", "100 credits", "0 credits"])
        #expect(lines.first?.origin == .variable("CREDITS_COST_PROMPT"))
    }

    @Test func `a variable that is set to nothing is not set`() throws {
        let settings = try settings([
            "METERSTONE_PORT": "", "METERSTONE_ADMIN_KEY": "", "METERSTONE_CONFIG": "",
            "USAGE_LIMIT_PROMPTS_DAILY_FREE": "", "CREDITS_ENABLED": "",
            "CREDITS_DAILY_REFILL_FREE": "", "CREDITS_COST_PROMPT": "",
            "METERSTONE_STORED_TEXT": "",
        ])
        #expect(settings.port == Setting(8_080))
        #expect(settings.administratorKey.value == nil)
        #expect(settings.overrides == [])
        #expect(settings.areCreditsEnabled.value == nil)
        #expect(settings.storedText.value == .first(100))
    }

    @Test(
        arguments: [
            (
                "METERSTONE_PORT", "http",
                "METERSTONE_PORT: 'http': expected a whole number from 0 to 65535"
            ),
            (
                "METERSTONE_PORT", "65536",
                "METERSTONE_PORT: '65536': expected a whole number from 0 to 65535"
            ),
            (
                "METERSTONE_EVENT_ID_DAYS", "0",
                "METERSTONE_EVENT_ID_DAYS: '0': expected a whole number"
            ),
            (
                "USAGE_LIMITS_ENFORCED", "maybe",
                "USAGE_LIMITS_ENFORCED: 'maybe': expected true or false"
            ),
            ("METERSTONE_STORE", "redis://x", "METERSTONE_STORE: expected sqlite:DIR"),
            ("METERSTONE_STORE", "sqlite:", "METERSTONE_STORE: expected sqlite:DIR"),
            (
                "METERSTONE_STORE", "postgres:x",
                "METERSTONE_STORE: expected sqlite:DIRECTORY or postgres://"
            ),
            (
                "METERSTONE_POSTGRES_READERS", "0",
                "METERSTONE_POSTGRES_READERS: '0': expected a whole"
            ),
            (
                "METERSTONE_DEFAULT_TIME_ZONE", "Mars/Olympus",
                "METERSTONE_DEFAULT_TIME_ZONE: 'Mars/Olympus': expected a time zone that this"
            ),
            ("METERSTONE_LOG_LEVEL", "loud", "METERSTONE_LOG_LEVEL: 'loud': expected one of trace"),
            ("METERSTONE_CONFIG", "/nowhere", "--config: cannot read '/nowhere'"),
            (
                "USAGE_LIMIT_A_FREE", "-2",
                "USAGE_LIMIT_A_FREE: '-2': expected a whole number from 0"
            ),
            ("CREDITS_ENABLED", "maybe", "CREDITS_ENABLED: 'maybe': expected true or false"),
            (
                "CREDITS_DAILY_REFILL_FREE", "-1",
                "CREDITS_DAILY_REFILL_FREE: '-1': expected a whole number from 0"
            ),
            ("CREDITS_COST_PROMPT", "1.5", "CREDITS_COST_PROMPT: '1.5': expected a whole number"),
            (
                "METERSTONE_STORED_TEXT", "some",
                "METERSTONE_STORED_TEXT: 'some': expected nothing, first:N with N"
            ),
            (
                "METERSTONE_STORED_TEXT", "first:",
                "METERSTONE_STORED_TEXT: 'first:': expected nothing, first:N with N"
            ),
        ])
    func `a value that cannot be used is an error that names it`(
        variable: String, value: String, message: String
    ) throws {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try settings([variable: value])
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
            (#"{"storedText": 100}"#, "storedText: expected nothing, first:N"),
            (#"{"port": 1.5}"#, "port: expected a text, a whole number, true or false"),
            (#"{"adminKey": "x"}"#, "adminKey: unknown"),
            (#"{"storedText": "some"}"#, "storedText: 'some': expected nothing, first:N with"),
        ])
    func `a mistake in the file names the file and the field`(
        file: String, message: String
    ) throws {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try settings(file: file)
        }
        #expect(failure?.message.contains(".json: \(message)") == true)
    }

    @Test func `every unknown name in the file is told, with what was meant`() throws {
        let file = #"{"prot": 1, "usage": {"trackingEnable": true}, "limits": {}, "x": {"y": 1}}"#
        let failure = #expect(throws: CommandFailure.self) {
            _ = try settings(file: file)
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
    func `a file that is no JSON object is an error`(file: String) throws {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try settings(file: file)
        }
        #expect(failure?.message.hasSuffix("is not a JSON object") == true)
    }

    @Test func `the store has one place`() throws {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try settings(flags: ["--data": "a", "--store": "sqlite:b"])
        }
        #expect(failure?.status == .usage)
        let flag = try settings(["METERSTONE_STORE": "sqlite:b"], flags: ["--data": "a"])
        #expect(flag.location.value == .directory("a"))
        let url = try settings(["METERSTONE_DATA": "a"], flags: ["--store": "sqlite:b"])
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
        let settings = try Settings(
            [:],
            environment: [
                "USAGE_LIMIT_B_FREE": "10", "USAGE_LIMIT_A_PRO": "-1",
                "USAGE_LIMITS_ENFORCED": "true",
            ])
        #expect(
            settings.storeOptions.allowanceOverrides == ["A_PRO": .unlimited, "B_FREE": .units(10)])
        #expect(settings.overrides.map(\.text) == ["unlimited", "10"])
    }

    @Test func `every mistake is told`() {
        let failure = #expect(throws: CommandFailure.self) {
            _ = try VariableOverride.all(in: ["USAGE_LIMIT_A_B": "ten", "USAGE_LIMIT_C_D": "1.5"])
        }
        #expect(failure?.message.split(separator: "\n").count == 2)
    }

    @Test func `a name that is for no limit and plan is found, with what was meant`() throws {
        let overrides = try VariableOverride.all(in: [
            "USAGE_LIMIT_PROMPTS_DAILY_V2_FREE": "1", "USAGE_LIMIT_PROMPTS_DAILY_V2_TEAM": "1",
            "USAGE_LIMIT_EXPORTS_MONTHLY_X_Y": "1", "USAGE_LIMIT_PROMPT_DAILY_V2_FREE": "1",
        ])
        #expect(
            overrides.compactMap { $0.mistake(with: blueprint) } == [
                "USAGE_LIMIT_EXPORTS_MONTHLY_X_Y is for no limit and plan of the store",
                "USAGE_LIMIT_PROMPT_DAILY_V2_FREE is for no limit and plan of the store; "
                    + "did you mean 'USAGE_LIMIT_PROMPTS_DAILY_V2_FREE'?",
            ])
    }
}
