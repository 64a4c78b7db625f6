extension Blueprint {
    /// What may help where no meter counts an event, in a sentence.
    package func suggestion(forType type: String?, _ status: EventStatus) -> String {
        guard let type else {
            return "no meter counts its quantities with this status and these dimensions"
        }
        let counting = meters.filter { $0.counts(type: type) }
        if let meter = counting.first {
            guard counting.contains(where: { $0.counts(status) }) else {
                return
                    "the meter '\(meter.key)' counts this type, and not the status \(status.rawValue)"
            }
            return "the meter '\(meter.key)' counts this type with other dimensions"
        }
        let types = Set(meters.flatMap { $0.eventTypes + $0.aliases.map(\.text) })
        if let nearest = Spelling.nearest(to: type, among: types),
            let meter = meters.first(where: { $0.counts(type: nearest) })
        {
            return "did you mean '\(nearest)', which moves the meter '\(meter.key)'?"
        }
        if let meter = meters.first(where: { $0.key.text == type }) {
            let known = meter.eventTypes.first.map { "'\($0)' is a type that moves it" }
            return "'\(type)' is a meter and no type of events; "
                + (known ?? "name it in quantities")
        }
        return "add a meter with the event type '\(type)'"
    }
}
