/// Why there is no answer from a server, or none that can be understood.
///
/// What the server's store says of itself (a full disk, a queue that is full) is a `StoreError`, as from an
/// engine.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// Nobody answered in time. Whether the request was carried out is not known: repeating it with the
        /// same event id, or with the same idempotency key, counts nothing twice.
        case unreachable
        /// The key is missing, or wrong.
        case unauthorized
        /// The server refused the request as such; ``problem`` has its code.
        case refused
        /// The answer is not one that this version understands.
        case unexpectedAnswer = "unexpected_answer"
        /// The queue of records that wait has no room.
        case queueFull = "queue_full"
        /// The client was shut down, or its queue cannot be kept.
        case closed
    }

    public let code: Code
    /// A sentence for people.
    public let message: String
    /// The code of the server's problem, as of `/docs/errors`; `nil`: there was none.
    public let problem: String?

    public init(_ code: Code, _ message: String, problem: String? = nil) {
        self.code = code
        self.message = message
        self.problem = problem
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
