import Meterstone

/// How much one request may ask for; every bound of the server stands here with its default.
enum RequestLimits {
    /// Bytes of a body that carries events.
    static let eventsBodyBytesMax = 64 * 1_048_576
    /// Bytes of every other body.
    static let bodyBytesMax = 1_048_576
    /// Bytes of a body that is sent to a path.
    static func bodyBytesMax(_ path: String) -> Int {
        path == EventRoutes.eventsPath || path == ConsumeRoutes.consumePath
            ? eventsBodyBytesMax : bodyBytesMax
    }

    /// Bytes of a token of a subject.
    static let tokenBytesMax = 8_192
    /// Bytes of a body that is taken on the fast path.
    static let shortBodyBytesMax = 65_536
    /// Parts of later requests that one connection may have waiting for an answer.
    static let waitingPartsMax = 256
    /// Bytes of all bodies that are held at once.
    static let bodiesBytesMax = 256 * 1_048_576
    /// Events of one JSON body. As many as fit into its bytes if they are events.
    static let eventsPerBodyMax = 1_000_000
    /// Events of a body that are answered one by one: consumes.
    static let answeredEventsMax = 10_000
    /// Events of one JSON body that are read before others have their turn.
    static let eventsPerTurnMax = 1_024
    /// Events that are recorded with one commit. A longer body takes several, one after the other.
    static let eventsPerCommitMax = 8_190
    /// Events of one JSON body up to which those that were counted are listed in the answer too.
    static let listedEventsMax = 1_000
    /// Results that one answer lists.
    static let resultsMax = 10_000

    static let pageItemsDefault = 100
    static let pageItemsMax = MeterstoneEngine.eventsPerPageMax

    /// Limits that the RateLimit header fields speak of.
    static let rateLimitsMax = 8
    /// How long a connection may say nothing between two requests, or within one.
    static let idleMilliseconds: Int64 = 120_000
    /// How long a stream of what happens lasts. A key that is taken back ends it then at the latest.
    static let liveMilliseconds: Int64 = 600_000
    /// How long a server that stops waits for the rest of a request that was begun.
    static let stoppingMilliseconds: Int64 = 5_000
    /// How long a server that stops waits for answers that are under way, and for clients to take them.
    static let closingMilliseconds: Int64 = 8_000
    /// Connections that wait to be accepted.
    static let backlogConnectionsMax = 4_096
}
