import ArgumentParser
import Meterstone
import MeterstoneCore

/// `meterstone meters`.
struct MetersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meters",
        abstract: "List, write and delete meters: what is counted.",
        subcommands: [List.self, Put.self, Delete.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the meters.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let meters = try await OpenStore.with(store) { try await $0.blueprint() }.meters
            guard !output.json else { return try Answers.printList("meters", meters) }
            var table = TextTable(["meter", "aggregation", "event types", "unit", "description"])
            for meter in meters {
                table.add([
                    meter.key.text, meter.aggregation.rawValue,
                    meter.eventTypes.joined(separator: ", "), meter.unit ?? "",
                    meter.description ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no meters" : table.text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a meter, or replace it as a whole.")

        @Argument(transform: { try ArgumentText.identifier($0) as MeterKey })
        var key: MeterKey

        @Option(
            help: ArgumentHelp("Another name of the meter; repeat for more.", valueName: "key"),
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var alias: [MeterKey] = []

        @Option(
            help: "sum, count, max, latest, uniqueCount, gauge or integral.",
            transform: { try ArgumentText.choice($0) })
        var aggregation: Aggregation = .sum

        @Option(
            help: ArgumentHelp(
                "A type of event that moves the meter; repeat for more.", valueName: "type"))
        var eventType: [String] = []

        @Option(
            help: ArgumentHelp(
                "Accepted values of a dimension; repeat for more.", valueName: "name=value,…"),
            transform: { try ArgumentText.filter($0) })
        var dimension: [(name: String, values: [String])] = []

        @Option(
            help: ArgumentHelp("The quantity that a matching event gives.", valueName: "name"),
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var quantityName: MeterKey?

        @Option(
            help: ArgumentHelp(
                "An event without a type matches when it names this quantity.", valueName: "name"),
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var alongside: MeterKey?

        @Option(
            help: ArgumentHelp(
                "For uniqueCount: whose values are counted. For gauge and integral: what names an item.",
                valueName: "name"))
        var uniqueDimension: String?

        @Option(
            help: "A status that counts; repeat for more (default: success).",
            transform: { try ArgumentText.choice($0) })
        var countedStatus: [EventStatus] = []

        @Option(
            help: "quantities, or cost: what events cost, in billionths of the currency unit.",
            transform: { try ArgumentText.choice($0) })
        var counts: CountedMeasure = .quantities

        @Option(
            help: """
                For cost: what an event counts that names a model and tells no cost: nothing, refuse, or an \
                amount of money.
                """,
            transform: { try ArgumentText.withoutCost($0) })
        var withoutCost: WithoutCost = .nothing

        @Option(
            help: """
                What counts of a reservation that failed or was cancelled: nothing, told or reserved \
                (default: as --counted-status says).
                """,
            transform: { try ArgumentText.choice($0) })
        var onAbort: AbortPolicy?

        @Option(help: ArgumentHelp("What counts at least of it.", valueName: "units"))
        var abortMinimum: Int64 = 0

        @Option(help: "The unit, for people.")
        var unit: String?

        @Option(help: "What it counts, for people.")
        var description: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let meter = Meter(
                key: key, aliases: alias, aggregation: aggregation, eventTypes: eventType,
                dimensions: Dictionary(
                    dimension.map { ($0.name, $0.values) }, uniquingKeysWith: { $0 + $1 }),
                quantityName: quantityName, alongside: alongside,
                uniqueDimension: uniqueDimension,
                countedStatuses: countedStatus.isEmpty ? [.success] : countedStatus,
                counts: counts, withoutCost: withoutCost, onAbort: onAbort,
                abortMinimum: abortMinimum, unit: unit, description: description)
            try await Changes.make(.putMeter(meter), of: "meter \(key)", store, for: .mayCreate)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a meter; its events stay.")

        @Argument(transform: { try ArgumentText.identifier($0) as MeterKey })
        var key: MeterKey

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteMeter(key), of: "meter \(key)", store)
        }
    }
}
