import ArgumentParser
import Meterstone
import MeterstoneCore

/// `meterstone alerts`.
struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts",
        abstract: "List, write and delete alerts, and show what fired.",
        discussion:
            "Example: meterstone alerts put almost-full --used-percent 80 --used-percent 100",
        subcommands: [
            List.self, Put.self, Delete.self, Fired.self, Refills.self, ResumeRefill.self,
        ],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the alerts.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let alerts = try await OpenStore.with(store) { try await $0.alerts() }
            guard !output.json else { return try Answers.printList("alerts", alerts) }
            var table = TextTable([
                "alert", "used %", "remaining", "pace %", "refused", "failed %", "credits",
                "refill", "unusual", "limits", "plans", "webhooks", "active",
            ])
            for alert in alerts {
                table.add([
                    alert.key.text, Self.text(alert.usedPercent), Self.text(alert.remaining),
                    Self.text(alert.pacePercent), Self.text(alert.refusedPerHour),
                    Self.text(alert.failedPercent),
                    Self.text(alert.credits), alert.refill.map { "\($0.amount)" } ?? "",
                    alert.unusual.map(\.text).joined(separator: " "),
                    Self.text(alert.limits), Self.text(alert.plans), Self.text(alert.webhooks),
                    alert.active ? "yes" : "no",
                ])
            }
            Console.write(table.isEmpty ? "no alerts" : table.text)
        }

        private static func text(_ values: [Int64]) -> String {
            values.map { "\($0)" }.joined(separator: " ")
        }

        private static func text(_ keys: [some TextIdentifier]) -> String {
            keys.isEmpty ? "all" : keys.map(\.text).joined(separator: " ")
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write an alert; replaces it.",
            discussion: "Each option may be repeated.")

        @Argument(
            help: "The alert's key.", transform: { try ArgumentText.identifier($0) as AlertKey })
        var key: AlertKey

        @Option(help: "A share of the allowance that is used, in hundredths.")
        var usedPercent: [Int64] = []

        @Option(help: "How much of the allowance is left, or less.")
        var remaining: [Int64] = []

        @Option(
            help: """
                A share of the allowance that the use comes to at this pace where the window ends, in hundredths.
                """)
        var pacePercent: [Int64] = []

        @Option(help: "How often somebody is refused within an hour.")
        var refusedPerHour: [Int64] = []

        @Option(help: "A share of somebody's requests within an hour that failed, in hundredths.")
        var failedPercent: [Int64] = []

        @Option(help: "A balance of credits, or less.")
        var credits: [Int64] = []

        @Option(help: "Credits that the webhook is asked for when the balance is low.")
        var refill: Int64?

        @Option(help: "How often in a calendar month they are given.")
        var refillsPerMonth = 1

        @Option(help: "How long a request that has too few credits waits for them.")
        var holdSeconds = 0

        @Option(
            help: "A meter of which a subject's day is told that stands out from the 28 before.",
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var unusual: [MeterKey] = []

        @Option(
            help: "A limit to watch (default: all).",
            transform: { try ArgumentText.identifier($0) as LimitKey })
        var limit: [LimitKey] = []

        @Option(
            help: "A plan whose subjects are watched (default: all).",
            transform: { try ArgumentText.identifier($0) as PlanKey })
        var plan: [PlanKey] = []

        @Option(
            help: "A webhook that is told (default: all).",
            transform: { try ArgumentText.identifier($0) as WebhookKey })
        var webhook: [WebhookKey] = []

        @Flag(help: "Keep it, and let it watch nothing.")
        var inactive = false

        @Option(help: "What it is for, for people.")
        var description: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let alert = Alert(
                key: key, limits: limit, usedPercent: usedPercent, remaining: remaining,
                pacePercent: pacePercent, refusedPerHour: refusedPerHour,
                failedPercent: failedPercent, credits: credits,
                refill: refill.map {
                    Refill(amount: $0, perMonth: refillsPerMonth, holdSeconds: holdSeconds)
                },
                unusual: unusual, plans: plan, webhooks: webhook,
                active: !inactive, description: description)
            try await Changes.make(.putAlert(alert), of: "alert \(key)", store, for: .mayCreate)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete an alert.")

        @Argument(
            help: "The alert's key.", transform: { try ArgumentText.identifier($0) as AlertKey })
        var key: AlertKey

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteAlert(key), of: "alert \(key)", store)
        }
    }

    struct Fired: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the alerts of a subject that fired, newest first.")

        @Argument(
            help: "Whose.", transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let fired = try await OpenStore.with(store) { try await $0.firedAlerts(of: subject) }
            var table = TextTable(["fired", "alert", "reached", "limit", "used>", "allowance>"])
            for record in fired {
                let alert = record.alert
                table.add([
                    record.firedAt.rfc3339, alert.alert.text,
                    "\(alert.measure.rawValue) \(alert.threshold)",
                    alert.limit?.text ?? alert.meter?.text ?? "",
                    (alert.used ?? alert.balance).map { "\($0)" } ?? "",
                    alert.allowance.map { "\($0)" } ?? "",
                ])
            }
            Console.write(table.isEmpty ? "nothing fired" : table.text)
        }
    }
}
