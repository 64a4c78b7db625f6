/// Some of what can be told of an event that is recorded already.
public struct EventDetailFields: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let type = EventDetailFields(rawValue: 1 << 0)
    public static let subtype = EventDetailFields(rawValue: 1 << 1)
    public static let status = EventDetailFields(rawValue: 1 << 2)
    public static let duration = EventDetailFields(rawValue: 1 << 3)
    public static let errorMessage = EventDetailFields(rawValue: 1 << 4)
    public static let cost = EventDetailFields(rawValue: 1 << 5)
    public static let project = EventDetailFields(rawValue: 1 << 6)
    public static let scene = EventDetailFields(rawValue: 1 << 7)
    public static let session = EventDetailFields(rawValue: 1 << 8)
    public static let dimensions = EventDetailFields(rawValue: 1 << 9)
    public static let properties = EventDetailFields(rawValue: 1 << 10)
    public static let all = EventDetailFields(rawValue: 1 << 11 - 1)
}

extension EventDetails {
    /// The same with some fields as others tell them, where one that they leave out is told no more. What it
    /// counts for, its source and the terms that it counts by stay.
    package func replacing(_ fields: EventDetailFields, by told: EventDetails) -> EventDetails {
        func details(of field: EventDetailFields) -> EventDetails {
            fields.contains(field) ? told : self
        }
        return EventDetails(
            source: source, type: details(of: .type).type, subtype: details(of: .subtype).subtype,
            status: details(of: .status).status,
            durationMilliseconds: details(of: .duration).durationMilliseconds,
            errorMessage: details(of: .errorMessage).errorMessage, cost: details(of: .cost).cost,
            project: details(of: .project).project, scene: details(of: .scene).scene,
            session: details(of: .session).session,
            dimensions: details(of: .dimensions).dimensions,
            properties: details(of: .properties).properties, levels: levels,
            countsWhenAborted: countsWhenAborted)
    }
}
