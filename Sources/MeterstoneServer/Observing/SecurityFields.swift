import HTTPTypes

/// What every answer tells browsers, unless its route says otherwise: to take it for what it says it is, and to
/// let nothing of it run, be framed, or be told to other places.
enum SecurityFields {
    static func add(to fields: inout HTTPFields) {
        fields.append(noSniffing)
        // A page has a policy of its own.
        if fields[.contentSecurityPolicy] == nil { fields.append(policy) }
        if fields[.cacheControl] == nil { fields.append(caching) }
    }

    private static let noSniffing = HTTPField(name: .xContentTypeOptions, value: "nosniff")
    private static let policy = HTTPField(
        name: .contentSecurityPolicy,
        value: "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
    /// Nobody between keeps it, and whoever has it asks whether it is so still.
    private static let caching = HTTPField(name: .cacheControl, value: "private, no-cache")
}
