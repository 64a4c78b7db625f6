package import MeterstoneCore

/// One of many events as it was read: the event, or why it is none.
package struct ReadEvent: Sendable {
    /// Position among the events of the body, from 0.
    package let index: Int
    package let event: Result<UsageEvent, Rejection>
    private let rejectedID: EventID?

    init(index: Int, event: UsageEvent) {
        self.index = index
        self.event = .success(event)
        rejectedID = nil
    }

    init(index: Int, id: EventID?, rejection: Rejection) {
        self.index = index
        event = .failure(rejection.within("events[\(index)]"))
        rejectedID = id
    }

    /// The event's id, as far as one could be read.
    package var id: EventID? {
        switch event {
        case .success(let event): event.id
        case .failure: rejectedID
        }
    }

    /// The same event, refused.
    package func rejected(_ rejection: Rejection) -> ReadEvent {
        ReadEvent(index: index, id: id, rejection: rejection)
    }

    /// Several events in one body need ids, since a repeat of the body could not be told from more
    /// usage. An idempotency key for the whole body stands in for those that are missing.
    package func identified(by key: String?) -> ReadEvent {
        guard case .success(var event) = event, event.id == nil else { return self }
        guard let key else {
            return ReadEvent(
                index: index, id: nil,
                rejection: .missing("id", "an id, or the header field Idempotency-Key"))
        }
        guard let id = EventID("\(key)#\(index)") else {
            return ReadEvent(
                index: index, id: nil, rejection: .invalid("id", "a shorter Idempotency-Key"))
        }
        event.id = id
        return ReadEvent(index: index, event: event)
    }
}
