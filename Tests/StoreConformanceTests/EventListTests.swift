import Meterstone
import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Events of all subjects as one list.
@Suite struct EventListTests {
    private static func ids(_ page: EventListPage) -> [String] {
        page.events.map { $0.event.id?.text ?? "-" }
    }

    /// All pages of so many, from the first on.
    private static func all(
        _ engine: MeterstoneEngine, _ filter: EventFilter = EventFilter(), by count: Int
    ) async throws -> [String] {
        var found: [String] = []
        var position: EventListPosition?
        repeat {
            let page = try await engine.events(matching: filter, after: position, count: count)
            #expect(page.events.count <= count)
            found += ids(page)
            position = page.next
        } while position != nil
        return found
    }

    private static func event(
        _ id: String, _ subject: SubjectID, _ instant: String, type: String? = nil,
        session: String? = nil, status: EventStatus = .success
    ) -> UsageEvent {
        UsageEvent(
            id: EventID(id), subject: subject, occurredAt: .at(instant), quantities: .none,
            details: EventDetails(type: type ?? "chat", status: status, session: session))
    }

    /// Newest first; of one instant, the subject that was seen last comes first.
    private static let events = [
        event("h", .bob, "2026-03-10T11:00:00Z", session: "s2"),
        event("g2", .bob, "2026-03-10T10:00:00Z", type: "export"),
        event("g1", .ada, "2026-03-10T10:00:00Z", session: "s1"),
        event("f", .ada, "2026-03-10T09:59:59.999Z", status: .failed),
        event("e", .ada, "2026-03-09T23:59:59.999Z", type: "export", session: "s1"),
        event("d", .bob, "2026-03-09T00:00:00Z", status: .cancelled),
        event("c", .ada, "2026-02-01T12:00:00Z", session: "s1"),
        event("b", .bob, "2024-02-29T12:00:00Z"),
        event("a", .ada, "1970-01-01T00:00:00Z"),
    ]

    private static let filters: [(filter: EventFilter, ids: [String])] = [
        (EventFilter(), ["h", "g2", "g1", "f", "e", "d", "c", "b", "a"]),
        (EventFilter(subject: .ada), ["g1", "f", "e", "c", "a"]),
        (EventFilter(subject: .team), []),
        (EventFilter(subject: .company), []),
        (EventFilter(type: "export"), ["g2", "e"]),
        (EventFilter(subject: .bob, type: "export"), ["g2"]),
        (EventFilter(status: .failed), ["f"]),
        (EventFilter(session: "s1"), ["g1", "e", "c"]),
        (EventFilter(type: "chat", status: .success, session: "s1"), ["g1", "c"]),
        (EventFilter(from: .at("2026-03-09T00:00:00Z")), ["h", "g2", "g1", "f", "e", "d"]),
        (EventFilter(until: .at("2026-03-09T00:00:00Z")), ["c", "b", "a"]),
        (
            EventFilter(
                from: .at("2026-03-10T10:00:00Z"), until: .at("2026-03-10T10:00:00.001Z")),
            ["g2", "g1"]
        ),
        (EventFilter(subject: .ada, from: .at("2026-03-10T10:00:00Z")), ["g1"]),
        (EventFilter(type: "nothing"), []),
    ]

    @Test(arguments: StoreUnderTest.allCases)
    func `all subjects are one list, newest first, and filters choose`(
        store: StoreUnderTest
    ) async throws {
        try await store.withSession { session in
            try await session.engine.setUp(meters: [Meter(key: .prompts, eventTypes: ["chat"])])
            for subject in [SubjectID.ada, .bob] {
                try await session.engine.put(.putSubject(Subject(id: subject, parent: .team)))
            }
            try await session.engine.count(Self.events[8], Self.events[7])
            _ = try await session.engine.record(Self.events.reversed())
            for isStored in [false, true] {
                if isStored {
                    try await session.engine.flush()
                    try await session.reopen()
                }
                for (filter, ids) in Self.filters {
                    for count in [1, 2, 100] {
                        let found = try await Self.all(session.engine, filter, by: count)
                        #expect(found == ids, "\(filter) \(count)")
                    }
                }
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what was taken back or came to nothing is listed too, as it stands`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: [Meter(key: .prompts, eventTypes: ["chat", "other"])])
            try await engine.count(
                .of(.ada, id: "void", type: "chat"), .of(.ada, id: "amend", type: "chat"))
            _ = try await engine.reserve(.of(.bob, id: "hold", type: "chat"))
            _ = try await engine.release(
                .text("hold"), details: EventDetails(type: "chat", status: .failed))
            _ = try await engine.correct(
                Correction(eventID: .text("void"), kind: .void, author: "me", reason: "wrong"))
            _ = try await engine.correct(
                Correction(
                    eventID: .text("amend"),
                    kind: .amend(.one(.prompts, 2), EventDetails(type: "other")), author: "me",
                    reason: "wrong"))
            for _ in 0..<2 {
                let page = try await engine.events(matching: EventFilter())
                #expect(Set(Self.ids(page)) == ["hold", "amend", "void"])
                for event in page.events {
                    #expect(event.isVoided == (event.event.id == .text("void")))
                }
                let chats = try await engine.events(matching: EventFilter(type: "chat"))
                #expect(Set(Self.ids(chats)) == ["void", "hold"])
                let others = try await engine.events(matching: EventFilter(type: "other"))
                #expect(Self.ids(others) == ["amend"])
                try await engine.flush()
            }
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `a filter that lets little through ends pages early and misses nothing`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, clock in
            try await engine.setUp()
            let count = EventListReader.eventsLookedAtMax + 1_500
            let events = (0..<count).map { number in
                UsageEvent(
                    id: EventID("e\(number)"), subject: number % 2 == 0 ? .ada : .bob,
                    // Many of each instant.
                    occurredAt: clock.now.advanced(byMilliseconds: Int64(number / 700) - 1_000_000),
                    quantities: .one(.prompts, 1),
                    details: number % (count - 1) == 0 ? EventDetails(session: "s") : nil)
            }
            for start in stride(from: 0, to: count, by: 4_000) {
                _ = try await engine.record(Array(events[start..<min(start + 4_000, count)]))
            }
            let first = try await engine.events(matching: EventFilter(session: "s"))
            #expect(Self.ids(first) == ["e\(count - 1)"] && first.next != nil)
            let found = try await Self.all(engine, EventFilter(session: "s"), by: 100)
            #expect(found == ["e\(count - 1)", "e0"])
            let everything = try await Self.all(engine, by: 999)
            #expect(everything.count == count && Set(everything).count == count)
        }
    }

    @Test(arguments: StoreUnderTest.allCases)
    func `what no meter counts is told by type, with what may help`(
        store: StoreUnderTest
    ) async throws {
        try await store.with { engine, _ in
            try await engine.setUp(meters: [
                Meter(key: .prompts, eventTypes: ["prompt"]),
                Meter(key: .exports, eventTypes: ["export"], dimensions: ["format": ["pdf"]]),
            ])
            try await engine.count(
                .of(.ada, [:], id: "1", at: "2026-03-01T00:00:00Z", type: "promt"),
                .of(.bob, [:], id: "2", at: "2026-03-02T00:00:00Z", type: "promt"),
                .of(.ada, [:], id: "3", at: "2026-03-03T00:00:00Z", type: "promt"),
                .of(.ada, [:], id: "4", at: "2026-03-04T00:00:00Z", type: "prompt"),
                .of(
                    .ada, [:], id: "5", at: "2026-03-05T00:00:00Z", type: "prompt", status: .failed),
                .of(.ada, [:], id: "6", at: "2026-03-06T00:00:00Z", type: "export"),
                .of(.ada, [:], id: "7", at: "2026-03-07T00:00:00Z", type: "translation"),
                .of(.ada, [.exports: 1], id: "8", at: "2026-03-08T00:00:00Z"))
            _ = try await engine.correct(
                Correction(eventID: .text("3"), kind: .void, author: "me", reason: "wrong"))
            for _ in 0..<2 {
                guard
                    case .report(let report) = try await engine.unmeteredEvents(ReportQuestion())
                else { throw UnexpectedOutcome() }
                #expect(
                    report.rows.map(\.type) == ["promt", nil, "export", "prompt", "translation"])
                #expect(report.rows.map(\.events) == [2, 1, 1, 1, 1])
                #expect(report.rows[0].firstAt == .at("2026-03-01T00:00:00Z"))
                #expect(report.rows[3].status == .failed)
                let expected = [
                    "did you mean 'prompt', which moves the meter 'prompts'?",
                    "no meter counts its quantities with this status and these dimensions",
                    "the meter 'exports' counts this type with other dimensions",
                    "the meter 'prompts' counts this type, and not the status failed",
                    "add a meter with the event type 'translation'",
                ]
                #expect(report.rows.map(\.suggestion) == expected)
                try await engine.flush()
            }
        }
    }
}
