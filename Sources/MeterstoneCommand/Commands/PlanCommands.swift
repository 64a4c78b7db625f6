import ArgumentParser
import Meterstone
import MeterstoneCore

/// `meterstone plans`.
struct PlansCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plans",
        abstract: "List, write and delete plans: named sets of allowances.",
        subcommands: [List.self, Put.self, Delete.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the plans.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let plans = try await OpenStore.with(store) { try await $0.blueprint() }.plans
                .sorted { ($0.rank, $0.key) < ($1.rank, $1.key) }
            guard !output.json else { return try Answers.printList("plans", plans) }
            let isScheduled = plans.contains { !$0.scheduled.isEmpty }
            var table = TextTable(
                ["plan", "rank>", "default", "price>", "per", "name", "description"]
                    + (isScheduled ? ["scheduled"] : []))
            for plan in plans {
                let scheduled = plan.scheduled.map {
                    "\(Answers.text($0.price)) from \($0.effectiveAt.rfc3339)"
                }
                table.add(
                    [
                        plan.key.text, String(plan.rank), plan.isDefault ? "yes" : "",
                        plan.price.map { Answers.text($0) } ?? "",
                        plan.price.map { _ in plan.billingPeriod.rawValue } ?? "",
                        plan.name ?? "", plan.description ?? "",
                    ] + (isScheduled ? [scheduled.joined(separator: "; ")] : []))
            }
            Console.write(table.isEmpty ? "no plans" : table.text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a plan, or replace it as a whole.")

        @Argument(transform: { try ArgumentText.identifier($0) as PlanKey })
        var key: PlanKey

        @Option(help: "The name, for people.")
        var name: String?

        @Option(help: "What it is, for people.")
        var description: String?

        @Option(
            help: ArgumentHelp("Its place among the plans, the smallest first.", valueName: "n"))
        var rank = 0

        @Flag(name: .customLong("default"), help: "The plan of subjects that name none.")
        var isDefault = false

        @Option(
            help: ArgumentHelp(
                "Credit given anew in every window, and how much may stay; repeat for more.",
                valueName: "window=n[,max]"),
            transform: { try ArgumentText.recurringGrant($0) })
        var recurringGrant: [RecurringGrant] = []

        @Option(
            help: ArgumentHelp(
                "What it gives beside allowances, like {\"id\":\"x\",\"limit\":\"l\",\"add\":5}; repeat for more.",
                valueName: "json"),
            transform: { try ArgumentText.addition($0) })
        var addition: [Addition] = []

        @Option(
            help: ArgumentHelp(
                "How many credits below 0 spending may take the balance.", valueName: "n"))
        var overdraft: Int64 = 0

        @Option(
            help: ArgumentHelp("What a billing period costs, like 9.99.", valueName: "amount"),
            transform: { try ArgumentText.price($0) })
        var price: Money?

        @Option(
            help: ArgumentHelp(
                "What it costs from an instant on, in millionths, like {\"effectiveAt\":\"2027-01-01T00:00:00Z\",\"price\":12500000}; repeat for more.",
                valueName: "json"),
            transform: { try ArgumentText.json($0, fields: ScheduledPrice.fields) })
        var scheduled: [ScheduledPrice] = []

        @Option(
            help: "How long a billing period is: month or year.",
            transform: { try ArgumentText.choice($0) })
        var billingPeriod: BillingPeriod = .month

        @Option(
            help: ArgumentHelp(
                "What it lets somebody do: true, false or a value; repeat for more.",
                valueName: "name=value"),
            transform: { try ArgumentText.feature($0) })
        var feature: [(name: String, value: PlanFeature)] = []

        @Option(
            help: ArgumentHelp(
                "For how many days a subscription that is past due keeps the plan.",
                valueName: "n"))
        var pastDueGraceDays: Int64?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let plan = Plan(
                key: key, name: name, description: description, rank: rank, isDefault: isDefault,
                recurringGrants: recurringGrant, overdraft: overdraft, price: price,
                billingPeriod: billingPeriod,
                features: Dictionary(
                    feature.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
                pastDueGraceDays: pastDueGraceDays, additions: addition, scheduled: scheduled)
            try await Changes.make(.putPlan(plan), of: "plan \(key)", store, for: .mayCreate)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a plan.")

        @Argument(transform: { try ArgumentText.identifier($0) as PlanKey })
        var key: PlanKey

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deletePlan(key), of: "plan \(key)", store)
        }
    }
}
