import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

/// `meterstone reprice`.
struct RepriceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reprice",
        abstract: "Compute the costs of tracked requests anew, with the prices of their models.",
        discussion: """
            Costs that were given stay. What changes is corrected, with the reason in the event; \
            doing it again changes nothing.
            """)

    @OptionGroup var span: SpanArguments

    @Option(
        help: ArgumentHelp("Only requests to this model.", valueName: "model"),
        transform: { try ArgumentText.identifier($0) as ModelKey })
    var model: ModelKey?

    @Flag(help: "Only tell what would change.")
    var dryRun = false

    @OptionGroup var store: StoreArguments
    @OptionGroup var output: OutputArguments

    func run() async throws {
        let report = try await OpenStore.with(store) { engine in
            try await RequestTracker(engine).reprice(
                from: span.from, until: span.until, model: model, isDryRun: dryRun)
        }
        guard output.json else { return Console.write(text(report)) }
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("requests")
        writer.integer(Int64(report.requests))
        writer.name("repriced")
        writer.integer(Int64(report.repriced))
        writer.name("unpriced")
        writer.integer(Int64(report.unpriced))
        writer.name("unchanged")
        writer.integer(Int64(report.unchanged))
        writer.name("refused")
        writer.integer(Int64(report.refused))
        writer.name("dryRun")
        writer.boolean(dryRun)
        writer.endObject()
        Console.write(json: writer.bytes)
    }

    private func text(_ report: RepriceReport) -> String {
        let verb = dryRun ? "would be repriced" : "repriced"
        let refused = report.refused == 0 ? "" : ", \(report.refused) not remembered"
        return "\(report.requests) requests: \(report.repriced) \(verb), "
            + "\(report.unchanged) unchanged, \(report.unpriced) without a price\(refused)"
    }
}
