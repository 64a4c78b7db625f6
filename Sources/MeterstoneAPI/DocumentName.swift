package import MeterstoneCore

/// Names a document of a day: `{userId}_{date}`, as in `user123_2024-01-15`.
package struct DailyDocumentName: Sendable {
    package let subject: SubjectID
    package let date: CivilDate

    package static let expectation =
        "a subject, '_' and a date from 1970-01-01 to 9998-12-31, as in user123_2024-01-15"

    /// `nil` when the text is not of the form that ``expectation`` states.
    package init?(_ text: String) {
        guard let end = text.lastIndex(of: "_"), let subject = SubjectID(String(text[..<end])),
            let date = CivilDate(document: text[text.index(after: end)...])
        else { return nil }
        self.subject = subject
        self.date = date
    }
}

/// Names a document of a month: `{userId}_{year}_{month}`, as in `user123_2024_01`.
package struct MonthlyDocumentName: Sendable {
    package let subject: SubjectID
    package let month: CivilMonth

    package static let expectation =
        "a subject, a year from 1970 to 9998 and a month, as in user123_2024_01"

    /// `nil` when the text is not of the form that ``expectation`` states.
    package init?(_ text: String) {
        guard let monthStart = text.lastIndex(of: "_"),
            let yearStart = text[..<monthStart].lastIndex(of: "_"),
            let subject = SubjectID(String(text[..<yearStart])),
            let month = CivilMonth(
                documentYear: text[text.index(after: yearStart)..<monthStart],
                month: text[text.index(after: monthStart)...], digits: 2)
        else { return nil }
        self.subject = subject
        self.month = month
    }
}

/// Years in which every instant of every zone has a text.
private let documentYears = 1970...9998

extension CivilDate {
    package static let documentExpectation = "a date from 1970-01-01 to 9998-12-31"

    package init?(document text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = wholeNumber(parts[0], digits: 4),
            let month = wholeNumber(parts[1], digits: 2),
            let day = wholeNumber(parts[2], digits: 2),
            documentYears.contains(year)
        else { return nil }
        self.init(year: year, month: month, day: day)
    }
}

extension CivilMonth {
    /// - Parameter digits: of the month; `nil`: one or two.
    package init?(
        documentYear year: some StringProtocol, month: some StringProtocol, digits: Int? = nil
    ) {
        guard let year = wholeNumber(year, digits: 4), documentYears.contains(year),
            let month = wholeNumber(month, digits: digits ?? min(month.utf8.count, 2))
        else { return nil }
        self.init(year: year, month: month)
    }
}

/// A number of so many decimal digits and nothing else.
private func wholeNumber(_ text: some StringProtocol, digits: Int) -> Int? {
    let utf8 = text.utf8
    guard utf8.count == digits, (1...4).contains(digits),
        utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int(text)
}
