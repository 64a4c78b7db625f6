import MeterstoneAPI
public import MeterstoneCore
import MeterstoneStore

extension MeterstoneClient {
    /// Events of one request that records.
    private static let eventsPerRequest = 1_000

    public func consume(_ event: UsageEvent) async throws -> ConsumeOutcome {
        let event = identified(event)
        let body = JSONWriter.body { $0.event(event) }
        return try outcome(of: event, try await send("POST", RequestPath("v1", "consume"), body))
    }

    public func consume(_ events: [UsageEvent]) async throws -> [ConsumeOutcome] {
        try await each(of: events, "consume") { (event, result, at) throws(WireMismatch) in
            try ConsumeOutcome(result, event, at: at)
        }
    }

    public func check(
        _ event: UsageEvent, as use: CheckedUse = .consume
    ) async throws -> ConsumeOutcome {
        try outcome(of: event, try await sendCheck(event, as: use))
    }

    private func sendCheck(
        _ event: UsageEvent, as use: CheckedUse
    ) async throws -> ClientAnswer {
        let body = JSONWriter.body { writer in
            writer.beginObject()
            writer.members(of: event)
            writer.member("as", use.rawValue)
            writer.endObject()
        }
        return try await send("POST", RequestPath("v1", "check"), body)
    }

    private func outcome(
        of event: UsageEvent, _ answer: ClientAnswer
    ) throws -> ConsumeOutcome {
        if let conflict = answer.conflict(event) { return .conflict(conflict) }
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        let decision = try answer.decision(of: event.subject)
        failModes.note(decision, of: event)
        return .decided(decision)
    }

    public func record(_ events: [UsageEvent]) async throws -> [RecordOutcome] {
        try await each(of: events, "events") { (_, result, _) throws(WireMismatch) in
            try RecordOutcome(result)
        }
    }

    /// Sends events, many with each request, and reads a result for each.
    private func each<Outcome>(
        of events: [UsageEvent], _ path: String,
        _ read: (UsageEvent, WireFields, Instant) throws(WireMismatch) -> Outcome
    ) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        var rest = events[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.eventsPerRequest).map { identified($0) }
            rest = rest.dropFirst(part.count)
            let body = JSONWriter.body { writer in
                writer.beginArray()
                for event in part { writer.event(event) }
                writer.endArray()
            }
            let answer = try await send("POST", RequestPath("v1", path), body)
            outcomes += try answer.value { (fields) throws(WireMismatch) in
                let results = try fields.objects("results")
                guard results.count == part.count else {
                    throw WireMismatch(path: "results", expectation: "one for each event")
                }
                return try zip(part, results).map { (event, result) throws(WireMismatch) in
                    try read(event, result, answer.at)
                }
            }
        }
        return outcomes
    }

    public func correct(_ correction: Correction) async throws -> CorrectionOutcome {
        var step = "void"
        if case .amend = correction.kind { step = "amend" }
        let body = JSONWriter.body { writer in
            writer.beginObject()
            writer.member("author", correction.author)
            writer.member("reason", correction.reason)
            if case .amend(let quantities, let details) = correction.kind {
                writer.member("quantities", quantities)
                if let details { writer.members(of: details, amending: correction.fields) }
            }
            // Whose id it is.
            writer.member("source", correction.source)
            writer.endObject()
        }
        let path = RequestPath("v1", "events", correction.eventID.text, step)
        let answer = try await send("POST", path, body)
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        let isRepeat: Bool = try answer.value { (fields) throws(WireMismatch) in
            try fields("duplicate")
        }
        return isRepeat ? .unchanged : .corrected
    }

    /// Asks by a check, which changes nothing. What differs in terms is not told.
    public func differences(
        of event: UsageEvent, terms: ReservationTerms? = nil
    ) async throws -> [String] {
        let answer = try await sendCheck(event, as: terms == nil ? .consume : .reservation)
        guard answer.conflict(event) != nil, let fields = answer.problem?.fields else { return [] }
        return (try? fields("differs")) ?? []
    }

    // MARK: Reservations

    public func reserve(
        _ event: UsageEvent, _ terms: ReservationTerms = ReservationTerms()
    ) async throws -> ReserveOutcome {
        let event = identified(event)
        let answer = try await sendReserve(event, terms)
        if let conflict = answer.conflict(event) { return .conflict(conflict) }
        if let rejection = answer.problem?.rejection { return .rejected(rejection) }
        let decision = try answer.decision(of: event.subject)
        guard decision.isAllowed else { return .decided(decision, nil) }
        let reserved = try answer.value(Shapes.reserved)
        return .decided(
            Decision(
                denial: nil, isDuplicate: reserved.isDuplicate, eventID: reserved.reservation.id,
                limits: reserved.limits, credits: reserved.credits,
                adjustment: reserved.reservation.adjustment), reserved.reservation)
    }

    private func sendReserve(
        _ event: UsageEvent, _ terms: ReservationTerms
    ) async throws -> ClientAnswer {
        let body = JSONWriter.body { writer in
            writer.beginObject()
            writer.members(of: event)
            writer.seconds("expiresInSeconds", milliseconds: terms.milliseconds)
            writer.member("onExpiry", terms.onExpiry.rawValue)
            writer.member("onOverage", terms.onOverage.rawValue)
            if let onAbort = terms.onAbort { writer.member("onAbort", onAbort.rawValue) }
            if terms.abortMinimum != .none { writer.member("abortMinimum", terms.abortMinimum) }
            writer.endObject()
        }
        return try await send("POST", RequestPath("v1", "reservations"), body)
    }

    public func extend(_ more: ReservationExtension) async throws -> ReservationOutcome {
        let body = JSONWriter.body { writer in
            writer.beginObject()
            if let milliseconds = more.milliseconds {
                writer.seconds("expiresInSeconds", milliseconds: milliseconds)
            }
            if more.quantities != .none { writer.member("quantities", more.quantities) }
            if let reported = more.reported { writer.member("reported", reported) }
            writer.endObject()
        }
        return try await close(more.id, more.source, "extend", body)
    }

    public func settle(
        _ id: EventID, source: String? = nil, _ quantities: Quantities = .none,
        details: EventDetails? = nil
    ) async throws -> ReservationOutcome {
        let body = JSONWriter.body { writer in
            writer.beginObject()
            if quantities != .none { writer.member("quantities", quantities) }
            if let details { writer.members(of: details) }
            writer.endObject()
        }
        return try await close(id, source, "settle", body)
    }

    public func release(
        _ id: EventID, source: String? = nil, details: EventDetails? = nil
    ) async throws -> ReservationOutcome {
        let body = JSONWriter.body { writer in
            writer.beginObject()
            if let details { writer.members(of: details) }
            writer.endObject()
        }
        return try await close(id, source, "release", body)
    }

    private func close(
        _ id: EventID, _ source: String?, _ step: String, _ body: [UInt8]
    ) async throws -> ReservationOutcome {
        let path = RequestPath("v1", "reservations", id.text, step).with("source", source)
        let answer = try await send("POST", path, body)
        if let problem = answer.problem {
            if problem.code == "reservation_conflict" {
                return .conflict(
                    try answer.reading { (fields) throws(WireMismatch) in
                        try fields("reservation", Shapes.reservation)
                    })
            }
            if let rejection = problem.rejection { return .rejected(rejection) }
            if Denial.codes.contains(problem.code) {
                let decision = try answer.decision(of: nil)
                guard let denial = decision.denial else { throw answer.unexplained }
                return .denied(denial, decision.limits, decision.credits)
            }
        }
        return .done(try answer.value(Shapes.reservationAnswer))
    }

    public func reservation(
        _ id: EventID, source: String? = nil
    ) async throws -> Reservation? {
        let path = RequestPath("v1", "reservations", id.text).with("source", source)
        let answer = try await send("GET", path)
        return answer.status == 404 ? nil : try answer.value(Shapes.reservation)
    }

    public func openReservations(of subject: SubjectID) async throws -> [Reservation] {
        try await send("GET", RequestPath("v1", "subjects", subject.text, "reservations"))
            .value(Shapes.reservations)
    }
}

extension JSONWriter {
    static func body(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        write(&writer)
        return writer.bytes
    }

    fileprivate mutating func seconds(_ name: StaticString, milliseconds: Int64) {
        self.name(name)
        // Whole seconds are told.
        integer(max(1, (milliseconds + 999) / 1_000))
    }
}

extension ClientAnswer {
    /// Reads the members of a problem.
    func reading<Value>(
        _ read: (WireFields) throws(WireMismatch) -> Value
    ) throws -> Value {
        guard let fields = problem?.fields else { throw unexplained }
        do throws(WireMismatch) { return try read(fields) } catch { throw ClientError(error) }
    }

    /// The id of an event that is in conflict with one from before.
    func conflict(_ event: UsageEvent) -> EventID? {
        problem?.code == "event_conflict" ? event.id : nil
    }

    /// - Parameter subject: who is taken to be blocked, where somebody is.
    func decision(of subject: SubjectID?) throws -> Decision {
        let subject = subject ?? SubjectID(unchecked: "?")
        if let problem {
            guard Denial.codes.contains(problem.code) else { throw error ?? unexplained }
            return try reading { (fields) throws(WireMismatch) in
                try Shapes.decision(fields, of: subject, at: at)
            }
        }
        return try value { (fields) throws(WireMismatch) in
            try Shapes.decision(fields, of: subject, at: at)
        }
    }

    var unexplained: ClientError {
        ClientError(.unexpectedAnswer, "an answer with status \(status) that says too little")
    }
}

extension Denial {
    fileprivate static let codes: Set<String> = [
        "limit_exceeded", "insufficient_credits", "subject_blocked",
    ]
}

extension RecordOutcome {
    fileprivate init(_ result: WireFields) throws(WireMismatch) {
        let id: EventID? = try result("id")
        switch (try result("status", as: String.self), id) {
        case ("counted", let id?):
            self = .counted(
                id, moved: try result("moved"),
                adjustment: try result("adjustment", maybe: Shapes.adjustment))
        case ("duplicate", let id?):
            self = .duplicate(
                id, moved: try result("moved"),
                adjustment: try result("adjustment", maybe: Shapes.adjustment))
        case ("conflict", let id?): self = .conflict(id)
        case ("notRecorded", _): self = .rejected(.notRecorded)
        default: self = .rejected(try Rejection(ofOne: result))
        }
    }
}

extension ConsumeOutcome {
    fileprivate init(
        _ result: WireFields, _ event: UsageEvent, at now: Instant
    ) throws(WireMismatch) {
        let id: EventID? = try result("id")
        switch (try result("status", as: String.self), id) {
        case ("counted", _), ("duplicate", _), ("denied", _), ("notRecorded", _):
            self = .decided(try Shapes.decision(result, of: event.subject, at: now))
        case ("conflict", let id?): self = .conflict(id)
        default: self = .rejected(try Rejection(ofOne: result))
        }
    }
}

extension Rejection {
    fileprivate static let notRecorded = Rejection(
        code: .trackingDisabled, field: "", message: "usage is not recorded here")

    /// Of one event among others, as the event alone would have it: its place is left out.
    fileprivate init(ofOne result: WireFields) throws(WireMismatch) {
        let error = try result.object("error")
        let field: String = try error("field")
        self.init(
            code: try error("code"), field: String(field.drop { $0 != "." }.dropFirst()),
            message: try error("detail"))
    }
}
