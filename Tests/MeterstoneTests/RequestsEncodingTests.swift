import Foundation
import Meterstone
import MeterstoneCore
import MeterstoneStore
import Testing

/// How a request stands in its event and in JSON.
@Suite struct RequestsEncodingTests {
    private static let start = Instant(millisecondsSince1970: 1_773_144_000_000)

    private static func request(_ change: (inout TrackedRequest) -> Void) -> TrackedRequest {
        var request = TrackedRequest(
            id: .text("r"), subject: SubjectID(unchecked: "ada"), status: .completed,
            startedAt: start, endedAt: start.advanced(byMilliseconds: 5))
        change(&request)
        return request
    }

    private static let requests = [
        request { _ in },
        request {
            $0.session = "s"
            $0.prompt = "\"quoted\"\n\u{1F600} é"
            $0.response = ""
            $0.model = ModelKey(unchecked: "org/gpt-4")
            $0.type = "code_generation"
            $0.category = "nft"
            $0.complexity = "high"
            $0.estimatedTokens = 506
            $0.tokens = .counts(TokenCounts(input: 9, output: 8, cached: 7, reasoning: 6))
            $0.cost = RequestCost(Money(millionths: 1), .priced)
            $0.durationMilliseconds = 2_500
            $0.rating = 5
            $0.ratingAtEnd = 5
            $0.ipAddress = "::1"
            $0.userAgent = "Mozilla/5.0 (X11)"
        },
        request {
            $0.status = .failed
            $0.error = "boom"
            $0.tokens = .total(.max)
            $0.cost = RequestCost(Money(millionths: 30_000), .given)
        },
        request { $0.status = .cancelled },
    ]

    @Test(arguments: requests)
    func `what is told of a request is read from its event again`(request: TrackedRequest) throws {
        let reservation = Reservation(
            id: request.id, source: nil, subject: request.subject, quantities: .none, reported: nil,
            status: .settled, terms: ReservationTerms(), reservedAt: request.startedAt,
            expiresAt: request.startedAt.advanced(byMilliseconds: 1_000),
            closedAt: request.endedAt, details: try request.details())
        #expect(TrackedRequest(reservation, at: .latest) == request)
    }

    @Test(arguments: requests)
    func `JSON says the same`(request: TrackedRequest) throws {
        let json = try JSONEncoder().encode(request)
        #expect(try JSONDecoder().decode(TrackedRequest.self, from: json) == request)
    }

    @Test func `a rating that came later is told from the first`() throws {
        var request = Self.request { $0.ratingAtEnd = 2 }
        request.rating = 4
        let details = try request.details()
        #expect(
            details.properties == #"{"laterRating":4,"userRating":2}"#)
    }

    @Test func `dimensions are those that were given, and meters may look at them`() throws {
        let details = try Self.requests[1].details()
        #expect(details.type == "chat_request" && details.subtype == "org/gpt-4")
        #expect(details.session == "s" && details.durationMilliseconds == 2_500)
        #expect(
            details.dimensions.map { "\($0.name)=\($0.value)" } == [
                "category=nft", "complexity=high", "model=org/gpt-4",
                "requestType=code_generation",
            ])
        #expect(try Self.requests[0].details().dimensions.isEmpty)
        #expect(try Self.requests[2].details().status == .failed)
        #expect(try Self.requests[3].details().status == .cancelled)
    }

    @Test func `costs are in cents beside the exact number`() throws {
        let request = Self.request {
            $0.cost = RequestCost(Money(millionths: 14_999), .priced)
        }
        let json = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
        #expect(json.contains(#""cost":1,"#) || json.contains(#""cost":1}"#))
        #expect(json.contains(#""costMillionths":14999"#))
        let unknown = String(
            decoding: try JSONEncoder().encode(Self.requests[0]), as: UTF8.self)
        #expect(!unknown.contains("cost"))
    }

    @Test(
        arguments: [
            (StoredText.nothing, nil), (.first(3), "née"),
            (.hash, nil),
            (.all, "née 1990"),
        ] as [(StoredText, String?)])
    func `of texts so much is kept as the setting says`(
        setting: StoredText, kept: String?
    ) async throws {
        try await RequestsWorld.run(storedText: setting) { world in
            // The second character is written as two scalars, and is one character.
            let text = "ne\u{301}e 1990"
            _ = try await world.tracker.start(
                RequestStart(id: .text("r"), subject: RequestsWorld.ada, prompt: text))
            let ended = try await world.finished(
                RequestEnd(id: .text("r"), response: text, tokens: .total(1)))
            for stored in [ended.request.prompt, ended.request.response] {
                if setting == .hash {
                    #expect(stored?.utf8.count == 64)
                    #expect(stored == StoredText.hash.kept(of: text))
                } else {
                    #expect(stored == kept)
                }
            }
        }
    }

    @Test func `a hash is that of FIPS 180-4`() {
        #expect(
            StoredText.hash.kept(of: "abc")
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(StoredText.hash.kept(of: nil) == nil)
        #expect(StoredText.standard.kept(of: String(repeating: "é", count: 101))?.count == 100)
    }
}
