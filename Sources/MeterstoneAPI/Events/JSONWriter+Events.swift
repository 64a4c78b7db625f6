package import MeterstoneCore

/// Events as a client sends them.
extension JSONWriter {
    package mutating func event(_ event: UsageEvent) {
        beginObject()
        members(of: event)
        endObject()
    }

    /// The members of an event, for an object with others beside them.
    package mutating func members(of event: UsageEvent) {
        if let id = event.id { member("id", id.text) }
        member("subject", event.subject.text)
        if let occurredAt = event.occurredAt { member("occurredAt", occurredAt.rfc3339) }
        if event.quantities != .none { member("quantities", event.quantities) }
        guard let details = event.details else { return }
        members(of: details)
        guard !details.levels.isEmpty else { return }
        name("levels")
        beginArray()
        for level in details.levels { string(level.text) }
        endArray()
    }

    package mutating func member(_ name: StaticString, _ quantities: Quantities) {
        self.name(name)
        beginObject()
        for pair in quantities.pairs {
            self.name(text: pair.name.text)
            integer(pair.quantity.units)
        }
        endObject()
    }

    package mutating func member(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        self.name(name)
        string(text)
    }

    private mutating func member(_ name: StaticString, _ number: Int64?) {
        guard let number else { return }
        self.name(name)
        integer(number)
    }

    /// What an amendment tells: `null` where it takes away what was told before.
    package mutating func members(of details: EventDetails, amending fields: EventDetailFields) {
        let told = EventDetails.none.replacing(fields, by: details)
        members(of: told, withSource: false)
        for field in EventField.allCases
        where !field.detail.isEmpty && fields.contains(field.detail)
            && told.replacing(field.detail, by: .none) == told
        {
            name(text: field.rawValue)
            null()
        }
    }

    package mutating func members(of details: EventDetails, withSource: Bool = true) {
        member("type", details.type)
        if details.status != .success { member("status", details.status.rawValue) }
        member("subtype", details.subtype)
        member("durationMs", details.durationMilliseconds)
        member("costMillionths", details.cost?.millionths)
        member("errorMessage", details.errorMessage)
        member("project", details.project)
        member("scene", details.scene)
        member("session", details.session)
        if withSource { member("source", details.source) }
        if !details.dimensions.isEmpty {
            name("dimensions")
            beginObject()
            for dimension in details.dimensions {
                name(text: dimension.name)
                string(dimension.value)
            }
            endObject()
        }
        if let properties = details.properties {
            name("properties")
            json(properties)
        }
    }
}
