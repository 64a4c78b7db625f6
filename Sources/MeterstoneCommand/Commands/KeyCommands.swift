import ArgumentParser
import Meterstone
import MeterstoneCore
import MeterstoneStore

/// `meterstone keys`.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "List, make, rotate and revoke keys of a server.",
        discussion: "A key is shown when it is made, and never again: only its digest is stored.",
        subcommands: [List.self, Make.self, Rotate.self, Revoke.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let keys = try await OpenStore.with(store) { try await $0.keys() }
            guard !output.json else { return try Answers.printList("keys", keys) }
            var table = TextTable([
                "key", "scopes", "subject", "addresses", "made", "until", "name",
            ])
            for key in keys {
                table.add([
                    key.key.text, key.scopes.map(\.rawValue).joined(separator: " "),
                    key.subject?.text ?? "", key.addresses.joined(separator: " "),
                    key.createdAt.rfc3339, key.expiresAt?.rfc3339 ?? "", key.name ?? "",
                ])
            }
            Console.write(table.isEmpty ? "no keys" : table.text)
        }
    }

    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key, and print its secret.",
            discussion: "Example: meterstone keys make --scope consume --scope read --name backend")

        @Option(
            help: "What it may do: ingest, consume, read or admin; repeat for more.",
            transform: { try ArgumentText.choice($0) })
        var scope: [AccessScope]

        @Option(help: "What it is for, for people.")
        var name: String?

        @Option(
            help: "The only subject that it is for, with those below.",
            transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID?

        @Option(
            help: ArgumentHelp(
                "From where it may be used; repeat for more.", valueName: "address-or-range"))
        var address: [String] = []

        @Option(
            help: ArgumentHelp("When it is no longer accepted.", valueName: "time"),
            transform: { try ArgumentText.instant($0) })
        var expiresAt: Instant?

        @Option(help: "How many requests a minute each node answers (default: all).")
        var requestsPerMinute: Int64?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let new = NewKey { (key, digest) in
                APIKey(
                    key: key, name: name, digest: digest, scopes: scope, subject: subject,
                    addresses: address, createdAt: SystemClock.now(), expiresAt: expiresAt,
                    requestsPerMinute: requestsPerMinute)
            }
            try await OpenStore.with(store, for: .mayCreate) { try await new.put(to: $0) }
            Console.write(new.secret)
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make another key with the same rights, and print its secret.",
            discussion: "The old one is accepted for a day beside it, unless told otherwise.")

        @Argument(
            help: "How the old one begins.",
            transform: { try ArgumentText.identifier($0) as APIKeyID })
        var key: APIKeyID

        @Option(
            help: ArgumentHelp("How long the old one is still accepted.", valueName: "seconds"),
            transform: { try ArgumentText.number($0, in: 1...2_592_000) })
        var overlap: Int = 86_400

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let secret = try await OpenStore.with(store) { service in
                guard let old = try await service.keys().first(where: { $0.key == key }) else {
                    throw CommandFailure(.badData, "there is no key \(key)")
                }
                let now = SystemClock.now()
                let new = NewKey { (key, digest) in
                    var new = old
                    new.key = key
                    new.digest = digest
                    new.createdAt = now
                    return new
                }
                let end = now.advanced(byMilliseconds: Int64(overlap) * 1_000)
                let receipt = try await service.change(
                    ChangeRequest(
                        change: .rotateKey(old.key, to: new.key, endsAt: end),
                        author: Changes.author))
                _ = try Changes.text(receipt.outcome, of: "key \(old.key)")
                return new.secret
            }
            Console.write(secret)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a key, at once.")

        @Argument(
            help: "How it begins.", transform: { try ArgumentText.identifier($0) as APIKeyID })
        var key: APIKeyID

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            try await Changes.make(.deleteKey(key), of: "key \(key)", store)
        }
    }
}

/// A key that is made here: whoever stores it is told the digest alone.
struct NewKey {
    let key: APIKey
    let secret: String

    init(_ key: (_ key: APIKeyID, _ digest: String) -> APIKey) {
        var random = SystemRandomNumberGenerator()
        let made = APIKey.secret(using: &random)
        secret = made.text
        self.key = key(made.key, SHA256.hash(Array(made.text.utf8)).description)
    }

    func put(to service: any MeterstoneService) async throws {
        let receipt = try await service.change(
            ChangeRequest(change: .putKey(key), author: Changes.author))
        if case .rejected(let rejection) = receipt.outcome { throw CommandFailure(rejection) }
    }
}
