import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone credits`.
struct CreditsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credits",
        abstract: "Show, grant, void and refund credits of a subject, and say what costs them.",
        subcommands: [
            Balance.self, Entries.self, Grant.self, Void.self, Refund.self, Policy.self,
        ],
        defaultSubcommand: Balance.self)

    struct Balance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a subject has, and its grants in the order of use.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let wallet = try await OpenStore.with(store) { try await $0.wallet(of: subject) }
            guard output.json else { return Console.write(Answers.table(wallet)) }
            var writer = JSONWriter()
            writer.object(wallet, Shapes.credits)
            Console.write(json: writer.bytes)
        }
    }

    struct Entries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a subject's ledger entries, newest first.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @Option(help: ArgumentHelp("Start before this sequence number.", valueName: "n"))
        var before: Int64?

        @Option(help: ArgumentHelp("How many.", valueName: "n"))
        var count = 100

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let page = try await OpenStore.with(store) { service in
                try await service.ledger(of: subject, before: before, count: count)
            }
            guard output.json else { return Console.write(Answers.table(page.entries)) }
            var writer = JSONWriter()
            writer.object(Page(page), Shapes.entries)
            Console.write(json: writer.bytes)
        }
    }

    struct Grant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a subject credit.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @Argument(help: "How many credits.")
        var amount: Int64

        @Option(
            help: "The grant's id; the same id is given once.",
            transform: { try ArgumentText.identifier($0) as GrantID })
        var id: GrantID?

        @Option(help: ArgumentHelp("0 to 1000; the smallest is used first.", valueName: "n"))
        var priority = CreditGrant.priorityDefault

        @Option(
            help: ArgumentHelp("From when it can be used (default: now).", valueName: "time"),
            transform: { try ArgumentText.instant($0) })
        var effectiveAt: Instant?

        @Option(
            help: ArgumentHelp("Until when it can be used (default: ever).", valueName: "time"),
            transform: { try ArgumentText.instant($0) })
        var expiresAt: Instant?

        @Option(
            help: "purchase, plan, dailyRefill, refund or adjustment.",
            transform: { try ArgumentText.choice($0) })
        var source: CreditSource = .adjustment

        @Option(help: ArgumentHelp("What it belongs to elsewhere: a payment.", valueName: "text"))
        var reference: String?

        @Flag(help: "Refuse it to who had it before under the same e-mail address or external id.")
        var oncePerPerson = false

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let order = GrantOrder(
                id: id, amount: amount, priority: priority, effectiveAt: effectiveAt,
                expiresAt: expiresAt, source: source, reference: reference,
                oncePerPerson: oncePerPerson)
            try await CreditChanges.make(.grantCredit(subject, order), "granted", store, output)
        }
    }

    struct Void: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take back what is left of a grant.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @Argument(
            help: "The grant's id.", transform: { try ArgumentText.identifier($0) as GrantID })
        var grant: GrantID

        @Option(help: ArgumentHelp("Why.", valueName: "text"))
        var reason: String

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            try await CreditChanges.make(
                .voidGrant(subject, grant, reason: reason), "voided", store, output)
        }
    }

    struct Refund: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give back what was spent under a reference, once.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID

        @Argument(help: "The id of the event that was paid for.")
        var reference: String

        @Option(help: ArgumentHelp("Why.", valueName: "text"))
        var reason = ""

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            try await CreditChanges.make(
                .refundCredit(subject, reference: reference, reason: reason), "refunded", store,
                output)
        }
    }
}

/// Changes of a subject's credits.
private enum CreditChanges {
    /// Makes one and says what it came to.
    static func make(
        _ change: Change, _ verb: String, _ store: ServiceArguments, _ output: OutputArguments
    ) async throws {
        let outcome = try await OpenStore.with(store) { service in
            try await service.change(ChangeRequest(change: change, author: Changes.author)).outcome
        }
        switch outcome {
        case .credited(let receipt):
            guard output.json else {
                let grant = receipt.grant.map { " (grant \($0.id))" } ?? ""
                return Console.write(
                    "\(verb) \(receipt.amount) credits\(grant); the balance is \(receipt.balance)")
            }
            Console.write(json: json(receipt))
        case .rejected(let rejection): throw CommandFailure(rejection)
        case .created, .replaced, .unchanged, .deleted, .missing:
            guard output.json else { return Console.write("unchanged: it was \(verb) before") }
            Console.write("{\"amount\":0}")
        }
    }

    private static func json(_ receipt: CreditReceipt) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if let grant = receipt.grant {
            writer.name("grant")
            writer.object(grant, Shapes.grant)
        }
        writer.name("amount")
        writer.integer(receipt.amount)
        writer.name("balance")
        writer.integer(receipt.balance)
        writer.endObject()
        return writer.bytes
    }
}
