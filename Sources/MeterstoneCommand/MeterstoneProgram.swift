package import ArgumentParser
import Foundation

/// The program `meterstone`.
@main
package struct MeterstoneProgram: AsyncParsableCommand {
    package static let version = "0.1.0"

    package static let configuration = CommandConfiguration(
        commandName: "meterstone",
        abstract: "What has this subject used, may it use more, and what is left?",
        discussion: """
            Commands work on the store in --data; while a server owns it, ask the server. Exit codes: \
            0 done, 1 refused, different or rows rejected, 64 wrong command line, 65 wrong data, 69 store or \
            address unavailable, 74 reading or writing failed, 75 try again.
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(name: "Serving", subcommands: [ServeCommand.self, ConfigCommand.self]),
            CommandGroup(
                name: "Usage",
                subcommands: [
                    RecordCommand.self, ConsumeCommand.self, CheckCommand.self, UsageCommand.self,
                    ReportCommand.self, WhatIfCommand.self, ImportCommand.self,
                    RequestsCommand.self, MirrorCommand.self, SQLCommand.self,
                ]),
            CommandGroup(
                name: "Reservation",
                subcommands: [
                    ReserveCommand.self, ExtendCommand.self, SettleCommand.self,
                    ReleaseCommand.self, ReservationsCommand.self,
                ]),
            CommandGroup(
                name: "Administration",
                subcommands: [
                    MetersCommand.self, PlansCommand.self, LimitsCommand.self,
                    SubjectsCommand.self, AccountsCommand.self, CreditsCommand.self,
                    ModelsCommand.self,
                    StatisticsPolicyCommand.self, SwitchesCommand.self, BlueprintCommand.self,
                    KeysCommand.self,
                    AlertsCommand.self, WebhooksCommand.self, MonthsCommand.self,
                    AdminCommand.self,
                ]),
            CommandGroup(
                name: "Maintenance",
                subcommands: [
                    DoctorCommand.self, BackupCommand.self, RestoreCommand.self,
                    FollowCommand.self, PromoteCommand.self, VerifyCommand.self,
                    RebuildCommand.self, CompactCommand.self, ArchiveCommand.self,
                    RepriceCommand.self, CopyCommand.self,
                    VersionCommand.self,
                ]),
        ]
    )

    package init() {}

    /// Ends as ArgumentParser does; what was asked for, such as help, has to arrive.
    private static func end(with error: any Error) -> Never {
        let text = fullMessage(for: error)
        guard exitCode(for: error) == .success, !text.isEmpty else { exit(withError: error) }
        Console.write(text)
        Foundation.exit(ProgramExit.success.rawValue)
    }

    /// Runs the command, and turns what it throws into a message and an exit code.
    package static func main() async {
        do {
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard let failure = CommandFailure(error) else { end(with: error) }
            Console.note("meterstone: \(failure.message)")
            Foundation.exit(failure.status.rawValue)
        }
    }
}

/// `meterstone version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.")

    func run() {
        Console.write("meterstone \(MeterstoneProgram.version)")
    }
}
