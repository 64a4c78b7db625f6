package import MeterstoneCore

extension JSONWriter {
    /// Writes an event as it stands in a list: the fact, and what was corrected since.
    package mutating func event(_ recorded: RecordedEvent) {
        let event = recorded.event
        beginObject()
        name("id")
        if let id = event.id { string(id.text) } else { null() }
        name("subject")
        string(event.subject.text)
        optional("type", event.details?.type)
        name("occurredAt")
        instant(event.occurredAt)
        name("recordedAt")
        instant(recorded.recordedAt)
        name("quantities")
        quantities(event.quantities)
        details(event.details ?? .none)
        if let reservation = recorded.reservation { standing(of: reservation) }
        credits(recorded.credits)
        name("voided")
        boolean(recorded.isVoided)
        corrections(recorded.corrections)
        endObject()
    }

    private mutating func optional(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        self.name(name)
        string(text)
    }

    /// Writes quantities by name.
    mutating func quantities(_ quantities: Quantities) {
        beginObject()
        for pair in quantities.pairs {
            name(text: pair.name.text)
            integer(pair.quantity.units)
        }
        endObject()
    }

    /// `status` is always there; of the rest, what the event told.
    private mutating func details(_ details: EventDetails) {
        name("status")
        string(details.status.rawValue)
        optional("subtype", details.subtype)
        if let milliseconds = details.durationMilliseconds {
            name("durationMs")
            integer(milliseconds)
        }
        if let cost = details.cost {
            name("costMillionths")
            integer(cost.millionths)
        }
        optional("errorMessage", details.errorMessage)
        optional("project", details.project)
        optional("scene", details.scene)
        optional("session", details.session)
        optional("source", details.source)
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

    /// The event says what counts; of the reservation, where it stands is left to say.
    private mutating func standing(of reservation: Reservation) {
        name("reservation")
        beginObject()
        name("status")
        string(reservation.status.rawValue)
        name("expiresAt")
        instant(reservation.expiresAt)
        endObject()
    }

    private mutating func corrections(_ notes: [CorrectionNote]) {
        name("corrections")
        beginArray()
        for note in notes {
            beginObject()
            name("kind")
            string(note.kind.rawValue)
            name("author")
            string(note.author)
            name("reason")
            string(note.reason)
            name("recordedAt")
            instant(note.recordedAt)
            endObject()
        }
        endArray()
    }
}
