import MeterstoneCore

/// Reads rows of CSV whose first row names the columns.
package struct CSVEventReader: EventReader {
    private var parser = CSVParser()
    private var record = Record()
    private var mapper: RowMapper?
    private let mapping: ColumnMapping
    private var number = 0

    package init(_ mapping: ColumnMapping) {
        self.mapping = mapping
    }

    package mutating func push(_ bytes: [UInt8]) {
        parser.push(bytes)
    }

    package mutating func finish() {
        parser.finish()
    }

    package mutating func next() throws(ImportError) -> EventRow? {
        do throws(CSVFailure) {
            guard try parser.next(into: &record) else { return nil }
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
            mapper = try RowMapper(mapping, columns: try header())
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
            return EventRow(line: record.line, content: .success(event))
        } catch {
            return EventRow(line: record.line, content: .failure(error))
        }
    }
}
