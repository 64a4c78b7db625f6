/// When something came to be, and when something else was said of it last.
public struct Times: Hashable, Sendable {
    /// `nil`: what is stored does not tell.
    public var createdAt: Instant?
    public var updatedAt: Instant?

    public init(createdAt: Instant? = nil, updatedAt: Instant? = nil) {
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
