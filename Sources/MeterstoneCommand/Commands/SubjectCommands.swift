import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone subjects`.
struct SubjectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subjects",
        abstract: "List, show and write subjects: who or what usage is counted for.",
        subcommands: [
            List.self, Show.self, Put.self, Alias.self, Rename.self, Merge.self, Erase.self,
            Subscribe.self, Subscriptions.self, Cancel.self, Features.self, Items.self,
            Additions.self, Lifetime.self,
        ],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List subjects, sorted by id.")

        @Option(
            help: ArgumentHelp("Start after this one.", valueName: "id"),
            transform: { try ArgumentText.identifier($0) as SubjectID })
        var after: SubjectID?

        @Option(help: ArgumentHelp("How many.", valueName: "n"))
        var count = 100

        @Flag(help: "Say how many there are as well, beside those that are listed.")
        var total = false

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let (subjects, all) = try await OpenStore.with(store) { service in
                (
                    try await service.subjects(after: after, count: max(1, count)),
                    total ? try await service.subjectTotal() : nil
                )
            }
            guard !output.json else {
                return try Answers.printList("subjects", subjects, total: all)
            }
            var table = TextTable(["subject", "plan", "time zone", "parent", "blocked", "name"])
            for subject in subjects {
                let plan = subject.subscription?.plan ?? subject.plan
                table.add([
                    subject.id.text, plan?.text ?? "", subject.timeZone ?? "",
                    subject.parent?.text ?? "", subject.blocked ? "yes" : "", subject.name ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no subjects" : table.text)
            if let all { Console.write("\n\(all) in all") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a subject and where it stands with its limits.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let (found, times, limits) = try await OpenStore.with(store) { service in
                (
                    try await service.subject(id), try await service.times(of: .subject(id)),
                    try await service.limits(of: id)
                )
            }
            let subject = found ?? Subject(id: id)
            guard output.json else {
                if found == nil { Console.note("nothing is known of '\(id)'; these are defaults") }
                return Console.write(
                    "\(Self.table(subject, times ?? Times()))\n\n\(Answers.table(limits))")
            }
            var writer = JSONWriter()
            writer.beginObject()
            writer.name("subject")
            writer.json(try Answers.json(subject))
            writer.name("createdAt")
            Wire<Instant>.instant.orNull.write(times?.createdAt, &writer)
            writer.name("updatedAt")
            Wire<Instant>.instant.orNull.write(times?.updatedAt, &writer)
            writer.name("limits")
            Wire.statuses.write(limits, &writer)
            writer.endObject()
            Console.write(json: writer.bytes)
        }

        private static func table(_ subject: Subject, _ times: Times) -> String {
            var table = TextTable(["subject", subject.id.text])
            table.add(["name", subject.name ?? ""])
            table.add(["plan", subject.plan?.text ?? ""])
            if let subscription = subject.subscription {
                let until = subscription.expiresAt.map { " until \($0.rfc3339)" } ?? ""
                let span = "from \(subscription.startsAt.rfc3339)\(until)"
                table.add(["subscription", "\(subscription.plan), \(subscription.status), \(span)"])
            }
            for next in subject.scheduled.map(\.subscription) {
                table.add(["scheduled", "\(next.plan) from \(next.startsAt.rfc3339)"])
            }
            table.add(["time zone", subject.timeZone ?? ""])
            for former in subject.formerZones {
                let name = former.timeZone ?? "(default)"
                table.add(["time zone before", "\(name) until \(former.until.rfc3339)"])
            }
            table.add(["parent", subject.parent?.text ?? ""])
            table.add(["blocked", subject.blocked ? "yes" : "no"])
            table.add(["created", times.createdAt?.rfc3339 ?? ""])
            table.add(["updated", times.updatedAt?.rfc3339 ?? ""])
            for (limit, allowance) in subject.overrides.sorted(by: { $0.key < $1.key }) {
                table.add(["override \(limit)", Answers.text(allowance.wire)])
            }
            for (limit, resets) in subject.resets.sorted(by: { $0.key < $1.key }) {
                table.add(["\(limit) reset", resets.last?.at.rfc3339 ?? ""])
            }
            for addition in subject.additions {
                table.add(["addition \(addition.id)", Answers.text(addition)])
            }
            return table.text
        }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create or change a subject; what is not given stays, '' takes a value away.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Option(help: "The zone of its calendar: Europe/Berlin.")
        var timeZone: String?

        @Option(help: ArgumentHelp("The team above it.", valueName: "id"))
        var parent: String?

        @Option(help: "Its plan, where no subscription applies.")
        var plan: String?

        @Option(help: "Its name, for people.")
        var name: String?

        @Flag(inversion: .prefixedNo, help: "Refuse its consumes.")
        var blocked: Bool?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let outcome = try await OpenStore.with(store, for: .mayCreate) { service in
                let subject = try changed(try await service.subject(id) ?? Subject(id: id))
                let change = ChangeRequest(change: .putSubject(subject), author: Changes.author)
                return try await service.change(change).outcome
            }
            Console.write(try Changes.text(outcome, of: "subject \(id)"))
        }

        private func changed(_ subject: Subject) throws -> Subject {
            var subject = subject
            if let timeZone { subject.timeZone = timeZone.isEmpty ? nil : timeZone }
            if let name { subject.name = name.isEmpty ? nil : name }
            if let parent {
                subject.parent = parent.isEmpty ? nil : try ArgumentText.identifier(parent)
            }
            if let plan { subject.plan = plan.isEmpty ? nil : try ArgumentText.identifier(plan) }
            if let blocked { subject.blocked = blocked }
            return subject
        }
    }
}
