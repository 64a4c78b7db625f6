package import MeterstoneCore

extension JSONWriter {
    package mutating func report(_ report: Report<some ReportRow>, of reportName: ReportName) {
        beginObject()
        name("report")
        string(reportName.rawValue)
        name("from")
        string(report.span.from.rfc3339)
        name("until")
        string(report.span.until.rfc3339)
        name("timeZone")
        string(report.timeZone)
        name("rows")
        beginArray()
        for row in report.rows { self.row(row) }
        endArray()
        if let next = Cursor(after: report, of: reportName) {
            name("next")
            string(next.text)
        }
        endObject()
    }

    mutating func row<Row: ReportRow>(_ row: Row) {
        beginObject()
        for (column, value) in zip(Row.columns, row.values) {
            name(text: column)
            self.value(value)
        }
        endObject()
    }

    private mutating func value(_ value: ReportValue) {
        switch value {
        case .text(let text): string(text)
        case .integer(let number): integer(number)
        case .ratio(let ratio): json(ratio.decimal)
        case .instant(let instant): string(instant.rfc3339)
        case .date(let date): string(date.description)
        case .flag(let flag): boolean(flag)
        case .list(let texts):
            beginArray()
            for text in texts { string(text) }
            endArray()
        case .none: null()
        }
    }
}
