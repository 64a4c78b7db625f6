import ArgumentParser
import Foundation
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone requests`.
struct RequestsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requests", abstract: "Look at tracked requests to language models.",
        subcommands: [UnpricedRequestsCommand.self])
}

/// `meterstone requests unpriced`.
struct UnpricedRequestsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpriced",
        abstract: "List requests that ended and whose cost nobody knows.",
        discussion: "Give the models prices, then compute the costs with reprice.")

    @OptionGroup var span: SpanArguments
    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let requests = try await OpenStore.with(store) { engine in
            try await RequestTracker(engine).unpriced(from: span.from, until: span.until)
        }
        guard output.json else { return Console.write(Self.table(requests)) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let list = Array(try encoder.encode(requests))
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("unpriced")
        writer.integer(Int64(requests.count))
        writer.name("requests")
        writer.json(list)
        writer.endObject()
        Console.write(json: writer.bytes)
    }

    private static func table(_ requests: [TrackedRequest]) -> String {
        var table = TextTable(["request", "subject", "started", "model", "tokens>"])
        for request in requests {
            table.add([
                request.id.text, request.subject.text, request.startedAt.rfc3339,
                request.model?.text ?? "-", request.tokens.map { String($0.used) } ?? "-",
            ])
        }
        return table.text
    }
}
