import ArgumentParser
import Foundation
import Meterstone
import MeterstoneClient
import MeterstoneCore
import MeterstoneStore

/// `meterstone accounts`.
struct AccountsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accounts",
        abstract: "List, show and write accounts of persons, and end their sessions.",
        discussion: "A person is named by e-mail address, or by the id of the subject.",
        subcommands: [
            List.self, Show.self, Create.self, Deactivate.self, Activate.self, Sessions.self,
            Revoke.self, Export.self,
        ],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List subjects that have an account, sorted by id.")

        @Option(
            help: ArgumentHelp("Start after this subject.", valueName: "id"),
            transform: { try ArgumentText.identifier($0) as SubjectID })
        var after: SubjectID?

        @Option(
            help: ArgumentHelp("How many.", valueName: "n"),
            transform: { try ArgumentText.number($0, in: 1...100_000) })
        var count: Int = 100

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let subjects = try await OpenStore.with(store) { service in
                var (found, last): ([Subject], SubjectID?) = ([], after)
                while found.count < count {
                    let page = try await service.subjects(after: last, count: 1_000)
                    found += page.filter { $0.account != nil }
                    guard page.count == 1_000, let next = page.last?.id else { break }
                    last = next
                }
                return Array(found.prefix(count))
            }
            guard !output.json else { return try Answers.printList("subjects", subjects) }
            var table = TextTable(["subject", "email", "name", "active", "last login"])
            for subject in subjects {
                table.add([
                    subject.id.text, subject.account?.email?.text ?? "", subject.name ?? "",
                    subject.account?.active ?? true ? "yes" : "no",
                    subject.account?.lastLoginAt?.rfc3339 ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no accounts" : table.text)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one account.")

        @OptionGroup var person: PersonArguments
        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let subject = try await OpenStore.with(store) { try await person.subject($0) }
            let account = subject.account ?? PersonAccount()
            guard !output.json else { return Console.write(try Answers.json(account)) }
            var table = TextTable(["account", subject.id.text])
            table.add(["email", account.email?.text ?? ""])
            table.add(["name", subject.name ?? ""])
            table.add(["active", account.active ? "yes" : "no"])
            table.add(["last login", account.lastLoginAt?.rfc3339 ?? ""])
            for (kind, id) in account.externalIDs.sorted(by: { $0.key < $1.key }) {
                table.add([kind, id])
            }
            table.add(["sessions", "\(account.sessions.count { $0.endedAt == nil })"])
            Console.write(table.text)
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a subject an account, or change some of one.",
            discussion: "Example: meterstone accounts create user-123 --email ann@example.com")

        @Argument(
            help: "The id of the subject.",
            transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Option(help: "The e-mail address, which nobody else has.")
        var email: String?

        @Option(
            help: ArgumentHelp(
                "What another system calls the person; repeat for more.", valueName: "kind=id"))
        var externalID: [String] = []

        @Option(help: "Where a picture is.")
        var image: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            var members: [String: JSONValue] = [:]
            members["email"] = email.map { .text($0) }
            members["image"] = image.map { .text($0) }
            var ids: [String: JSONValue] = [:]
            for text in externalID {
                let parts = text.split(separator: "=", maxSplits: 1)
                guard parts.count == 2 else {
                    throw CommandFailure(.usage, "expected KIND=ID and not '\(text)'")
                }
                ids[String(parts[0])] = .text(String(parts[1]))
            }
            if !ids.isEmpty { members["externalIds"] = .object(ids) }
            let patch = MergePatch(.account(id), .object(members))
            try await Changes.make(.patch(patch), of: "account of \(id)", store, for: .mayCreate)
        }
    }

    struct Deactivate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse what a person consumes from now on; what was used stays.")

        @OptionGroup var person: PersonArguments
        @OptionGroup var store: ServiceArguments

        func run() async throws { try await person.set(active: false, store) }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a person consume again.")

        @OptionGroup var person: PersonArguments
        @OptionGroup var store: ServiceArguments

        func run() async throws { try await person.set(active: true, store) }
    }

    struct Sessions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List where a person is signed in to the application.")

        @OptionGroup var person: PersonArguments
        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let subject = try await OpenStore.with(store) { try await person.subject($0) }
            let sessions = subject.account?.sessions ?? []
            guard !output.json else { return try Answers.printList("sessions", sessions) }
            var table = TextTable(["session", "device", "address", "since", "seen", "ended"])
            for session in sessions {
                table.add([
                    session.id.text, session.device ?? "", session.address ?? "",
                    session.startedAt.rfc3339, session.lastSeenAt.rfc3339,
                    session.endedAt?.rfc3339 ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no sessions" : table.text)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "End a session of a person, or all that go on; then tokens of before are refused.")

        @OptionGroup var person: PersonArguments

        @Option(help: ArgumentHelp("Only this one.", valueName: "id"))
        var session: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let ended = try await OpenStore.with(store) { service in
                let subject = try await person.subject(service)
                let open = (subject.account?.sessions ?? []).filter {
                    $0.endedAt == nil && (session == nil || $0.id.text == session)
                }
                for session in open {
                    let change = Change.endAccountSession(
                        subject.id, session.id, at: SystemClock.now())
                    let receipt = try await service.change(
                        ChangeRequest(change: change, author: Changes.author))
                    // One may have ended meanwhile.
                    if receipt.outcome == .missing { continue }
                    _ = try Changes.text(receipt.outcome, of: "session \(session.id)")
                }
                return open.map(\.id.text)
            }
            guard session == nil || !ended.isEmpty else {
                throw CommandFailure(.badData, "no session '\(session ?? "")' goes on")
            }
            Console.write(
                ended.isEmpty
                    ? "no session goes on; tokens are good until they expire"
                    : "ended \(ended.joined(separator: ", "))")
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write everything that a server stores about a person into a file.",
            discussion: "Lines of JSON, packed with gzip. Asks the server that --server names.")

        @OptionGroup var person: PersonArguments

        @Option(help: ArgumentHelp("The file, which must not be there yet.", valueName: "file"))
        var to: String

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            guard !FileManager.default.fileExists(atPath: to) else {
                throw CommandFailure(.usage, "'\(to)' is there already")
            }
            let bytes = try await OpenStore.with(store) { service in
                guard let client = service as? MeterstoneClient else {
                    throw CommandFailure(
                        .usage, "an archive is made by a server; tell which with --server")
                }
                return try await client.archive(of: person.subject(service).id)
            }
            try Data(bytes).write(to: URL(filePath: to), options: .withoutOverwriting)
            Console.write("\(bytes.count) bytes written to \(to)")
        }
    }
}

/// Whose account is meant.
struct PersonArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("An e-mail address, or the id of a subject.", valueName: "person"))
    var who: String

    func subject(_ service: any MeterstoneService) async throws -> Subject {
        if let email = EmailAddress(folding: who) {
            let found = SubjectID(PersonAccount.key(of: email).text)
            if let found, let subject = try await service.subject(found),
                subject.account?.email == email
            {
                return subject
            }
        }
        guard let key = SubjectID(who), let subject = try await service.subject(key) else {
            throw CommandFailure(.badData, "nothing is known of '\(who)'")
        }
        return subject
    }

    func set(active: Bool, _ store: ServiceArguments) async throws {
        let (outcome, id) = try await OpenStore.with(store) { service in
            let id = try await subject(service).id
            let patch = MergePatch(.account(id), .object(["active": .boolean(active)]))
            let receipt = try await service.change(
                ChangeRequest(change: .patch(patch), author: Changes.author))
            return (receipt.outcome, id)
        }
        Console.write(try Changes.text(outcome, of: "account of \(id)"))
    }
}
