import ArgumentParser
import Meterstone
import MeterstoneBlueprint
import MeterstoneCore

/// `meterstone blueprint`.
struct BlueprintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blueprint",
        abstract: "Check and apply blueprints: meters, plans and limits as one file.",
        subcommands: [Check.self, Apply.self, Diff.self, Show.self])

    private static let nameHelp = ArgumentHelp(
        "A blueprint's name (\(NamedBlueprint.names)) or a file.", valueName: "name-or-file")

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a blueprint and tell every mistake in it.")

        @Argument(help: BlueprintCommand.nameHelp)
        var name: String

        func run() throws {
            let blueprint = try BlueprintFile(name).blueprint()
            Console.write("\(name): \(blueprint.size)")
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a blueprint's meters, plans and limits; twice changes nothing.")

        @Argument(help: BlueprintCommand.nameHelp)
        var name: String

        @Flag(
            help: """
                Write what the blueprint changed since it was applied last, and leave what was changed by \
                hand, as `serve --blueprint` does.
                """)
        var merge = false

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let blueprint = try BlueprintFile(name).blueprint()
            let steps = try await OpenStore.with(store, for: .mayCreate) { service in
                guard merge else {
                    return try await service.apply(blueprint, named: name, author: Changes.author)
                }
                return try await service.merge(
                    blueprint, named: name, isDryRun: false, author: Changes.author)
            }
            try AppliedBlueprint(steps, name: name).check()
            Console.write("\(name): \(AppliedBlueprint(steps, name: name).text)")
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell what a start with a blueprint would change, and what it would leave.")

        @Argument(help: BlueprintCommand.nameHelp)
        var name: String

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let blueprint = try BlueprintFile(name).blueprint()
            let steps = try await OpenStore.with(store) { service in
                try await service.merge(
                    blueprint, named: name, isDryRun: true, author: Changes.author)
            }
            try AppliedBlueprint(steps, name: name).check()
            guard !output.json else { return Console.write(BlueprintDifference(steps).json) }
            Console.write(BlueprintDifference(steps).text)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a blueprint as it is written.")

        @Argument(help: BlueprintCommand.nameHelp)
        var name: String

        func run() throws {
            Console.write(try BlueprintFile(name).yaml)
        }
    }
}
