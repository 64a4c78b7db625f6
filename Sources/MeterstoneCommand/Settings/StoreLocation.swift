/// Where the store is.
package enum StoreLocation: Hashable, Sendable, CustomStringConvertible {
    case directory(String)
    /// A database, as libpq understands its URL.
    case postgres(String)
    /// A server that has a store.
    case server(String)

    #if Postgres
    static let expectation = "sqlite:DIRECTORY or postgres://USER@HOST/DATABASE"
    #else
    static let expectation = "sqlite:DIRECTORY; this meterstone was built without PostgreSQL"
    #endif

    /// `nil` when the URL is not of the form that ``expectation`` states.
    init?(url: String) {
        if url.hasPrefix("sqlite:"), url.count > 7 {
            self = .directory(String(url.dropFirst(7)))
            return
        }
        #if Postgres
        if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
            self = .postgres(url)
            return
        }
        #endif
        return nil
    }

    /// Without the password.
    package var description: String {
        switch self {
        case .directory(let path): path
        case .postgres(let url): Self.withoutPassword(url)
        case .server(let url): url
        }
    }

    /// Only the host and what follows it, and not even that where it is not plain what the host is.
    private static func withoutPassword(_ url: String) -> String {
        let parts = url.split(separator: "@", omittingEmptySubsequences: false)
        let scheme = "postgres://"
        guard parts.count == 2 else {
            return parts.count == 1
                ? String(url.prefix { $0 != "?" }) : "\(scheme)…"
        }
        return "\(scheme)…@" + parts[1].prefix { $0 != "?" }
    }
}
