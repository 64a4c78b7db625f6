import ArgumentParser
import Foundation

/// `meterstone config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show what everything is set to.",
        subcommands: [Show.self, Reference.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show each setting, and where its value came from, as serve would take it.",
            discussion: "Takes the flags of serve. Secrets are not shown.")

        @OptionGroup var settings: ServeArguments
        @OptionGroup var store: StoreArguments
        @OptionGroup var output: OutputArguments

        func run() throws {
            let settings = try settings.settings(store)
            for warning in settings.warnings { Console.note(warning) }
            if output.json {
                return try Answers.printList("settings", settings.lines.map(Line.init))
            }
            var table = TextTable(["setting", "value", "from"])
            for line in settings.lines {
                table.add([line.name, line.value, line.origin.description])
            }
            Console.write(table.text)
        }

        private struct Line: Encodable {
            let name, value, from: String

            init(_ line: Settings.Line) {
                (name, value, from) = (line.name, line.value, line.origin.description)
            }
        }
    }

    struct Reference: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reference", abstract: "Print the reference page of all settings.")

        func run() {
            Console.write(SettingReference.page)
        }
    }
}
