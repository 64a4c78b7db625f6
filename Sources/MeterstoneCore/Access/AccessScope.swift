/// What a key or a token may do.
public enum AccessScope: String, Hashable, Sendable, NamedChoice {
    /// Record what has happened.
    case ingest
    /// Check, consume, reserve and settle.
    case consume
    /// Look at what is stored.
    case read
    /// All of that, and change what decides.
    case admin
}
