public import Meterstone
import MeterstoneAPI
public import MeterstoneCore

extension MeterstoneClient {
    public func limits(of subject: SubjectID) async throws -> [LimitStatus] {
        try await send("GET", RequestPath("v1", "subjects", subject.text, "limits"))
            .value(Shapes.limits).limits
    }

    public func usage(
        of id: SubjectID, meter key: MeterKey, window: Window, from: Instant? = nil,
        until: Instant? = nil
    ) async throws -> UsageOutcome {
        let path = RequestPath("v1", "subjects", id.text, "usage").with("meter", key.text)
            .with("window", window.text).with("from", from?.rfc3339).with("until", until?.rfc3339)
        let answer = try await send("GET", path)
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        return .series(try answer.value(Shapes.usage).series)
    }

    public func heldItems(
        of id: SubjectID, meter key: MeterKey, after position: HeldItem.Position? = nil,
        count: Int = 100
    ) async throws -> HeldItemsOutcome {
        let path = RequestPath("v1", "subjects", id.text, "meters", key.text, "items")
            .with("count", "\(count)").with("cursor", position.map { Cursor($0).text })
        let answer = try await send("GET", path)
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        let page = try answer.value(Shapes.heldItems)
        return .page(HeldItemPage(items: page.items, next: try page.next?.heldItemPosition()))
    }

    /// What a list leaves out stays unknown: places among all facts, and terms of reservations.
    public func events(
        of id: SubjectID, before cursor: EventCursor? = nil, count: Int = 100
    ) async throws -> EventPage {
        let path = RequestPath("v1", "subjects", id.text, "events").with("count", "\(count)")
            .with("cursor", cursor.map { Cursor($0).text })
        let page = try await send("GET", path).value(Shapes.events)
        return EventPage(events: page.items, next: try page.next?.eventCursor())
    }

    public func wallet(of subject: SubjectID) async throws -> Wallet {
        try await send("GET", RequestPath("v1", "subjects", subject.text, "credits"))
            .value(Shapes.credits)
    }

    public func ledger(
        of subject: SubjectID, before sequence: Int64? = nil, count: Int = 100
    ) async throws -> LedgerPage {
        let cursor = sequence.map { Cursor(kind: .entries, position: String($0)) }
        let path = RequestPath("v1", "subjects", subject.text, "credits", "entries")
            .with("count", "\(count)").with("cursor", cursor?.text)
        let page = try await send("GET", path).value(Shapes.entries)
        return LedgerPage(entries: page.items, next: try page.next?.sequence())
    }

    public func lifetime(of id: SubjectID) async throws -> LifetimeStatistics? {
        let answer = try await send("GET", RequestPath("v1", "subjects", id.text, "lifetime"))
        return answer.status == 404 ? nil : try answer.value(Shapes.lifetime)
    }

    public func report(
        _ topic: ReportTopic, _ question: ReportQuestion
    ) async throws -> ReportAnswer {
        let path = RequestPath(topic.name.path).with(topic.parameters)
            .with(question.parameters(of: topic.name))
        let answer = try await send("GET", path)
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        return .table(
            try answer.value { (fields) throws(WireMismatch) in
                try ReportTable(fields, topic.name)
            })
    }

    public func whatIf(_ question: WhatIfQuestion) async throws -> WhatIfOutcome {
        let answer = try await send("POST", RequestPath("v1", "what-if"), try encoded(question))
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        return .answered(try answer.value(Shapes.whatIf))
    }
}
