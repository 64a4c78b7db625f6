import ArgumentParser
import Meterstone
import MeterstoneAPI
package import MeterstoneCore

/// A command that prints a report.
protocol ReportSubcommand: AsyncParsableCommand {
    static var name: ReportName { get }
    var arguments: ReportArguments { get }
    var topic: ReportTopic { get }
}

extension ReportSubcommand {
    func run() async throws {
        let first = try arguments.question(Self.name)
        try await OpenStore.with(arguments.store) { service in
            var question = first
            while true {
                let report = try report(of: try await service.report(topic, question))
                write(report, isFirst: question.offset == first.offset)
                guard arguments.isWhole, let next = question.following(report) else { return }
                question = next
            }
        }
    }

    private func report(of answer: ReportAnswer) throws -> ReportTable {
        switch answer {
        case .table(let report): return report
        case .rejected(let rejection): throw CommandFailure(rejection)
        }
    }

    private func write(_ report: ReportTable, isFirst: Bool) {
        switch arguments.format {
        case .json: Console.write(json: ReportFormat.json.document(report))
        case .csv, .ndjson:
            let format = arguments.format ?? .csv
            Console.write(format.document(report, isFirst: isFirst))
            noteNext(report)
        case nil:
            Console.write(report.rows.isEmpty ? "no rows" : TextTable(report).text)
            noteNext(report)
        }
    }

    private func noteNext(_ report: ReportTable) {
        guard !arguments.isWhole, let cursor = Cursor(after: report) else { return }
        Console.note("there are more rows: --cursor \(cursor.text)")
    }
}

extension TextTable {
    /// Columns of numbers are aligned to the right.
    package init(_ report: ReportTable) {
        self.init(
            report.columns.enumerated().map { place, column in
                report.rows.allSatisfy { $0[place].isNumber } ? column.name + ">" : column.name
            })
        for row in report.rows { add(row.map(\.plainText)) }
    }
}

extension ReportValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .integer, .ratio, .none: true
        case .text, .instant, .date, .flag, .list: false
        }
    }
}
