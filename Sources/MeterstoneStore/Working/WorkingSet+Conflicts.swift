import MeterstoneCore

extension WorkingSet {
    /// In what an event differs from the one that was recorded under its id; empty when it does not,
    /// or when there is none.
    ///
    /// - Parameter terms: `nil`: the event is not one to reserve.
    func differences(
        of event: UsageEvent, _ terms: ReservationTerms?, at now: Instant
    ) throws(StoreError) -> [String] {
        guard let id = event.id, let known = try find(id, source: event.details?.source, at: now)
        else { return [] }
        var event = try namingLevels(event, as: known)
        if known.subject.isMeant(by: event.subject) { event.subject = known.subject.id }
        var first = known.record.event(subject: known.subject.id)
        first.occurredAt = known.record.toldAt ?? known.record.occurredAt
        first.details = known.record.detailsTold(besides: event)
        if known.record.isWithoutTexts { event.details = event.details?.archived }
        let fields = event.differences(from: first)
        switch (terms, known.record.reservation?.terms) {
        case (nil, nil): return fields
        case (let asked?, let first?): return fields + asked.differences(from: first)
        default: return fields + ["reservation"]
        }
    }
}

extension Change {
    /// Paths of what differs between two changes that came with the same key; "the path" when they are
    /// not of the same thing.
    func differences(from known: Change) throws(StoreError) -> [String] {
        guard kind == known.kind, key == known.key else { return ["the path"] }
        let own = try JSONText(self).decoded(as: JSONValue.self)
        let other = try JSONText(known).decoded(as: JSONValue.self)
        // The case and its place are Swift's: `putSubject._0.plan` is `plan`.
        return own.differences(from: other).map { path in
            let parts = path.split(separator: ".").drop { $0.hasPrefix("_") }
            guard parts.first.map({ $0.hasPrefix("put") || $0 == "patch" }) ?? false else {
                return "the path"
            }
            let inner = parts.dropFirst().drop { $0.hasPrefix("_") || $0 == "members" }
            return inner.isEmpty ? "the method" : inner.joined(separator: ".")
        }
    }
}

extension Rejection {
    static let preconditionFailed = Rejection(
        code: .preconditionFailed, field: "",
        message: "it is not as If-Match or If-None-Match say; read it again")

    static func idempotencyConflict(_ differences: [String]) -> Rejection {
        var seen: [String] = []
        for field in differences where !seen.contains(field) { seen.append(field) }
        let fields = seen.isEmpty ? "it" : seen.prefix(8).joined(separator: ", ")
        return Rejection(
            code: .idempotencyConflict, field: "Idempotency-Key",
            message: "this key was used for another change, which differs in \(fields)")
    }
}
