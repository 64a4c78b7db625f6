import MeterstoneCore

/// Gauges, as somebody would work them out who has all the time in the world.
extension Model {
    /// What an event says of a gauge, or of one of its items.
    func reading(
        _ units: Int64, _ meter: Meter, _ details: EventDetails, of owner: SubjectID,
        at instant: Instant
    ) -> Worth? {
        var worth = Worth(units: units, at: instant, owner: owner)
        guard let name = meter.uniqueDimension else { return worth }
        func dimension(_ name: String) -> String? {
            details.dimensions.first { $0.name == name }?.value
        }
        guard let item = dimension(name) else { return nil }
        worth.distinctValue = item
        switch dimension("operation") {
        case nil, "add": return worth
        case "remove":
            worth.units = 0
            return worth
        default: return nil
        }
    }

    /// The last of each owner and item, added up.
    ///
    /// - Parameter instant: what was told ahead of it is not there yet.
    func level(_ worths: [Worth], at instant: Instant) -> Int64 {
        var last: [String: Worth] = [:]
        for worth in worths where !worth.isAhead || worth.at <= instant {
            let key = "\(worth.owner?.text ?? "") \(worth.distinctValue ?? "")"
            if last[key].map({ $0.at <= worth.at }) ?? true { last[key] = worth }
        }
        return last.values.reduce(0) { $0 + $1.units }
    }

    /// What a gauge comes to in a span.
    func gauge(_ id: SubjectID, _ meter: Meter, in span: WindowSpan, _ now: Instant) -> Int64 {
        guard span.from <= now else { return 0 }
        let told = worths(id, meter, [:], in: .lifetime).filter { !$0.isAhead || $0.at <= now }
        let end = min(span.until, now)
        guard meter.aggregation == .integral else {
            return level(told.filter { $0.at < span.until || span.until > now }, at: .latest)
        }
        // What was told in its time, by a clock that was ahead, is of now.
        func second(_ instant: Instant) -> Int64 {
            max(min(instant, now).millisecondsSince1970, 0) / 1_000
        }
        // From one reading to the next everything stays as it is.
        let seconds = Set((told.map(\.at) + [span.from, end]).map(second))
        let edges = seconds.sorted().filter {
            $0 >= second(span.from) && $0 <= second(end)
        }
        return zip(edges, edges.dropFirst()).reduce(0) { sum, edge in
            sum
                + level(told.filter { second($0.at) <= edge.0 }, at: .latest)
                * (edge.1 - edge.0)
        }
    }
}
