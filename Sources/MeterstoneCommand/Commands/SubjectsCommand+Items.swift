import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension SubjectsCommand {
    struct Items: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what a gauge of a subject counts now: who holds what.")

        @Argument(transform: { try ArgumentText.identifier($0) as SubjectID })
        var id: SubjectID

        @Argument(
            help: "A meter whose aggregation is gauge or integral.",
            transform: { try ArgumentText.identifier($0) as MeterKey })
        var meter: MeterKey

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            let items = try await OpenStore.with(store) { service in
                try await all(service)
            }
            guard !output.json else {
                var writer = JSONWriter()
                writer.object(Page(items, next: nil), Shapes.heldItems)
                return Console.write(json: writer.bytes)
            }
            var table = TextTable(["item", "quantity", "told by", "told at"])
            for item in items {
                table.add([
                    item.item ?? "", String(item.quantity.units), item.subject.text,
                    item.toldAt.rfc3339,
                ])
            }
            Console.write(table.isEmpty ? "nothing" : table.text)
        }

        private func all(_ service: any MeterstoneService) async throws -> [HeldItem] {
            var items: [HeldItem] = []
            var position: HeldItem.Position?
            repeat {
                let outcome = try await service.heldItems(
                    of: id, meter: meter, after: position, count: 1_000)
                switch outcome {
                case .rejected(let rejection): throw CommandFailure(rejection)
                case .page(let page):
                    items += page.items
                    position = page.next
                }
            } while position != nil
            return items
        }
    }
}
