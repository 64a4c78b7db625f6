package import MeterstoneStore

/// Where a mirror stands.
package enum MirrorLocation: Hashable, Sendable, CustomStringConvertible {
    case file(String)
    /// A database, as libpq understands its URL.
    case postgres(String)

    #if Postgres
    package static let expectation = "sqlite:FILE or postgres://USER@HOST/DATABASE"
    #else
    package static let expectation = "sqlite:FILE; this meterstone was built without PostgreSQL"
    #endif

    /// `nil` when the URL is not of the form that ``expectation`` states.
    package init?(url: String) {
        if url.hasPrefix("sqlite:"), url.count > 7 {
            self = .file(String(url.dropFirst(7)))
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

    /// Without user and password.
    package var description: String {
        switch self {
        case .file(let path): "sqlite:\(path)"
        case .postgres(let url):
            "postgres://" + (url.split(separator: "@").last ?? "").prefix { $0 != "?" }
        }
    }

    /// Opens the database. What goes wrong says of which one.
    package func open(isReadOnly: Bool = false) throws(StoreError) -> any MirrorDatabase {
        do throws(StoreError) {
            return try connect(isReadOnly)
        } catch {
            throw StoreError(
                code: error.code, message: "\(self): \(error.message)", detail: error.detail)
        }
    }

    private func connect(_ isReadOnly: Bool) throws(StoreError) -> any MirrorDatabase {
        switch self {
        case .file(let path): return try SQLiteMirror(path: path, isReadOnly: isReadOnly)
        #if Postgres
        case .postgres(let url): return try PostgresMirror(url: url, isReadOnly: isReadOnly)
        #else
        case .postgres:
            throw StoreError(code: .misuse, message: "there is no PostgreSQL in this build")
        #endif
        }
    }
}
