package import Logging
package import Meterstone
import MeterstoneCore
package import MeterstoneMirror
package import MeterstoneServer
package import MeterstoneShipping

/// Everything that can be set, each declared here and nowhere else. Reading, the flags' help, the log at
/// start, `meterstone config show` and the reference page are made of these lines.
package struct SettingTable: Sendable {
    package let config = SettingKey<String?>(
        "config", valueName: "file", "A JSON file with settings."
    ).only([.flag, .variable])
    package let host = SettingKey("host", standard: "127.0.0.1", "The address to bind to.")
    package let port = SettingKey(
        "port", in: 0...65_535, standard: 8_080, "The port; 0 takes a free one.")
    package let tlsCertificate = SettingKey<String?>(
        "tlsCertificate", valueName: "file",
        "The certificate that the server speaks HTTPS with, in PEM form, those between it and the root behind it."
    )
    package let tlsKey = SettingKey<String?>(
        "tlsKey", valueName: "file", "The certificate's private key, in PEM form.")
    package let administratorKey = SettingKey<String?>(
        "adminKey", "The administrator's key, which may do everything and stands in no store."
    ).only(.variable).secret
    package let tokenSecret = SettingKey<String?>(
        "tokenSecret",
        "What tokens of subjects are signed with; without it, what the administrator's key gives."
    ).only(.variable).secret
    package let statementSecret = SettingKey<StatementSecret?>(
        "statementSecret", standard: nil, shown: "none",
        expectation: "a text of at least \(StatementSecret.charactersMin) characters",
        "What statements of closed months are signed with; without it they are not.",
        read: { text in StatementSecret(text).map { .some($0) } }
    ).only(.variable).secret
    package let tokenIssuer = SettingKey<String?>(
        "tokenIssuer", "Who else signs tokens of subjects: what `iss` says."
    ).only([.variable, .file])
    package let tokenAudience = SettingKey(
        "tokenAudience", standard: "meterstone", "What `aud` of that issuer's tokens has to name."
    ).only([.variable, .file])
    package let tokenKeys = SettingKey<String?>(
        "tokenKeys", "Where that issuer's keys are, a JSON Web Key Set: a file or an https URL."
    ).only([.variable, .file])
    package let allowedOrigins = SettingKey(
        "allowedOrigins", standard: [String](), shown: "none",
        expectation: "origins with commas between, such as https://app.example.com",
        "Of which places pages may ask the server, with a key or a token.",
        read: { text in
            let origins = text.split(separator: ",").map { $0.filter { $0 != " " } }
            return origins.allSatisfy { $0.hasPrefix("https://") || $0.hasPrefix("http://") }
                ? origins : nil
        }
    ).only([.variable, .file])
    package let data = SettingKey(
        "data", standard: "./meterstone-data", valueName: "dir", "The folder of the store.")
    package let store = SettingKey<StoreLocation?>(
        "store", standard: nil, shown: "none", expectation: StoreLocation.expectation,
        valueName: "url", "The store as a URL: sqlite:DIR or postgres://…",
        read: { StoreLocation(url: $0).map { .some($0) } }
    ).secret
    package let server = SettingKey<String?>(
        "server", valueName: "url",
        "The server that commands ask, instead of a store: http://HOST:PORT."
    ).only([.flag, .variable])
    package let key = SettingKey<String?>(
        "key", "The key that commands show to the server."
    ).only(.variable).secret
    package let blueprint = SettingKey<String?>(
        "blueprint", valueName: "name-or-file", "A blueprint to apply at start-up.")
    package let defaultTimeZone = SettingKey(
        "defaultTimeZone", standard: "UTC", shown: "UTC",
        expectation: "a time zone that this system knows", valueName: "zone",
        "The zone in which the days of subjects are counted that name none.",
        read: { ZoneDatabase().rules(named: $0) == nil ? nil : $0 })
    package let logLevel = SettingKey(
        "logLevel", standard: Logger.Level.info, shown: "info",
        expectation: "one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))",
        valueName: "level", "From which level on the server logs.",
        read: { Logger.Level(rawValue: $0) })
    package let requestLog = SettingKey<RequestLog.Format?>(
        "requestLog", standard: nil, shown: "none", expectation: "none, text or json",
        valueName: "form", "In which form each request is a line on the standard output.",
        read: { $0 == "none" ? .some(nil) : RequestLog.Format(rawValue: $0).map { .some($0) } })

    package let backups = SettingKey<String?>(
        "backups", valueName: "dir", "The folder that the server's backups go into.")
    package let backupHours = SettingKey(
        "backupHours", in: 0...8_760, standard: 24, unit: "hours",
        "How old the newest backup may get before the server makes another; 0: only when asked.")
    package let backupsKept = SettingKey(
        "backupsKept", in: 1...10_000, standard: 7,
        "How many backups are kept; older ones are removed.")
    package let shipTo = SettingKey<ShippingLocation?>(
        "shipTo", standard: nil, shown: "none", expectation: ShippingLocation.expectation,
        valueName: "place",
        "Where the journal is shipped to while it is written, and each whole backup with it.",
        read: { ShippingLocation($0).map { .some($0) } })
    package let shipEndpoint = SettingKey<BucketEndpoint?>(
        "shipEndpoint", standard: nil, shown: "none",
        expectation: BucketEndpoint.expectation, valueName: "url",
        "Where the bucket's server is; without, Amazon S3 in the region.",
        read: { BucketEndpoint($0).map { .some($0) } }
    ).only([.variable, .file]).also("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    package let shipRegion = SettingKey(
        "shipRegion", standard: "us-east-1", "The region of the bucket."
    ).only([.variable, .file]).also("AWS_REGION", "AWS_DEFAULT_REGION")
    package let shipKeyId = SettingKey<String?>(
        "shipKeyId", "The id of the key that is shown to the bucket's server."
    ).only(.variable).also("AWS_ACCESS_KEY_ID")
    package let shipSecretKey = SettingKey<String?>(
        "shipSecretKey", "The secret that belongs to that id."
    ).only(.variable).secret.also("AWS_SECRET_ACCESS_KEY")
    package let shipSessionToken = SettingKey<String?>(
        "shipSessionToken", "What comes with keys that are lent for a time."
    ).only(.variable).secret.also("AWS_SESSION_TOKEN")
    package let shipFactsKept = SettingKey(
        "shipFactsKept", in: 1...1_000_000_000, standard: 10_000_000,
        "How many facts the journal keeps for a place that is away, at 100 to 300 bytes each."
    ).only([.variable, .file])

    package let archive = SettingKey<String?>(
        "archive", valueName: "dir",
        "The folder that old events are archived into; the store keeps what counts.")
    package let archiveDays = SettingKey(
        "archiveDays", in: 1...36_500, standard: 400, unit: "days",
        "How old events get before they are archived.")
    package let textDays = SettingKey(
        "textDays", in: 0...36_500, standard: 0, unit: "days",
        "How old events get before their texts are forgotten, archived or not; 0: for ever.")

    package let accessDays = SettingKey(
        "accessDays", in: 0...36_500, standard: 0, unit: "days",
        "How long the log keeps who signed in and when keys were used; 0: for ever.")
    package let deliveryDays = SettingKey(
        "deliveryDays", in: 0...36_500, standard: 0, unit: "days",
        "How long the log keeps how far webhooks had come; 0: for ever.")

    package let closeMonthDays = SettingKey(
        "closeMonthDays", in: 0...366, standard: 0, unit: "days",
        "So many days after its end a month is closed, for good; 0: only by hand.")

    package let allowsPrivateWebhooks = SettingKey(
        "webhookPrivateAddresses", standard: false,
        "Whether webhooks are sent to addresses of this machine and of private networks."
    ).only([.variable, .file])
    package let mailProgram = SettingKey(
        "mailProgram", standard: "/usr/sbin/sendmail",
        "The program that takes mail, as sendmail does: the message on its input, `-i -- ADDRESS` as its arguments."
    ).only([.variable, .file])
    package let mailFrom = SettingKey<String?>(
        "mailFrom", standard: nil, shown: "none",
        expectation: "an address such as meterstone@example.com",
        "From which address mail is sent; without it, what the program says.",
        read: { Webhook.isMailbox($0) ? .some($0) : nil }
    ).only([.variable, .file])

    package let mirror = SettingKey<MirrorLocation?>(
        "mirror", standard: nil, shown: "none", expectation: MirrorLocation.expectation,
        valueName: "url",
        "The mirror that the server keeps up, and that `meterstone sql` asks: sqlite:FILE or postgres://…",
        read: { MirrorLocation(url: $0).map { .some($0) } }
    ).secret

    package let connections = SettingKey(
        "connections", in: 1...1_000_000, standard: 4_096,
        "How many connections may be open; one more is answered with 503 and closed.")
    package let bodies = SettingKey(
        "bodiesMebibytes", in: 65...65_536, standard: 256, unit: "MiB",
        "How much the bodies of all requests may take at once; one more is answered with 503.")
    package let waitingCommands = SettingKey(
        "waitingCommands", in: 1...10_000_000, standard: 100_000,
        "How many commands may wait for the next commit; one more is answered with 503.")
    package let cachedSubjects = SettingKey(
        "cachedSubjects", in: 1...100_000_000, standard: 1_000_000,
        "How many subjects stay in memory, at about a kilobyte each.")
    package let journalEvents = SettingKey(
        "journalEvents", in: 1...100_000_000, standard: 400_000,
        "How many events may wait in the journal before projection goes first.")

    package let eventIdDays = SettingKey<Int?>(
        "eventIdDays", in: 1...36_500, absence: "for ever", unit: "days",
        "How long an event id is remembered; after that the same id counts again.")
    package let lateDays = SettingKey<Int?>(
        "lateDays", in: 0...36_500, absence: "for ever", unit: "days",
        "How far in the past an event may have occurred.")
    package let earlySeconds = SettingKey(
        "earlySeconds", in: 0...315_360_000, standard: 86_400, unit: "seconds",
        "How far in the future an event may have occurred.")
    package let storedText = SettingKey(
        "storedText", standard: StoredText.standard, shown: "first:100",
        expectation: StoredText.expectation, valueName: "what",
        "What is kept of the texts of requests, such as prompts.", read: { StoredText($0) })

    package let isTrackingEnabled = SettingKey(
        "usage.trackingEnabled", standard: true, "Whether usage is recorded.")
    package let areLimitsEnforced = SettingKey(
        "usage.limitsEnforced", standard: true,
        "Whether limits refuse; without, they count what they would have refused.")
    package let isAnalyticsEnabled = SettingKey(
        "usage.analyticsEnabled", standard: true,
        "Whether `/v1/analytics` and `/v1/what-if` answer.")
    package let areCreditsEnabled = SettingKey<Bool?>(
        "credits.enabled", absence: "as the store says",
        "Whether usage costs credits, before what the store says.")

    package let postgresReaders = SettingKey(
        "postgresReaders", in: 1...1_000, standard: 6, "How many reads of the database run at once."
    )
    package let postgresStatement = SettingKey(
        "postgresStatementMilliseconds", in: 10...3_600_000, standard: 10_000, unit: "milliseconds",
        "How long a statement may take.")
    package let postgresLock = SettingKey(
        "postgresLockMilliseconds", in: 10...3_600_000, standard: 5_000, unit: "milliseconds",
        "How long a statement may wait for a lock that another node holds.")
    package let postgresIdleTransaction = SettingKey(
        "postgresIdleTransactionMilliseconds", in: 10...3_600_000, standard: 5_000,
        unit: "milliseconds", "How long a node may be silent within a transaction.")
    package let postgresCommit = SettingKey(
        "postgresCommitMilliseconds", in: 10...3_600_000, standard: 20_000, unit: "milliseconds",
        "How long anybody waits while the database cannot be reached.")
}
