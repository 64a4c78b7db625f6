import ArgumentParser
import Foundation
import Meterstone
import MeterstoneAPI
import MeterstoneCore
import MeterstoneImport
import MeterstoneMirror

/// Brings in a table that an application kept its usage in, and compares what both say.
///
/// The table is written out as CSV, and imported as a file is: rows keep their ids, so that a repeat counts
/// nothing twice.
struct TableImport {
    private let place: String
    private let table: String
    private let kind: OldTable
    private let fields: [FieldMapping]
    private let source: String?
    private let zone: ZoneRules?
    private let isStrict: Bool
    private let json: Bool

    init(
        _ place: String, like kind: OldTable?, _ fields: [FieldMapping], time: String?, id: String?,
        source: String?, zone: ZoneRules?, isStrict: Bool, json: Bool
    ) throws {
        guard let sign = place.lastIndex(of: "#"), place.last != "#" else {
            throw ValidationError("--from-table: expected URL#TABLE or FILE.csv#TABLE")
        }
        self.place = String(place[..<sign])
        table = String(place[place.index(after: sign)...])
        guard
            table.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_.".contains($0)) })
        else {
            throw ValidationError(
                "--from-table: expected the name of a table of letters, digits, _ and .")
        }
        let last = table.split(separator: ".").last.map(String.init) ?? table
        guard let kind = kind ?? OldTable(rawValue: last) else {
            let names = OldTable.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(table)': tell which table it is --like: \(names)")
        }
        self.kind = kind
        let others = [("time", time), ("id", id)].compactMap { name, column in
            column.flatMap { FieldMapping("\(name)=\($0)") }
        }
        self.fields = others + fields
        self.source = source
        self.zone = zone
        self.isStrict = isStrict
        self.json = json
    }

    func run(_ store: ServiceArguments) async throws {
        let folder = NSTemporaryDirectory() + "meterstone-table-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let rows = try rows(folder)
        try await OpenStore.with(store, for: isStrict ? .existing : .mayCreate) { service in
            var mapping = try kind.mapping(
                rows.columns, fields, try await service.blueprint().meters)
            if let source {
                guard mapping.request == nil else {
                    throw CommandFailure(
                        .usage, "--source: requests are found by their ids alone; leave it out")
                }
                mapping.source = source
            }
            mapping.request?.storedText = try store.settings().storedText.value
            if let zone { mapping.zone = zone }
            if kind == .creditTransactions {
                try await bringBalances(rows, mapping, service)
            } else {
                try await bringEvents(rows, mapping, service)
            }
        }
    }

    private func bringEvents(
        _ rows: TableRows, _ mapping: ColumnMapping, _ service: any MeterstoneService
    ) async throws {
        let request = ImportRequest(format: .csv, mapping: mapping, isStrict: isStrict)
        var usageImport = try UsageImport(try InputFile(path: rows.path), into: service, request)
        let summary = try await usageImport.run()
        let totals = try await TableTotals(try InputFile(path: rows.path), mapping, service)
        tell(summary.problems, in: rows, more: summary.rejected - summary.problems.count)
        let lines = totals.lines.map { (what: $0.meter.text, old: $0.old, new: $0.new) }
        tell(
            rows: summary.rows, counted: summary.counted, duplicate: summary.duplicate,
            rejected: summary.rejected, lines)
        for (type, count) in totals.unmetered.sorted(by: { $0.key < $1.key }) {
            Console.note("\(table): \(count) rows of the type '\(type.printable)' move no meter")
        }
        if summary.rejected > 0 {
            Console.note("\(table): rejected rows are in neither total")
        }
        if summary.rejected > 0 || !totals.isEqual {
            guard summary.usable > 0 else {
                throw CommandFailure(.badData, "no row of '\(table)' could be used")
            }
            throw ExitCode(ProgramExit.negative.rawValue)
        }
    }

    private func bringBalances(
        _ rows: TableRows, _ mapping: ColumnMapping, _ service: any MeterstoneService
    ) async throws {
        guard
            let balance = ["balance_after", "balanceAfter"].first(where: {
                rows.columns.contains($0)
            })
        else { throw CommandFailure(.usage, "'\(table)' has no column balance_after") }
        let balances = try await OpeningBalances(
            try InputFile(path: rows.path), mapping, balance: balance, table: source ?? table,
            service)
        tell(Array(balances.problems.prefix(ImportSummary.problemsMax)), in: rows, more: 0)
        tell(
            rows: balances.rows, counted: balances.granted.count, duplicate: 0,
            rejected: balances.problems.count,
            [("credits", balances.total, balances.stored)])
        if !balances.problems.isEmpty || balances.total != balances.stored {
            throw ExitCode(ProgramExit.negative.rawValue)
        }
    }

    // MARK: The rows

    private func rows(_ folder: String) throws -> TableRows {
        guard let location = MirrorLocation(url: place) else {
            guard place.hasSuffix(".csv") || place.hasSuffix(".csv.gz") else {
                throw CommandFailure(
                    .usage, "--from-table: expected \(MirrorLocation.expectation), or FILE.csv")
            }
            return TableRows(path: place, columns: try header(place))
        }
        let database = try location.open(isReadOnly: true)
        defer { database.close() }
        let answer = try database.wholeTable(table)
        var text = answer.columns.map(Self.field).joined(separator: ",") + "\n"
        var lines = [2]
        for row in answer.rows {
            let fields = row.map { Self.field($0) }.joined(separator: ",") + "\n"
            lines.append(lines[lines.endIndex - 1] + fields.utf8.count { $0 == UInt8(ascii: "\n") })
            text += fields
        }
        let path = "\(folder)/\(table).csv"
        try Data(text.utf8).write(to: URL(filePath: path))
        return TableRows(path: path, columns: answer.columns, lines: lines)
    }

    private static func field(_ text: String) -> String {
        "\"\(text.replacing("\"", with: "\"\""))\""
    }

    /// `NULL` is nothing, and an empty text is something. Of an offset that is told in hours alone the minutes are
    /// filled in.
    private static func field(_ value: MirrorValue) -> String {
        guard case .text(let text) = value else { return value.text ?? "" }
        let isShort = text.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d/) != nil
        return field(isShort ? text + ":00" : text)
    }

    private func header(_ path: String) throws -> [String] {
        let file = try InputFile(path: path)
        var parser = CSVParser()
        var record = Record()
        while true {
            do {
                if try parser.next(into: &record) {
                    return (0..<record.count).map { record.text($0) ?? "" }
                }
            } catch {
                throw CommandFailure(.badData, "the header of '\(path)' cannot be read")
            }
            guard let bytes = try file.next() else {
                throw CommandFailure(.badData, "'\(path)' is empty")
            }
            parser.push(bytes)
        }
    }

    // MARK: Telling

    private func tell(_ problems: [RowProblem], in rows: TableRows, more: Int) {
        for problem in problems { Console.note("\(table): \(rows.text(problem))") }
        if more > 0 { Console.note("\(table): and \(more) more rows were rejected") }
    }

    private func tell(
        rows: Int, counted: Int, duplicate: Int, rejected: Int,
        _ totals: [(what: String, old: Int64, new: Int64)]
    ) {
        guard json else {
            var table = TextTable(["rows>", "counted>", "duplicate>", "rejected>"])
            table.add([rows, counted, duplicate, rejected].map(String.init))
            var comparison = TextTable(["total of", "table>", "store>", "difference>"])
            for line in totals {
                comparison.add([
                    line.what, String(line.old), String(line.new),
                    String(line.new.subtractingReportingOverflow(line.old).partialValue),
                ])
            }
            let note =
                kind.isCumulated ? "\nrows that sum up are opening balances of their days" : ""
            return Console.write(table.text + "\n\n" + comparison.text + note)
        }
        var writer = JSONWriter()
        writer.beginObject()
        for (name, number) in [
            ("rows", rows), ("counted", counted), ("duplicate", duplicate), ("rejected", rejected),
        ] {
            writer.name(text: name)
            writer.integer(Int64(number))
        }
        writer.name("totals")
        writer.beginArray()
        for line in totals {
            writer.beginObject()
            writer.name("of")
            writer.string(line.what)
            writer.name("table")
            writer.integer(line.old)
            writer.name("store")
            writer.integer(line.new)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        Console.write(json: writer.bytes)
    }
}

/// A table as CSV, and what its columns are called.
private struct TableRows {
    var path: String
    var columns: [String]
    /// On which line of the file each row of a database starts; empty: somebody else wrote the file.
    var lines: [Int] = []

    /// Where the row is for whoever looks for it: a table of a database has no lines.
    func text(_ problem: RowProblem) -> String {
        guard let row = lines.firstIndex(of: problem.line) else { return "\(problem)" }
        return "row \(row + 1): \(problem.reason.printable)"
    }
}
