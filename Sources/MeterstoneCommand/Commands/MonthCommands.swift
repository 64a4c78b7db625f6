import ArgumentParser
import Foundation
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneServer

/// `meterstone months`.
struct MonthsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "months",
        abstract: "Close months, for good, and tell what closed months came to.",
        discussion: "Example: meterstone months close 2026-10",
        subcommands: [List.self, Close.self, Statement.self, Verify.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the months that were closed.")

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let months = try await OpenStore.with(store) { try await $0.closedMonths() }
            guard !output.json else {
                var writer = JSONWriter()
                writer.object(months, Shapes.closedMonths)
                return Console.write(json: writer.bytes)
            }
            var table = TextTable(["month", "until", "closed", "sequence"])
            for closed in months {
                table.add([
                    closed.month.text, closed.until.rfc3339, closed.closedAt.rfc3339,
                    String(closed.sequence),
                ])
            }
            Console.write(table.isEmpty ? "no month was closed" : table.text)
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a month. It cannot be opened again.",
            discussion: """
                Usage that is told late counts in the first open month from then on, and events of the \
                month are neither voided nor amended. It is refused while a reservation of the month is open.
                """)

        @Argument(help: "The month: 2026-10.", transform: { try ArgumentText.month($0) })
        var month: CivilMonth

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let receipt = try await OpenStore.with(store) { service in
                let receipt = try await service.change(
                    ChangeRequest(change: .closeMonth(month), author: Changes.author))
                // From now on it says the same for ever.
                _ = try await service.statement(of: month, for: nil)
                return receipt
            }
            switch receipt.outcome {
            case .created: Console.write("closed \(month)")
            case .unchanged: Console.write("closed before: \(month)")
            default: Console.write(try Changes.text(receipt.outcome, of: month.description))
            }
        }
    }

    struct Statement: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print, or write to a file, what a closed month came to.",
            discussion: """
                With --output its signature goes into a file beside it, FILE.sig, if METERSTONE_STATEMENT_SECRET \
                is set, here or of the server that is asked.
                """)

        @Argument(help: "The month: 2026-10.", transform: { try ArgumentText.month($0) })
        var month: CivilMonth

        @Option(
            help: "One subject; all together if left out.",
            transform: { try ArgumentText.identifier($0) as SubjectID })
        var subject: SubjectID?

        @Option(help: ArgumentHelp("Where it is written to.", valueName: "file"))
        var output: String?

        @OptionGroup var store: ServiceArguments

        func run() async throws {
            let secret = try store.settings().statementSecret.value
            let outcome = try await OpenStore.with(store) {
                try await $0.statement(of: month, for: subject)
            }
            switch outcome {
            case .notClosed: throw CommandFailure(.badData, "the month \(month) was not closed")
            case .unknownSubject:
                throw CommandFailure(.badData, "there is no subject \(subject?.text ?? "")")
            case .document(let document):
                guard let output else { return Console.write(document.text) }
                try write(document.text, to: output)
                let signature =
                    document.signature ?? secret?.signature(of: Array(document.text.utf8))
                if let signature { try write(signature + "\n", to: output + ".sig") }
            }
        }

        private func write(_ text: String, to path: String) throws {
            do {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            } catch {
                throw CommandFailure(.inputOutput, "'\(path)' cannot be written: \(error)")
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Check the signature of a statement; exit code 1 when it is not of this file.",
            discussion: """
                The secret is METERSTONE_STATEMENT_SECRET. Without --signature it is read from FILE.sig. \
                The same as: openssl dgst -sha256 -hmac "$METERSTONE_STATEMENT_SECRET" FILE
                """)

        @Argument(help: ArgumentHelp("The statement.", valueName: "file"))
        var file: String

        @Option(
            help: ArgumentHelp(
                "What the header field Meterstone-Signature said.", valueName: "text"))
        var signature: String?

        func run() throws {
            let environment = ProcessInfo.processInfo.environment
            guard let secret = try Settings([:], environment: environment).statementSecret.value
            else {
                throw CommandFailure(.usage, "set METERSTONE_STATEMENT_SECRET to check a signature")
            }
            let signature = try signature ?? text(of: file + ".sig")
            let told = signature.filter { !$0.isWhitespace }
            guard secret.isValid(told, of: Array(try data(of: file))) else {
                Console.write("the signature is of another file, or made with another secret")
                throw ExitCode(ProgramExit.negative.rawValue)
            }
            Console.write("the signature is right")
        }

        private func data(of path: String) throws -> Data {
            do {
                return try Data(contentsOf: URL(fileURLWithPath: path))
            } catch {
                throw CommandFailure(.unavailable, "'\(path)' cannot be read: \(error)")
            }
        }

        private func text(of path: String) throws -> String {
            String(decoding: try data(of: path), as: UTF8.self)
        }
    }
}

extension ArgumentText {
    fileprivate static func month(_ text: String) throws -> CivilMonth {
        guard let month = CivilMonth(text) else {
            throw ValidationError("expected \(CivilMonth.expectation)")
        }
        return month
    }
}
