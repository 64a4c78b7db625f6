public import MeterstoneCore
public import MeterstoneStore

/// What a gauge shows, item by item, or what is wrong with the question.
public enum HeldItemsOutcome: Equatable, Sendable {
    case page(HeldItemPage)
    case rejected(Rejection)
}

extension MeterstoneEngine {
    /// What there is now of each item that a gauge counts, by item and then by who told it.
    ///
    /// - Parameters:
    ///   - key: a meter whose aggregation is gauge or integral.
    ///   - position: of the last one of the page before; `nil`: from the first on.
    public func heldItems(
        of id: SubjectID, meter key: MeterKey, after position: HeldItem.Position? = nil,
        count: Int = 100
    ) async throws(StoreError) -> HeldItemsOutcome {
        let now = clock()
        let view = try await view(of: id)
        guard let meter = view.catalog.blueprint.meter(key) else {
            return .rejected(.unknown(meter: key))
        }
        guard meter.aggregation.isOfReadings else { return .rejected(.meterOfItems) }
        let count = min(max(1, count), Self.eventsPerPageMax)
        return .page(
            try await committer.read { (store) throws(StoreError) in
                try store.read(view) { (source) throws(StoreError) in
                    try UsageReader(view, source, now: now)
                        .heldItems(of: meter, after: position, count: count)
                }
            })
    }
}

extension UsageReader {
    fileprivate func heldItems(
        of meter: Meter, after position: HeldItem.Position?, count: Int
    ) throws(StoreError) -> HeldItemPage {
        var rest = try standing(meter)[...]
        if let position {
            let last = GaugeReadings.Key(member: position.member, item: position.item)
            rest = rest.drop { !(last < $0.key) }
        }
        let shown = rest.prefix(count)
        try source.prefetch(subjects: shown.map(\.key.member).filter { $0 != 0 })
        var items: [HeldItem] = []
        for (key, reading) in shown {
            let subject =
                key.member == 0
                ? view.subject?.profile.id : try source.subject(number: key.member)?.profile.id
            items.append(
                HeldItem(
                    item: key.item, quantity: Quantity(reading.units),
                    subject: subject ?? SubjectIDs.unknown(key.member), toldAt: reading.at))
        }
        return HeldItemPage(
            items: items,
            next: rest.count > count
                ? shown.last.map { HeldItem.Position(item: $0.key.item, member: $0.key.member) }
                : nil)
    }
}

extension Rejection {
    fileprivate static let meterOfItems = Rejection(
        code: .invalidField, field: "meter",
        message: "expected a meter whose aggregation is gauge or integral")
}
