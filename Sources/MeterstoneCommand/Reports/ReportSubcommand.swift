import ArgumentParser
import Meterstone
import MeterstoneAPI
package import MeterstoneCore

/// A command that prints a report.
protocol ReportSubcommand: AsyncParsableCommand {
    associatedtype Row: ReportRow
    static var name: ReportName { get }
    var arguments: ReportArguments { get }
    func ask(
        _ engine: MeterstoneEngine, _ question: ReportQuestion
    ) async throws -> ReportOutcome<Row>
}

extension ReportSubcommand {
    func run() async throws {
        let first = try arguments.question(Self.name)
        try await OpenStore.with(arguments.store) { engine in
            var question = first
            while true {
                let report = try report(of: try await ask(engine, question))
                write(report, isFirst: question.offset == first.offset)
                guard arguments.isWhole, let next = question.following(report) else { return }
                question = next
            }
        }
    }

    private func report(of outcome: ReportOutcome<Row>) throws -> Report<Row> {
        switch outcome {
        case .report(let report): return report
        case .rejected(let rejection): throw CommandFailure(rejection)
        }
    }

    private func write(_ report: Report<Row>, isFirst: Bool) {
        switch arguments.format {
        case .json: Console.write(json: ReportFormat.json.document(report, of: Self.name))
        case .csv, .ndjson:
            let format = arguments.format ?? .csv
            Console.write(format.document(report, of: Self.name, isFirst: isFirst))
            noteNext(report)
        case nil:
            Console.write(report.rows.isEmpty ? "no rows" : TextTable(report).text)
            noteNext(report)
        }
    }

    private func noteNext(_ report: Report<Row>) {
        guard !arguments.isWhole, let cursor = Cursor(after: report, of: Self.name) else { return }
        Console.note("there are more rows: --cursor \(cursor.text)")
    }
}

extension TextTable {
    /// Columns of numbers are aligned to the right.
    package init<Row: ReportRow>(_ report: Report<Row>) {
        let rows = report.rows.map(\.values)
        self.init(
            Row.columns.enumerated().map { column, title in
                rows.allSatisfy { $0[column].isNumber } ? title + ">" : title
            })
        for row in rows { add(row.map(\.plainText)) }
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
