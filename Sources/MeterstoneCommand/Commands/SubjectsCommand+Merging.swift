import ArgumentParser
import Meterstone
import MeterstoneAPI
import MeterstoneCore

extension SubjectsCommand {
    struct Merge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Merge a subject into another: its usage, its credits and its keys.",
            discussion: "What was merged cannot be taken apart again. See with --preview before.")

        @Argument(
            help: "Who is merged.", transform: { try ArgumentText.identifier($0) as SubjectID })
        var from: SubjectID

        @Argument(
            help: "Who stays.", transform: { try ArgumentText.identifier($0) as SubjectID })
        var into: SubjectID

        @Flag(help: "Tell what would be, and change nothing.")
        var preview = false

        @OptionGroup var store: ServiceArguments
        @OptionGroup var output: OutputArguments

        func run() async throws {
            guard preview else {
                return try await Changes.make(
                    .mergeSubject(into, from: from), of: "\(into), with \(from)", store)
            }
            let outcome = try await OpenStore.with(store) {
                try await $0.previewMerge(of: from, into: into)
            }
            switch outcome {
            case .rejected(let rejection): throw CommandFailure(rejection)
            case .preview(let preview):
                guard !output.json else {
                    var writer = JSONWriter()
                    writer.object(preview, Shapes.mergePreview)
                    return Console.write(json: writer.bytes)
                }
                Console.write(Self.text(preview))
            }
        }

        private static func text(_ preview: MergePreview) -> String {
            var lines: [String] = []
            var table = TextTable([
                "meter", "window", "\(preview.from)>", "\(preview.into)>", "both>",
            ])
            for meter in preview.meters {
                table.add([
                    meter.meter.text, meter.window.text, "\(meter.from)", "\(meter.into)",
                    "\(meter.merged)",
                ])
            }
            if !table.isEmpty { lines.append(table.text) }
            let credits = preview.credits
            if credits.from != 0 || credits.into != 0 {
                lines.append(
                    "credits: \(credits.from) and \(credits.into), together \(credits.merged)")
            }
            if !preview.over.isEmpty {
                lines.append(
                    "over afterwards: \(preview.over.map(\.text).joined(separator: ", "))")
            }
            return lines.isEmpty ? "nothing to move" : lines.joined(separator: "\n")
        }
    }
}
