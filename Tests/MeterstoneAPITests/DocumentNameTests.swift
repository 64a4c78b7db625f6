import MeterstoneAPI
import MeterstoneCore
import Testing

/// Names of documents, whatever the subject is called.
@Suite struct DocumentNameTests {
    @Test(arguments: ["u", "a_b", "a_2024", "_", "a_2024_01", "über 1", "u_2024-01-15"])
    func `a name is a subject and a time`(subject: String) throws {
        let daily = try #require(DailyDocumentName("\(subject)_2024-02-29"))
        #expect(daily.subject.text == subject && daily.date.description == "2024-02-29")
        let monthly = try #require(MonthlyDocumentName("\(subject)_2024_01"))
        #expect(monthly.subject.text == subject)
        #expect(monthly.month == CivilMonth(year: 2024, month: 1))
    }

    @Test(arguments: [
        "", "_", "u", "u_", "u_2024", "u_2024-01", "u_2023-02-29", "_2024-01-01", "u_+024-01-01",
        "u_2024-1-1", "u_2024-01-01 ", "u-2024-01-01", "u_2024_1", "u_2024_00", "u_24_01",
        "u_1969_12", "u_9999_01", "_2024_01", "u_2024__01",
    ])
    func `another text is none`(text: String) {
        #expect(DailyDocumentName(text) == nil)
        #expect(MonthlyDocumentName(text) == nil)
    }

    @Test func `a cursor belongs to its list`() throws {
        let position = DocumentPosition(updatedAt: 1_773_144_000_000, place: 20_522)
        let text = Cursor(position, of: "du").text
        let cursor = try Cursor(text, kind: .documents)
        #expect(try cursor.documentPosition(of: "du") == position)
        #expect(throws: Rejection.self) { try cursor.documentPosition(of: "dn") }
        #expect(throws: Rejection.self) { try Cursor(text, kind: .events) }
        let far = Cursor(kind: .documents, position: "dh:0:9223372036854775807")
        #expect(throws: Rejection.self) { try far.documentPosition(of: "dh") }
    }
}
