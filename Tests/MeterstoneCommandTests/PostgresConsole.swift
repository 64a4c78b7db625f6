import Foundation

/// Asks a PostgreSQL that trusts everybody something, in a session of its own each time.
///
/// Not through the store's own connections, nor through libpq: what is seen here does not depend on
/// what is tested.
struct PostgresConsole: Sendable {
    private let port: Int
    private let database: String

    /// - Parameter url: `postgres://meterstone@127.0.0.1:PORT/NAME`.
    init(url: String) throws {
        guard let parts = URLComponents(string: url), let port = parts.port else {
            throw ClientFailure("expected the URL of a database, not '\(url)'")
        }
        self.port = port
        database = String(parts.path.dropFirst())
    }

    /// The rows of one statement, as text.
    func rows(_ sql: String) throws -> [[String]] {
        let session = try open()
        let rows = try Self.ask(session, sql)
        try session.write([UInt8(ascii: "X")] + Self.int32(4))
        return rows
    }

    /// Leaves a transaction open, with its locks, for as long as the returned value lives.
    func begin(_ sql: String) throws -> Socket {
        let session = try open()
        _ = try Self.ask(session, "BEGIN; \(sql)")
        return session
    }

    private func open() throws -> Socket {
        let socket = try Socket(port: port)
        let settings = ["user", "meterstone", "database", database, "application_name", "console"]
        let startup = [UInt8](settings.joined(separator: "\0").utf8) + [0, 0]
        try socket.write(Self.int32(startup.count + 8) + Self.int32(3 << 16) + startup)
        _ = try Self.readUntilReady(socket)
        return socket
    }

    private static func ask(_ session: Socket, _ sql: String) throws -> [[String]] {
        let query = Array(sql.utf8) + [0]
        try session.write([UInt8(ascii: "Q")] + int32(query.count + 4) + query)
        return try readUntilReady(session)
    }

    /// The first column of the only row.
    func value(_ sql: String) throws -> String {
        let rows = try rows(sql)
        guard rows.count == 1, let value = rows[0].first else {
            throw ClientFailure("expected one row, not \(rows.count): \(sql)")
        }
        return value
    }

    private static func readUntilReady(_ socket: Socket) throws -> [[String]] {
        var rows: [[String]] = []
        while true {
            let head = try socket.read(5)
            let body = try socket.read(integer(head[1...]) - 4)
            switch head[0] {
            case UInt8(ascii: "D"): rows.append(row(body))
            case UInt8(ascii: "E"): throw ClientFailure(String(decoding: body, as: UTF8.self))
            case UInt8(ascii: "Z"): return rows
            default: break
            }
        }
    }

    private static func row(_ body: [UInt8]) -> [String] {
        var values: [String] = []
        var start = 2
        while start < body.count {
            let length = integer(body[start..<start + 4])
            start += 4
            guard length >= 0 else {
                values.append("")
                continue
            }
            values.append(String(decoding: body[start..<start + length], as: UTF8.self))
            start += length
        }
        return values
    }

    private static func int32(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int {
        Int(Int32(bitPattern: bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
    }
}
