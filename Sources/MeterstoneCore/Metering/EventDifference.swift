extension UsageEvent {
    /// The fields in which this event tells something else than one that was recorded under the same
    /// id, as requests name them. A repeat without a time claims none.
    package func differences(from known: UsageEvent) -> [String] {
        var fields: [String] = []
        if subject != known.subject { fields.append("subject") }
        if let occurredAt, occurredAt != known.occurredAt { fields.append("occurredAt") }
        fields += quantities.differences(from: known.quantities)
        return fields + (details ?? .none).differences(from: known.details ?? .none)
    }
}

extension Quantities {
    package func differences(from known: Quantities) -> [String] {
        let names = Set(pairs.map(\.name)).union(known.pairs.map(\.name)).sorted()
        return names.filter { self[$0] != known[$0] }.map { "quantities.\($0)" }
    }
}

extension EventDetails {
    fileprivate func differences(from known: EventDetails) -> [String] {
        let fields = [
            ("type", type == known.type), ("status", status == known.status),
            ("subtype", subtype == known.subtype),
            ("durationMs", durationMilliseconds == known.durationMilliseconds),
            ("costMillionths", cost == known.cost),
            ("errorMessage", errorMessage == known.errorMessage),
            ("project", project == known.project), ("scene", scene == known.scene),
            ("session", session == known.session), ("source", source == known.source),
            ("levels", levels == known.levels),
        ]
        let names = Set(dimensions.map(\.name)).union(known.dimensions.map(\.name)).sorted()
        return fields.filter { !$0.1 }.map(\.0)
            + names.filter { dimension($0) != known.dimension($0) }.map { "dimensions.\($0)" }
            + (properties == known.properties ? [] : ["properties"])
    }
}

extension ReservationTerms {
    /// The fields in which two reservations under the same id differ beside their events.
    package func differences(from known: ReservationTerms) -> [String] {
        let fields = [
            ("expiresInSeconds", milliseconds == known.milliseconds),
            ("onExpiry", onExpiry == known.onExpiry), ("onOverage", onOverage == known.onOverage),
            ("onAbort", onAbort == known.onAbort),
            ("abortMinimum", abortMinimum == known.abortMinimum),
        ]
        return fields.filter { !$0.1 }.map(\.0)
    }
}
