import MeterstoneCore

/// Rows that sort, page and export by the address of the page: a link shows the same to whoever has it.
struct Table {
    struct Column {
        var key: String
        var label: String
        var isNumber = false
    }

    struct Cell {
        enum Order {
            case text(String)
            case number(Double)
        }

        var text: String
        var order: Order
        var link: String?
        /// `good`, `bad`, `quiet`: shown as a mark.
        var mark: String?
        var bar: String?
        /// Whether it is a time, which never breaks.
        var isTime = false

        init(_ text: String, link: String? = nil, mark: String? = nil) {
            self.text = text
            order = .text(text)
            self.link = link
            self.mark = mark
        }

        init(number text: String, _ value: Double?, bar: String? = nil) {
            self.text = text
            order = .number(value ?? -.infinity)
            self.bar = bar
        }

        /// Of a time or anything else that sorts by a text that is not shown.
        init(_ text: String, by order: String) {
            self.text = text
            self.order = .text(order)
            isTime = true
        }

        static func count(_ value: Int64?) -> Cell {
            Cell(number: value.map { Format.number($0) } ?? "—", value.map { Double($0) })
        }
    }

    static let rowsPerPage = 50

    var id: String
    var heading: String
    var note: String?
    var columns: [Column]
    var rows: [[Cell]]
    var empty: Notice
    /// How many rows there are, where those after the page that is shown were not read; `nil`: ``rows`` has all.
    var count: Int?
    /// The rest where the interface gives one page after the other; `nil`: all rows are here.
    var cursor: (next: String?, isFirst: Bool)?
    /// What an administrator may do with a row, by its index.
    var isLive = false

    func context(_ request: PageRequest) -> Context {
        let sorted = sortedRows(request)
        let page = max(1, Int(request.value(id + "-page") ?? "") ?? 1)
        let count = count ?? sorted.count
        let pages = max(1, (count + Self.rowsPerPage - 1) / Self.rowsPerPage)
        let start = min(page - 1, pages - 1) * Self.rowsPerPage
        let shown = cursor == nil ? sorted.dropFirst(start).prefix(Self.rowsPerPage) : sorted[...]
        return [
            "id": id, "heading": heading, "note": optional(note), "hasRows": !rows.isEmpty,
            "empty": empty.context, "columns": columns.map { head($0, request) },
            "csv": request.link(["csv": id]), "xlsx": request.link(["xlsx": id]),
            "rows": shown.map { row -> Context in
                ["cells": zip(columns, row).map { Self.context($0, $1) }]
            },
            "pager": pager(request, page: min(page, pages), of: pages, count: count),
        ]
    }

    private func head(_ column: Column, _ request: PageRequest) -> Context {
        let asked = sort(request)
        let isSorted = asked?.key == column.key
        let next: String =
            isSorted
            ? (asked?.isDown ?? false ? column.key : "-" + column.key)
            : (column.isNumber ? "-" + column.key : column.key)
        return [
            "label": column.label, "kind": column.isNumber ? "number" : "",
            "sorted": optional(
                isSorted ? (asked?.isDown ?? false ? "descending" : "ascending") : nil),
            // Pages of the interface come in its own order.
            "sortLink": optional(
                cursor == nil && !rows.isEmpty
                    ? request.link([id + "-sort": next, id + "-page": nil]) + "#" + id : nil),
        ]
    }

    private static func context(_ column: Column, _ cell: Cell) -> Context {
        [
            "text": cell.text, "kind": column.isNumber ? "number" : cell.isTime ? "when" : "",
            "label": column.label,
            "link": optional(cell.link), "mark": optional(cell.mark), "bar": cell.bar ?? "",
        ]
    }

    private func pager(
        _ request: PageRequest, page: Int, of pages: Int, count: Int
    ) -> Any {
        let previous: String?
        let next: String?
        let words: String
        if let cursor {
            previous = cursor.isFirst ? nil : request.link([id + "-cursor": nil]) + "#" + id
            next = cursor.next.map { request.link([id + "-cursor": $0]) + "#" + id }
            words = ""
        } else {
            func link(_ number: Int) -> String {
                request.link([id + "-page": number == 1 ? nil : String(number)]) + "#" + id
            }
            previous = page > 1 ? link(page - 1) : nil
            next = page < pages ? link(page + 1) : nil
            words = "Page \(page) of \(pages), \(Format.number(Int64(count))) rows"
        }
        guard previous != nil || next != nil else { return false }
        return [
            "previous": optional(previous), "next": optional(next), "words": words,
            "previousText": cursor == nil ? "Previous" : "First page",
        ] as Context
    }

    private func sort(_ request: PageRequest) -> (key: String, isDown: Bool)? {
        guard let asked = request.value(id + "-sort") else { return nil }
        let isDown = asked.hasPrefix("-")
        return (isDown ? String(asked.dropFirst()) : asked, isDown)
    }

    private func sortedRows(_ request: PageRequest) -> [[Cell]] {
        guard cursor == nil, let asked = sort(request),
            let index = columns.firstIndex(where: { $0.key == asked.key })
        else { return rows }
        let sorted = rows.enumerated().sorted { one, other in
            let (left, right) =
                asked.isDown
                ? (other.element[index], one.element[index])
                : (one.element[index], other.element[index])
            if left.order.precedes(right.order) { return true }
            if right.order.precedes(left.order) { return false }
            return one.offset < other.offset
        }
        return sorted.map(\.element)
    }

    /// All rows, sorted as they are shown: RFC 4180, and no text that a spreadsheet takes for a formula.
    func csv(_ request: PageRequest) -> String {
        var lines = [columns.map { Self.field($0.key) }.joined(separator: ",")]
        for row in sortedRows(request) {
            lines.append(
                row.map { cell in
                    switch cell.order {
                    case .number(let value):
                        value.isFinite ? Self.plain(value) : ""
                    case .text(let text): Self.field(text)
                    }
                }.joined(separator: ","))
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    /// The same rows as a file for Excel.
    func workbook(_ request: PageRequest) -> [UInt8] {
        var rows: [[Workbook.Cell]] = []
        for row in sortedRows(request) {
            rows.append(
                zip(columns, row).map { column, cell in
                    switch cell.order {
                    case .number(let value):
                        // A heading for people says "Cost", and not in which unit.
                        value.isFinite
                            ? .number(column.key.hasSuffix("Millionths") ? value / 1e6 : value)
                            : .text("")
                    case .text(let text):
                        Instant(rfc3339: text).map { .time($0) } ?? .text(text == "—" ? "" : text)
                    }
                })
        }
        return Workbook.bytes(sheet: heading, head: columns.map(\.label), rows)
    }

    private static func plain(_ value: Double) -> String {
        Int64(exactly: value).map { String($0) } ?? String(value)
    }

    private static func field(_ text: String) -> String {
        var text = text == "—" ? "" : text
        if let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) {
            text = "'" + text
        }
        guard text.contains(where: { ",\"\n\r".contains($0) || $0 == "\r\n" }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}

extension Table.Cell.Order {
    fileprivate func precedes(_ other: Self) -> Bool {
        switch (self, other) {
        case (.number(let one), .number(let two)): one < two
        case (.text(let one), .text(let two)): one < two
        default: false
        }
    }
}
