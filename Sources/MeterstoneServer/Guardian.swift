import HTTPTypes

/// Who may call the server: whoever has the administrator's key or, where there is none, whoever is on
/// this machine and is not a page from elsewhere.
///
/// A browser on the machine reaches a loopback address for every page that it shows. Where a page comes
/// from it tells in `Origin`, with every request that writes; and a page whose own name was made to
/// lead to this machine (DNS rebinding) is known by that name in `Host`. No browser sends another site's
/// `Authorization`, so that with a key neither matters.
struct Guardian: Sendable {
    private let key: AdministratorKey?

    init(administratorKey: String?) {
        key = administratorKey.map { AdministratorKey($0) }
    }

    func check(_ head: HTTPRequest) throws {
        if let key { return try key.check(head.headerFields) }
        // Programs that send neither are no browsers.
        let authority = head.authority
        if let authority, !Self.isLoopback(authority) { throw Problem.foreignHost }
        guard let origin = head.headerFields[.origin] else { return }
        guard let authority, origin.lowercased() == "http://" + authority.lowercased() else {
            throw Problem.foreignOrigin
        }
    }

    /// Whether a value of `Host` names this machine, as `localhost:8080` and `[::1]` do.
    private static func isLoopback(_ authority: String) -> Bool {
        if authority.hasPrefix("[") { return authority.prefix { $0 != "]" } == "[::1" }
        let host = authority.prefix { $0 != ":" }.lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension Problem {
    fileprivate static let foreignHost = Problem(
        status: .forbidden, code: "foreign_host",
        detail:
            "without an administrator's key the server answers to localhost, 127.0.0.1 and [::1]",
        field: "Host")

    fileprivate static let foreignOrigin = Problem(
        status: .forbidden, code: "foreign_origin",
        detail: "without an administrator's key the server takes no requests of other pages",
        field: "Origin")
}
