import Foundation
import MeterstoneCore
import Testing

@Suite struct CalendarCodingTests {
    private struct Message: Codable, Equatable {
        let at: Instant
        let window: Window
    }

    @Test func `instants and windows travel as their texts`() throws {
        let json = #"{"at":"2026-11-21T09:00:00.000Z","window":"week:sunday"}"#
        let message = try JSONDecoder().decode(Message.self, from: Data(json.utf8))
        #expect(message.at.millisecondsSince1970 == 1_795_251_600_000)
        #expect(message.window == .week(startsOn: .sunday))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(message), as: UTF8.self) == json)
    }

    @Test(arguments: [
        (
            #"{"at":"2026-11-21T09:00:00","window":"day"}"#,
            "expected an RFC 3339 date-time with a zone"
        ),
        (#"{"at":"2026-11-21T09:00:00Z","window":"daily"}"#, "expected \(Window.expectation)"),
    ])
    func `a text that is none says what is expected`(json: String, message: String) throws {
        let error = #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Message.self, from: Data(json.utf8))
        }
        guard case .dataCorrupted(let context) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.debugDescription == message)
    }
}
