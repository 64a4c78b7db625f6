package import MeterstoneCore

extension Cursor {
    /// Where the next page of a report starts; `nil`: there is none.
    ///
    /// It holds the span and what was recorded by then, too, so that all pages are about the same time
    /// and show each row once, however late they are asked for.
    package init?(after report: ReportTable) {
        guard let next = report.next else { return nil }
        self.init(report.name, next, report.span, report.cut, report.lastSubject)
    }

    /// Where a question that is not about the first page starts.
    init?(resuming question: ReportQuestion, of name: ReportName) {
        guard question.offset > 0, let from = question.from, let until = question.until else {
            return nil
        }
        self.init(
            name, question.offset, WindowSpan(from: from, until: until), question.cut,
            question.after)
    }

    private init(
        _ name: ReportName, _ next: Int, _ span: WindowSpan, _ cut: ReportCut?,
        _ last: SubjectID?
    ) {
        let from = span.from.millisecondsSince1970
        let until = span.until.millisecondsSince1970
        // The subject stands last, since ids may hold a colon.
        self.init(
            kind: .reports,
            position: "\(name.rawValue):\(next):\(from):\(until):\(cut?.text ?? ""):"
                + (last?.text ?? ""))
    }
}

extension ReportQuestion {
    /// Makes this the question for the page that starts there.
    ///
    /// A cursor of another report, or of another span than the question names, is a rejection.
    package mutating func resume(at cursor: Cursor, of name: ReportName) throws(Rejection) {
        let parts = cursor.position.split(
            separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        // One that an earlier version gave says nothing of what was recorded by then.
        if parts.count == 4, parts[0] == name.rawValue { throw .cursorExpired }
        guard parts.count == 6, parts[0] == name.rawValue, let offset = Int(parts[1]), offset > 0,
            let from = Int64(parts[2]).map({ Instant(millisecondsSince1970: $0) }),
            let until = Int64(parts[3]).map({ Instant(millisecondsSince1970: $0) }),
            .earliest <= from, from < until, until <= .latest,
            self.from ?? from == from, self.until ?? until == until,
            let cut = ReportCut(parts[4])
        else { throw Cursor.invalid }
        let subject = String(parts[5])
        guard subject.isEmpty || SubjectID(subject) != nil else { throw Cursor.invalid }
        self.offset = offset
        self.from = from
        self.until = until
        self.cut = cut
        after = SubjectID(subject)
    }
}
