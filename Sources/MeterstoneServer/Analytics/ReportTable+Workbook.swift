import MeterstoneAPI
import MeterstoneCore
import MeterstonePages

/// The forms that a table is answered in: text, or a file for Excel.
enum AnalyticsFormat {
    case text(ReportFormat)
    case workbook

    static let expectation = "json, csv, ndjson or xlsx"
    static let workbookType = Workbook.type

    init?(_ name: String) {
        if name == "xlsx" {
            self = .workbook
        } else if let format = ReportFormat(rawValue: name) {
            self = .text(format)
        } else {
            return nil
        }
    }

    /// What the header field `Accept` likes best; a file for Excel where it names nothing else.
    init(accept header: String) {
        let ranges = header.split(separator: ",").map { MediaTypeName(String($0)).text }
        self = ranges == [Workbook.type] ? .workbook : .text(ReportFormat(accept: header))
    }

    var contentType: String {
        switch self {
        case .text(let format): format.contentType
        case .workbook: Workbook.type
        }
    }

    /// Of a file that a browser keeps; `nil`: it shows the answer.
    var fileExtension: String? {
        switch self {
        case .text(let format): format == .csv ? "csv" : nil
        case .workbook: "xlsx"
        }
    }

    var countDefault: Int {
        switch self {
        case .text(let format): format.countDefault
        case .workbook: ReportFormat.csv.countDefault
        }
    }

    func document(_ report: ReportTable) -> [UInt8] {
        switch self {
        case .text(let format): format.document(report)
        case .workbook: report.workbook
        }
    }
}

extension ReportTable {
    /// One page as a file for Excel: names of columns as in CSV, numbers as numbers and instants as times.
    fileprivate var workbook: [UInt8] {
        Workbook.bytes(
            sheet: name.rawValue, head: columns.map(\.name), rows.map { $0.map(\.cell) })
    }
}

extension ReportValue {
    /// Excel keeps fifteen digits of a number; one that has more stays what it is as a text.
    private static let exactMax: Int64 = 999_999_999_999_999

    var cell: Workbook.Cell {
        switch self {
        case .integer(let number):
            (-Self.exactMax...Self.exactMax).contains(number)
                ? .number(Double(number)) : .text(String(number))
        case .ratio: Double(plainText).map { .number($0) } ?? .text(plainText)
        case .instant(let instant): .time(instant)
        case .date, .flag, .list, .none, .text: .text(plainText)
        }
    }
}
