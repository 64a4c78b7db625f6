import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension SubjectsCommand {
    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let another key mean a subject, or list the keys that do.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Argument(
            help: "The other key; without it, those that there are are listed.",
            transform: { try ArgumentText.identifier($0) as SubjectID })
        var alias: SubjectID?

        @Flag(help: "Let the key mean nobody any more.")
        var remove = false

        @OptionGroup var store: ServiceArguments

        func validate() throws {
            if remove, alias == nil { throw ValidationError("which key is to be removed?") }
        }

        func run() async throws {
            guard let alias else {
                let aliases = try await OpenStore.with(store) { try await $0.aliases(of: id) }
                guard let aliases else { return Console.note("nothing is known of '\(id)'") }
                let lines = aliases.map(\.text).joined(separator: "\n")
                return Console.write(aliases.isEmpty ? "no other keys" : lines)
            }
            let change: Change =
                remove ? .deleteAlias(id, alias: alias) : .putAlias(id, alias: alias)
            try await Changes.make(change, of: "alias \(alias) of \(id)", store)
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a subject another key; the one it had goes on meaning it.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Argument(
            help: "The key that it gets.",
            transform: { try ArgumentText.identifier($0) as SubjectID })
        var to: SubjectID

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.renameSubject(id, to: to), of: "key of \(to)", store)
        }
    }

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a person for good; the numbers stay.",
            discussion: """
                Keys, account, texts of events and reasons go, and nothing brings them back. Totals of \
                others stay as they are. The bytes leave the store with 'meterstone compact'.
                """)

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Option(help: ArgumentHelp("The same id again.", valueName: "id"))
        var confirm: String

        @OptionGroup var store: ServiceArguments

        func validate() throws {
            guard confirm == id.text else {
                throw ValidationError("--confirm has to say '\(id)', and nothing brings it back")
            }
        }

        func run() async throws {
            try await Changes.make(.eraseSubject(id, Erasure()), of: "subject \(id)", store)
        }
    }
}
