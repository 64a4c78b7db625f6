import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension SubjectsCommand {
    /// `meterstone subjects additions`.
    struct Additions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List, write and end what changes a subject's allowances for a time.",
            subcommands: [List.self, Put.self, End.self],
            defaultSubcommand: List.self)
    }
}

extension SubjectsCommand.Additions {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a subject's additions, those that are over included.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let found = try await OpenStore.with(store) { try await $0.subject(subject) }
            let additions = found?.additions ?? []
            guard !output.json else { return try Answers.printList("additions", additions) }
            var table = TextTable(["addition", "what", "author", "reason"])
            for addition in additions {
                table.add([
                    addition.id.text, Answers.text(addition), addition.author ?? "",
                    addition.reason ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no additions" : table.text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write an addition; what stood under its id holds until it begins.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @Argument(
            help: "The addition's id.", transform: { try ArgumentText.identifier($0) as AdditionID }
        )
        var id: AdditionID

        @Option(
            help: "The limit whose allowance it changes.",
            transform: { try ArgumentText.identifier($0) as LimitKey })
        var limit: LimitKey?

        @Option(
            help: ArgumentHelp("So much is allowed instead.", valueName: "n"),
            transform: { try ArgumentText.allowance($0) })
        var set: Allowance?

        @Option(help: ArgumentHelp("So much more is allowed.", valueName: "n"))
        var add: Int64?

        @Option(
            help: ArgumentHelp("No less than this is allowed.", valueName: "n"),
            transform: { try ArgumentText.allowance($0) })
        var atLeast: Allowance?

        @Option(
            help: "An add-on that limits list, instead of a limit.",
            transform: { try ArgumentText.identifier($0) as AddOnKey })
        var addOn: AddOnKey?

        @Option(help: ArgumentHelp("How many of the add-on.", valueName: "n"))
        var quantity: Int64?

        @Option(
            help: ArgumentHelp("When it begins (default: now).", valueName: "time"),
            transform: { try ArgumentText.instant($0) })
        var from: Instant?

        @Option(
            help: ArgumentHelp("When it ends (default: never).", valueName: "time"),
            transform: { try ArgumentText.instant($0) })
        var until: Instant?

        @Option(help: ArgumentHelp("Why.", valueName: "text"))
        var reason: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let addition = Addition(
                id: id, try content(), from: from, until: until, reason: reason)
            try await Changes.make(
                .putAddition(subject, addition), of: "addition \(id) of \(subject)", store)
        }

        private func content() throws -> Addition.Content {
            let changes: [AllowanceChange] = [
                set.map { .set($0) }, add.map { .add($0) }, atLeast.map { .atLeast($0) },
            ].compactMap(\.self)
            if let addOn {
                guard limit == nil, changes.isEmpty else {
                    throw ValidationError("expected --limit or --add-on, and not both")
                }
                guard Addition.quantityRange.contains(quantity ?? 1) else {
                    throw ValidationError("expected a quantity from 1 to 1000000")
                }
                return .addOn(addOn, quantity: quantity ?? 1)
            }
            guard let limit, quantity == nil, changes.count == 1 else {
                throw ValidationError(
                    "expected --limit with one of --set, --add and --at-least, or --add-on")
            }
            if let add, add == 0 || !Addition.unitsRange.contains(add) {
                throw ValidationError("expected a number other than 0 after --add")
            }
            return .limit(limit, changes[0])
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End an addition now; what it allowed before stays so.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @Argument(
            help: "The addition's id.", transform: { try ArgumentText.identifier($0) as AdditionID }
        )
        var id: AdditionID

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(
                .endAddition(subject, id), of: "addition \(id) of \(subject)", store)
        }
    }
}
