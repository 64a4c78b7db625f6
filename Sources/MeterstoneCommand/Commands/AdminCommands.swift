import ArgumentParser
import Meterstone
import MeterstoneCore
import MeterstoneStore

/// `meterstone admin`.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "List, invite, change and remove administrators who sign in.",
        discussion:
            "Whoever is invited chooses a password with the invitation, which is good for a day.",
        subcommands: [List.self, Invite.self, SetRole.self, Remove.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the administrators.")

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let administrators = try await OpenStore.with(store) {
                try await $0.administrators()
            }
            var table = TextTable(["e-mail", "role", "state", "code", "made", "name"])
            for administrator in administrators {
                let state =
                    !administrator.active
                    ? "inactive" : administrator.password == nil ? "invited" : "active"
                table.add([
                    administrator.email.text, administrator.role.rawValue, state,
                    administrator.codeSecret == nil ? "no" : "yes",
                    administrator.createdAt.rfc3339, administrator.name ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no administrators" : table.text)
        }
    }

    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let somebody choose a password, and print the invitation.",
            discussion: """
                Example: meterstone admin invite ann@example.com --role owner --url https://meter.example.com

                For somebody who is an administrator already it is a way to another password; the role stays \
                unless one is given.
                """)

        @Argument(help: "The e-mail address.", transform: { try AdminCommand.email($0) })
        var email: EmailAddress

        @Option(
            help: "What they may do: viewer, operator or owner (default: viewer).",
            transform: { try ArgumentText.choice($0) })
        var role: AdministratorRole?

        @Option(help: "What they are called, for people.")
        var name: String?

        @Option(help: "Where the server is for them, to print a link instead of a code alone.")
        var url: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let invited = try await OpenStore.with(store, for: .mayCreate) {
                try await $0.invite(email, as: role, name: name, author: Changes.author)
            }
            guard let url else { return Console.write(invited.invitation) }
            let place = url.hasSuffix("/") ? String(url.dropLast()) : url
            Console.write("\(place)/admin/sign-in#invitation=\(invited.invitation)")
        }
    }

    struct SetRole: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change a role, or keep somebody out.")

        @Argument(help: "The e-mail address.", transform: { try AdminCommand.email($0) })
        var email: EmailAddress

        @Option(
            help: "What they may do: viewer, operator or owner.",
            transform: { try ArgumentText.choice($0) })
        var role: AdministratorRole?

        @Flag(inversion: .prefixedNo, help: "Whether they may sign in.")
        var active: Bool?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let outcome = try await OpenStore.with(store) { service in
                let known = try await service.administrators().first { $0.email == email }
                guard var administrator = known else {
                    throw CommandFailure(.badData, "there is no administrator \(email)")
                }
                if let role { administrator.role = role }
                if let active {
                    if !active { administrator.sessionsFrom = SystemClock.now() }
                    administrator.active = active
                }
                return try await service.change(
                    ChangeRequest(change: .putAdministrator(administrator), author: Changes.author)
                ).outcome
            }
            Console.write(try Changes.text(outcome, of: "administrator \(email)"))
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an administrator; sessions end at once.")

        @Argument(help: "The e-mail address.", transform: { try AdminCommand.email($0) })
        var email: EmailAddress

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(
                .deleteAdministrator(email), of: "administrator \(email)", store)
        }
    }

    fileprivate static func email(_ text: String) throws -> EmailAddress {
        guard let email = EmailAddress(folding: text) else {
            throw ValidationError("expected \(EmailAddress.expectation)")
        }
        return email
    }
}
