import MeterstoneCore

/// Reads rows of CSV whose first row names the columns.
package struct CSVEventReader: EventReader {
    private var parser = CSVParser()
    private var record = Record()
    private var mapper: RowMapper?
    private let mapping: ColumnMapping
    private let scope: String
    private var number = 0
    private var isFinished = false

    /// - Parameter scope: what ids that are made for rows begin from.
    package init(_ mapping: ColumnMapping, scope: String = "") {
        self.mapping = mapping
        self.scope = scope
    }

    package mutating func push(_ bytes: [UInt8]) {
        parser.push(bytes)
    }

    package mutating func finish() {
        parser.finish()
        isFinished = true
    }

    package mutating func next() throws(ImportError) -> EventRow? {
        do throws(CSVFailure) {
            guard try parser.next(into: &record) else {
                guard isFinished, mapper == nil else { return nil }
                throw .file(
                    ImportError(.badData, "expected a header, and there is nothing in the file"))
            }
        } catch {
            switch error {
            case .file(let error):
                throw error
            case .row(let problem):
                guard mapper != nil else { throw ImportError(.badData, "the header: \(problem)") }
                number += 1
                return EventRow(line: problem.line, content: .failure(problem))
            }
        }
        guard mapper != nil else {
            mapper = try RowMapper(mapping, columns: try header(), scope: scope)
            return try next()
        }
        return row()
    }

    private func header() throws(ImportError) -> Columns {
        var names: [String] = []
        for index in 0..<record.count {
            guard let name = record.text(index) else {
                throw ImportError(.badData, "the header: the bytes are not UTF-8")
            }
            names.append(name)
        }
        return Columns(names)
    }

    private mutating func row() -> EventRow? {
        defer { number += 1 }
        do throws(RowProblem) {
            guard let event = try mapper?.event(record, number: number) else { return nil }
            return EventRow(
                line: record.line, content: .success(event), localTime: mapper?.localTime ?? .once)
        } catch {
            return EventRow(line: record.line, content: .failure(error))
        }
    }
}
