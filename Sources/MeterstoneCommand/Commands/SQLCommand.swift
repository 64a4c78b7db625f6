import ArgumentParser
import Foundation
import MeterstoneAPI
import MeterstoneMirror
import MeterstoneStore

/// `meterstone sql`.
struct SQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "Ask a mirror in SQL; nothing can be written.",
        discussion: """
            Example: meterstone sql "select usage_type, sum(count) from user_usage group by usage_type" \
            --mirror sqlite:reports.db

            For a query builder: meterstone sql --schema drizzle --mirror postgres://reports > mirror.ts
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, csv, json
    }

    @Argument(help: "One statement that asks something.")
    var statement: String?

    @Option(help: .of(\.mirror)) var mirror: String?
    @Option(help: "How to print the rows.") var format = Format.table
    @Option(
        help:
            "Print the tables and views as the schema of a query builder; of a mirror in PostgreSQL."
    )
    var schema: MirrorSchema.Language?
    @Option(help: .of(\.config)) var config: String?

    func validate() throws {
        guard (statement == nil) != (schema == nil) else {
            throw ValidationError("expected a statement or --schema, and not both")
        }
    }

    func run() async throws {
        let settings = try SQLArguments.settings(mirror: mirror, config: config)
        guard let location = settings.mirror.value else {
            throw CommandFailure(
                .usage, "expected the mirror to ask, in --mirror or METERSTONE_MIRROR")
        }
        let database = try location.open(isReadOnly: true)
        defer { database.close() }
        if let schema {
            Console.write(Array(try MirrorSchema(of: database).text(schema).utf8))
        }
        guard let statement else { return }
        let answer: MirrorAnswer
        do {
            answer = try database.ask(statement)
        } catch {
            throw CommandFailure(.badData, error.message)
        }
        switch format {
        case .table: Console.write(answer.table)
        case .csv: Console.write(Array(answer.csv.utf8))
        case .json: Console.write(json: answer.json)
        }
    }
}

extension MirrorSchema.Language: ExpressibleByArgument {}

private enum SQLArguments {
    static func settings(mirror: String?, config: String?) throws -> Settings {
        let table = SettingTable.shared
        var flags: [String: String] = [:]
        if let mirror { flags[table.mirror.facts.flag] = mirror }
        if let config { flags[table.config.facts.flag] = config }
        return try Settings(flags, environment: ProcessInfo.processInfo.environment)
    }
}

extension MirrorAnswer {
    fileprivate var table: String {
        // Numbers stand to the right.
        let titles = columns.enumerated().map { place, name in
            let isNumber =
                rows.contains { $0[place] != .null }
                && rows.allSatisfy { $0[place].isNumber || $0[place] == .null }
            return isNumber ? name + ">" : name
        }
        var table = TextTable(titles)
        for row in rows { table.add(row.map { $0.text ?? "" }) }
        return table.text
    }

    /// As RFC 4180 has it; `NULL` is empty.
    fileprivate var csv: String {
        func field(_ text: String) -> String {
            guard text.contains(where: { "\",\n\r".contains($0) || $0 == "\r\n" }) else {
                return text
            }
            return "\"\(text.replacing("\"", with: "\"\""))\""
        }
        return ([columns] + rows.map { $0.map { $0.text ?? "" } })
            .map { $0.map(field).joined(separator: ",") + "\r\n" }.joined()
    }

    /// An object for each row; of columns with the same name the last.
    fileprivate var json: [UInt8] {
        var writer = JSONWriter()
        writer.beginArray()
        for row in rows {
            writer.beginObject()
            for (name, value) in zip(columns, row) {
                writer.name(text: name)
                switch value {
                case .null: writer.null()
                case .integer(let number): writer.integer(number)
                case .real(let number) where number.isFinite: writer.json("\(number)")
                case .real(let number): writer.string("\(number)")
                case .text(let text): writer.string(text)
                }
            }
            writer.endObject()
        }
        writer.endArray()
        return writer.bytes
    }
}

extension MirrorValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .integer, .real: true
        case .null, .text: false
        }
    }
}
