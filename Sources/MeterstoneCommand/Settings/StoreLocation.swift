/// Where the store is.
package enum StoreLocation: Hashable, Sendable, CustomStringConvertible {
    case directory(String)
    /// A database, as libpq understands its URL.
    case postgres(String)

    static let expectation = "sqlite:DIRECTORY or postgres://USER@HOST/DATABASE"

    init(url: String, from origin: SettingOrigin) throws {
        if url.hasPrefix("sqlite:"), url.count > 7 {
            self = .directory(String(url.dropFirst(7)))
        } else if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
            #if Postgres
            self = .postgres(url)
            #else
            throw CommandFailure(
                .usage, "\(origin): this meterstone was built without PostgreSQL")
            #endif
        } else {
            throw CommandFailure(.usage, "\(origin): '\(url)': expected \(Self.expectation)")
        }
    }

    /// Without the password.
    package var description: String {
        switch self {
        case .directory(let path): path
        case .postgres(let url): Self.withoutPassword(url)
        }
    }

    private static func withoutPassword(_ url: String) -> String {
        let shown = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)[0]
        guard let slashes = shown.firstRange(of: "://"),
            let at = shown[slashes.upperBound...].lastIndex(of: "@"),
            let colon = shown[slashes.upperBound..<at].firstIndex(of: ":")
        else { return String(shown) }
        return shown[..<colon] + ":…" + shown[at...]
    }
}
