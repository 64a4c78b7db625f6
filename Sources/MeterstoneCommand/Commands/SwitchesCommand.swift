import ArgumentParser
import Meterstone
import MeterstoneCore

/// `meterstone switches`.
struct SwitchesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switches",
        abstract:
            "Show, write and delete what is in force: tracking, limits, credits and analytics.",
        subcommands: [Show.self, Put.self, Delete.self],
        defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what is in force, and for whom.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let switches = try await OpenStore.with(store) { try await $0.blueprint() }.switches
            guard !output.json else {
                return Console.write(try switches.map { try Answers.json($0) } ?? "null")
            }
            var table = TextTable(["switch", "state", "for"])
            let known = switches ?? Switches()
            for (name, one) in [
                ("tracking", known.tracking), ("limits", known.limits), ("credits", known.credits),
                ("analytics", known.analytics),
            ] {
                table.add([name, one.state.rawValue, one.rollout?.summary() ?? "all"])
            }
            Console.write(table.text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write what is in force, as a whole; what is not said is on.",
            discussion: """
                Example: meterstone switches put --limits shadow --credits \
                '{"rollout":{"percent":25,"plans":["free"]}}'. A switch with a rollout is on for whoever is in.
                """, aliases: ["set"])

        @Option(
            help: ArgumentHelp("Whether usage is recorded: on, off or JSON.", valueName: "switch"),
            transform: { try ArgumentText.switch($0) })
        var tracking = Switch()

        @Option(
            help: ArgumentHelp(
                "Whether limits refuse: on, shadow, off or JSON.", valueName: "switch"),
            transform: { try ArgumentText.switch($0) })
        var limits = Switch()

        @Option(
            help: ArgumentHelp(
                "Whether usage costs credits: on, off or JSON.", valueName: "switch"),
            transform: { try ArgumentText.switch($0) })
        var credits = Switch()

        @Option(
            help: ArgumentHelp("Whether reports answer: on or off.", valueName: "switch"),
            transform: { try ArgumentText.switch($0) })
        var analytics = Switch()

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let switches = Switches(
                tracking: tracking, limits: limits, credits: credits, analytics: analytics)
            try await Changes.make(.putSwitches(switches), of: "switches", store)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete them; everything is in force for everybody.")

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteSwitches, of: "switches", store)
        }
    }
}

extension ArgumentText {
    /// `off`, or `{"rollout":{"percent":25}}`.
    fileprivate static func `switch`(_ text: String) throws -> Switch {
        if let state = SwitchState(rawValue: text) { return Switch(state) }
        guard text.first == "{" else { throw ValidationError("expected on, shadow, off or JSON") }
        return try json(text, fields: Switch.fields)
    }
}
