import ArgumentParser
import Meterstone
import MeterstoneCore

/// `meterstone statistics-policy`.
struct StatisticsPolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statistics-policy",
        abstract: "Show, write and delete what statistics of subjects are about.",
        subcommands: [Show.self, Put.self, Delete.self],
        defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the meters of sessions, and the milestones.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let policy = try await OpenStore.with(store) { try await $0.blueprint() }.statistics
            guard let policy else {
                return Console.write(output.json ? "null" : "no statistics policy")
            }
            guard !output.json else { return Console.write(try Answers.json(policy)) }
            if let sessions = policy.sessions {
                let longest = sessions.longest.map { ", longest \($0)" } ?? ""
                Console.write(
                    "sessions: completed \(sessions.completed), length \(sessions.length)\(longest)"
                )
            }
            var table = TextTable(["milestone", "of", "reached at>"])
            for rule in policy.milestones {
                switch rule.goal {
                case .total(let meter, let total):
                    table.add([rule.key.text, meter.text, String(total)])
                case .streak(let days): table.add([rule.key.text, "days in a row", String(days)])
                }
            }
            Console.write(table.isEmpty ? "no milestones" : table.text)
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write what statistics are about, as a whole.",
            discussion: "Sessions need both --completed and --length.", aliases: ["set"])

        @Option(
            help: ArgumentHelp("Counts completed sessions.", valueName: "meter"),
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var completed: MeterKey?

        @Option(
            help: ArgumentHelp("Adds up how long they were.", valueName: "meter"),
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var length: MeterKey?

        @Option(
            help: ArgumentHelp("Keeps the longest, as a max.", valueName: "meter"),
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var longest: MeterKey?

        @Option(
            help: ArgumentHelp(
                "Reached when a meter's lifetime total is; repeat for more.",
                valueName: "key=meter,n"),
            transform: { try ArgumentText.totalMilestone($0) })
        var milestone: [MilestoneRule] = []

        @Option(
            help: ArgumentHelp(
                "Reached with so many active days in a row; repeat for more.", valueName: "key=n"),
            transform: { try ArgumentText.streakMilestone($0) })
        var streak: [MilestoneRule] = []

        @OptionGroup var store: ServiceArguments

        func validate() throws {
            if (completed == nil) != (length == nil) || (longest != nil && length == nil) {
                throw ValidationError("sessions need both --completed and --length")
            }
        }

        func run() async throws {
            var policy = StatisticsPolicy(milestones: milestone + streak)
            if let completed, let length {
                policy.sessions = SessionMeters(
                    completed: completed, length: length, longest: longest)
            }
            try await Changes.make(.putStatisticsPolicy(policy), of: "statistics policy", store)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete it; nobody has sessions or milestones.")

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteStatisticsPolicy, of: "statistics policy", store)
        }
    }
}
