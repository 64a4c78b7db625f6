package import MeterstoneCore

extension JSONWriter {
    package mutating func report(_ report: ReportTable) {
        beginObject()
        name("report")
        string(report.name.rawValue)
        name("from")
        string(report.span.from.rfc3339)
        name("until")
        string(report.span.until.rfc3339)
        name("timeZone")
        string(report.timeZone)
        name("rows")
        beginArray()
        for row in report.rows { self.row(row, report) }
        endArray()
        if let next = Cursor(after: report) {
            name("next")
            string(next.text)
        }
        endObject()
    }

    mutating func row(_ row: [ReportValue], _ report: ReportTable) {
        beginObject()
        for (column, value) in zip(report.columns, row) {
            name(text: column.name)
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
