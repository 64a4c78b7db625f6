import ArgumentParser
import Meterstone
import MeterstoneCore

extension CreditsCommand {
    /// `meterstone credits policy`.
    struct Policy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show, write and delete what usage costs in credits.",
            subcommands: [Show.self, Put.self, Delete.self],
            defaultSubcommand: Show.self)

        struct Show: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Show what usage costs in credits.")

            @OptionGroup var store: ServiceArguments
            @OptionGroup var output: OutputArguments

            func run() async throws {
                let policy = try await OpenStore.with(store) { try await $0.blueprint() }.credits
                guard let policy else {
                    return Console.write(output.json ? "null" : "no credit policy")
                }
                guard !output.json else { return Console.write(try Answers.json(policy)) }
                let enabled = policy.isEnabled ? "" : " (switched off)"
                Console.write("payment: \(policy.payment.rawValue)\(enabled)")
                var table = TextTable(["meter", "credits per unit>"])
                for (meter, price) in policy.prices.sorted(by: { $0.key < $1.key }) {
                    table.add([meter.text, String(price)])
                }
                Console.write(table.isEmpty ? "no prices" : table.text)
            }
        }

        struct Put: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Write what usage costs in credits, as a whole.", aliases: ["set"])

            @Option(
                help: "creditsOnly or allowanceFirst.",
                transform: { try ArgumentText.choice($0) })
            var payment: CreditPayment = .creditsOnly

            @Option(
                help: ArgumentHelp(
                    "What a unit of a meter costs; repeat for more.", valueName: "meter=n"),
                transform: { try ArgumentText.creditPrice($0) })
            var price: [(meter: MeterKey, credits: Int64)] = []

            @Flag(help: "Nothing costs credits, and no plan gives any.")
            var disabled = false

            @OptionGroup var store: ServiceArguments

            func run() async throws {
                let policy = CreditPolicy(
                    isEnabled: !disabled, payment: payment,
                    prices: Dictionary(
                        price.map { ($0.meter, $0.credits) }, uniquingKeysWith: { $1 }))
                try await Changes.make(.putCreditPolicy(policy), of: "credit policy", store)
            }
        }

        struct Delete: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Delete it, so that nothing costs credits.")

            @OptionGroup var store: ServiceArguments

            func run() async throws {
                try await Changes.make(.deleteCreditPolicy, of: "credit policy", store)
            }
        }
    }
}
