package import MeterstoneCore

extension Cursor {
    /// Where the next page of a report starts; `nil`: there is none.
    ///
    /// It holds the span too, so that all pages are about the same time, however late they are
    /// asked for.
    package init?(after report: Report<some ReportRow>, of name: ReportName) {
        guard let next = report.next else { return nil }
        let from = report.span.from.millisecondsSince1970
        let until = report.span.until.millisecondsSince1970
        self.init(kind: .reports, position: "\(name.rawValue):\(next):\(from):\(until)")
    }
}

extension ReportQuestion {
    /// Makes this the question for the page that starts there.
    ///
    /// A cursor of another report, or of another span than the question names, is a rejection.
    package mutating func resume(at cursor: Cursor, of name: ReportName) throws(Rejection) {
        let parts = cursor.position.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == name.rawValue, let offset = Int(parts[1]), offset > 0,
            let from = Int64(parts[2]).map({ Instant(millisecondsSince1970: $0) }),
            let until = Int64(parts[3]).map({ Instant(millisecondsSince1970: $0) }),
            .earliest <= from, from < until, until <= .latest,
            self.from ?? from == from, self.until ?? until == until
        else { throw Cursor.invalid }
        self.offset = offset
        self.from = from
        self.until = until
    }
}
