import Foundation

/// The programs that come with a PostgreSQL server.
struct PostgresPrograms {
    let pgbench: String
    private let psql: String

    init() throws {
        pgbench = try Self.find("pgbench", package: "postgresql")
        psql = try Self.find("psql", package: "postgresql-client")
    }

    /// Has `psql` do something, and returns what it prints.
    @discardableResult
    func psql(_ arguments: String, url: String) throws -> String {
        try shell("\(psql) -X -q -v ON_ERROR_STOP=1 \(arguments) '\(url)'")
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Leaves nothing to be tidied up or written out while something is measured.
    func settle(url: String) throws {
        try psql("-c 'VACUUM ANALYZE' -c CHECKPOINT", url: url)
    }

    /// What decides how fast the server is, as it says itself.
    func settings(url: String) throws -> String {
        let names = [
            "server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers",
            "max_wal_size", "checkpoint_timeout",
        ]
        let shown = names.map { "'\($0) ' || current_setting('\($0)')" }.joined(separator: ", ")
        return try psql("-At -c \"SELECT concat_ws(', ', \(shown))\"", url: url)
    }

    /// The program on `PATH`, or the newest that Debian installed.
    private static func find(_ name: String, package: String) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let debian = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []
        let folders =
            path.split(separator: ":").map(String.init)
            + versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(debian)/\($0)/bin" }
        let programs = folders.map { "\($0)/\(name)" }
        guard let program = programs.first(where: FileManager.default.isExecutableFile) else {
            throw BenchError(message: "\(name) was not found; Debian's package \(package) has it")
        }
        return program
    }
}
