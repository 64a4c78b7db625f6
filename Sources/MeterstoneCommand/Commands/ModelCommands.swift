import ArgumentParser
import Meterstone
import MeterstoneCore

/// `meterstone models`.
struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List, write and delete models: what a million of their tokens cost, from when.",
        subcommands: [List.self, Put.self, Delete.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the models.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let models = try await OpenStore.with(store) { try await $0.blueprint() }.models
            guard !output.json else { return try Answers.printList("models", models) }
            var table = TextTable([
                "model", "from", "input>", "output>", "cached>", "reasoning>",
            ])
            for model in models {
                for price in model.prices {
                    table.add([
                        model.key.text,
                        price.effectiveAt == .earliest ? "" : price.effectiveAt.rfc3339,
                        Answers.text(price.input), Answers.text(price.output),
                        price.cached.map { Answers.text($0) } ?? "",
                        price.reasoning.map { Answers.text($0) } ?? "",
                    ])
                }
            }
            Console.write(table.isEmpty ? "no models" : table.text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a model a price from an instant on; its other prices stay.",
            discussion: """
                Prices are amounts like 30 or 0.15, with at most six decimals. Rates of large requests are \
                written with a blueprint.
                """,
            aliases: ["set"])

        @Argument(transform: { try ArgumentText.identifier($0) as ModelKey })
        var key: ModelKey

        @Option(
            help: ArgumentHelp("What a million input tokens cost.", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var input: Money

        @Option(
            help: ArgumentHelp("What a million output tokens cost.", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var output: Money

        @Option(
            help: ArgumentHelp(
                "Input that the model's cache answered (default: as input).", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var cached: Money?

        @Option(
            help: ArgumentHelp(
                "Input that is written to the cache (default: as input).", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var cacheWrite: Money?

        @Option(
            help: ArgumentHelp(
                "Input that is written to it for an hour or longer (default: as for less).",
                valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var cacheWriteLong: Money?

        @Option(
            help: ArgumentHelp("Input that is sound (default: as input).", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var audioInput: Money?

        @Option(
            help: ArgumentHelp("Output that is sound (default: as output).", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var audioOutput: Money?

        @Option(
            help: ArgumentHelp("What one image costs (default: nothing).", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var image: Money?

        @Option(help: "What requests of a batch cost of it, in hundredths.")
        var batchPercent = 100

        @Option(
            help: ArgumentHelp(
                "The model's own thinking (default: as output).", valueName: "price"),
            transform: { try ArgumentText.price($0) })
        var reasoning: Money?

        @Option(
            help: ArgumentHelp(
                "From when the price applies (default: the beginning).", valueName: "time"),
            transform: { try ArgumentText.instant($0) })
        var effectiveAt: Instant = .earliest

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let price = ModelPrice(
                effectiveAt: effectiveAt,
                rates: TokenRates(
                    input: input, output: output, cached: cached, cacheWrite: cacheWrite,
                    cacheWriteLong: cacheWriteLong, audioInput: audioInput, reasoning: reasoning,
                    audioOutput: audioOutput), image: image, batchPercent: batchPercent)
            let outcome = try await OpenStore.with(store, for: .mayCreate) { service in
                let known = try await service.blueprint().models.first { $0.key == key }
                let others = (known?.prices ?? []).filter { $0.effectiveAt != effectiveAt }
                let model = Model(key: key, prices: others + [price])
                let change = ChangeRequest(change: .putModel(model), author: Changes.author)
                return try await service.change(change).outcome
            }
            Console.write(try Changes.text(outcome, of: "model \(key)"))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a model.")

        @Argument(transform: { try ArgumentText.identifier($0) as ModelKey })
        var key: ModelKey

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteModel(key), of: "model \(key)", store)
        }
    }
}
