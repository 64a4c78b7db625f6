package import MeterstoneCore

/// What a subject used of several meters: `{"quantities":{"seconds":300}}`, or flat, `{"seconds":300}`.
///
/// Both may have `id` and `occurredAt`, which are therefore no names of meters in the flat form.
package struct UsageBody: Sendable {
    package var id: EventID?
    package let occurredAt: Instant?
    package let quantities: [MeterKey: Quantity]
    /// Whether meters are named beside `id` and `occurredAt`.
    package let isFlat: Bool

    package init(_ json: [UInt8]) throws(Rejection) {
        var id: EventID?
        var occurredAt: Instant?
        var named: Quantities?
        var flat: [MeterKey: Quantity] = [:]
        try JSONReader.readBody(json) { (name, reader) throws(Rejection) in
            switch name {
            case "id": id = try reader.readEventID(name)
            case "occurredAt": occurredAt = try reader.readInstant(name)
            case "quantities":
                guard try !reader.skipNull() else { return }
                named = try EventDraft.readQuantities(name, from: &reader)
            default:
                guard let meter = MeterKey(name) else { throw .unknown(name) }
                flat[meter] = try reader.readWholeNumber(name).map { Quantity($0) }
            }
        }
        if named != nil, let stray = flat.keys.min() { throw .unknown(stray.text) }
        guard flat.count <= WireBounds.quantitiesMax else {
            throw .invalid("", "at most \(WireBounds.quantitiesMax) quantities")
        }
        isFlat = named == nil
        for pair in named?.pairs ?? [] { flat[pair.name] = pair.quantity }
        guard !flat.isEmpty else {
            throw .missing("quantities", "an object of whole numbers by meter")
        }
        self.id = id
        self.occurredAt = occurredAt
        quantities = flat
    }

    /// A rejection as the body names its fields.
    package func naming(_ rejection: Rejection) -> Rejection {
        let prefix = "quantities."
        guard isFlat, rejection.field.hasPrefix(prefix) else { return rejection }
        return Rejection(
            code: rejection.code, field: String(rejection.field.dropFirst(prefix.count)),
            message: rejection.message)
    }
}
