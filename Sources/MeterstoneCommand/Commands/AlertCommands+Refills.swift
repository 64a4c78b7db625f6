import ArgumentParser
import Meterstone
import MeterstoneCore

extension AlertsCommand {
    struct Refills: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show where a subject stands with credits that are asked for by themselves.")

        @Argument(
            help: "Whose.", transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let states = try await OpenStore.with(store) { try await $0.refills(of: subject) }
            Console.write(states.isEmpty ? "no refills" : AlertsCommand.table(of: states).text)
        }
    }

    struct ResumeRefill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a refill be asked for again that was declined too often.")

        @Argument(
            help: "The alert's key.", transform: { try ArgumentText.identifier($0) as AlertKey })
        var alert: AlertKey

        @Argument(
            help: "Whose.", transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let state = try await OpenStore.with(store) {
                try await $0.resumeRefill(alert, of: subject, author: Changes.author)
            }
            guard let state else {
                throw CommandFailure(.badData, "'\(subject)' has no refill '\(alert)'")
            }
            Console.write(AlertsCommand.table(of: [state]).text)
        }
    }

    fileprivate static func table(of states: [RefillState]) -> TextTable {
        var table = TextTable([
            "alert", "amount>", "this month>", "of>", "refusals>", "active", "last", "when",
        ])
        for state in states {
            table.add([
                state.alert.text, "\(state.refill.amount)", "\(state.thisMonth)",
                "\(state.refill.perMonth)", "\(state.refusals)", state.isOff ? "no" : "yes",
                [state.last?.outcome.rawValue, state.last?.reason].compactMap(\.self)
                    .joined(separator: ": "),
                state.lastAt?.rfc3339 ?? "",
            ])
        }
        return table
    }
}
