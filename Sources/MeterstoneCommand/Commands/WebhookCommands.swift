import ArgumentParser
import Meterstone
import MeterstoneCore
import MeterstoneServer

/// `meterstone webhooks`.
struct WebhooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhooks",
        abstract: "List, write and delete webhooks: where alerts are sent.",
        discussion: "Example: meterstone webhooks put ops --url https://ops.example.com/usage",
        subcommands: [List.self, Put.self, Delete.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the webhooks.")

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let webhooks = try await OpenStore.with(store) { try await $0.webhooks() }
            var table = TextTable(["webhook", "url", "active", "description"])
            for webhook in webhooks {
                table.add([
                    webhook.key.text, webhook.url, webhook.active ? "yes" : "no",
                    webhook.description ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no webhooks" : table.text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a webhook with a new secret, and print the secret.",
            discussion: """
                Messages are signed with the secret, as Standard Webhooks says. It is shown this once. \
                POST /v1/webhooks/KEY/rotate gives another one, with the old one beside it for a while.
                """)

        @Argument(
            help: "The webhook's key.",
            transform: { try ArgumentText.identifier($0) as WebhookKey })
        var key: WebhookKey

        @Option(help: "Where messages are sent: https://HOST/PATH.")
        var url: String

        @Flag(help: "Keep it, and send it nothing.")
        var inactive = false

        @Option(help: "What it is for, for people.")
        var description: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            var random = SystemRandomNumberGenerator()
            let secret = WebhookSecret.make(using: &random)
            let webhook = Webhook(
                key: key, url: url, secrets: [secret], active: !inactive, description: description)
            try await Changes.make(
                .putWebhook(webhook), of: "webhook \(key)", store, for: .mayCreate)
            Console.write(secret.text)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a webhook.")

        @Argument(
            help: "The webhook's key.",
            transform: { try ArgumentText.identifier($0) as WebhookKey })
        var key: WebhookKey

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteWebhook(key), of: "webhook \(key)", store)
        }
    }
}
