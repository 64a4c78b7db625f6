import Foundation
import Synchronization

/// A PostgreSQL server of the tests' own: in a temporary folder, on a port of its own, without the
/// rights of root.
///
/// It ends, and its folder goes, with this value or with the process, whichever is first and however
/// the process ends.
public final class PostgresServer: Sendable {
    /// Why a server could not be started, with the end of its log.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Why there can be no server here; `nil` when its programs were found.
    private static let missing: String? =
        programs == nil ? "no PostgreSQL programs were found; `make setup` installs them" : nil

    private static let programs = PostgresSupervisor.findPrograms()
    private static let started = Result { try PostgresServer() }

    /// How many times as long as by default tests wait for the server that do not ask how long that is.
    public static let patience: Int64 = 30

    public let port: Int
    private let conversation: Mutex<Conversation>

    private struct Conversation {
        var supervisor: PostgresSupervisor?
        var databases = 0

        func ask(_ command: String) throws {
            guard let supervisor else { throw Failure(description: "the server was stopped") }
            try supervisor.ask(command)
        }
    }

    /// Starts a server.
    ///
    /// - Parameter settings: what differs from PostgreSQL's defaults, as in `postgresql.conf`.
    public init(settings: [String: String] = [:]) throws {
        guard let programs = Self.programs else {
            throw Failure(description: Self.missing ?? "")
        }
        let own = [
            "listen_addresses": "127.0.0.1", "max_connections": "2000",
            "unix_socket_directories": "",
        ]
        let supervisor = try PostgresSupervisor(
            programs: programs, settings: own.merging(settings) { $1 })
        do {
            port = try supervisor.start()
        } catch {
            supervisor.end()
            throw error
        }
        conversation = Mutex(Conversation(supervisor: supervisor))
    }

    deinit {
        stop()
    }

    /// The one server that all tests of this process share; it starts when first asked for.
    public static func shared() throws -> PostgresServer {
        try started.get()
    }

    /// Makes an empty database and returns its URL: `postgres://meterstone@127.0.0.1:PORT/NAME`.
    public func makeDatabase() throws -> String {
        let name = try conversation.withLock { conversation in
            conversation.databases += 1
            let name = "meterstone_\(conversation.databases)"
            try conversation.ask("createdb \(name)")
            return name
        }
        return "postgres://meterstone@127.0.0.1:\(port)/\(name)"
    }

    /// Stops at once, as in a crash, and starts again on the same port with the same folder.
    ///
    /// Connections break; what was committed is recovered from the log. Returns when the server
    /// accepts connections.
    public func restartImmediately() throws {
        try conversation.withLock { try $0.ask("restart") }
    }

    /// Ends the server and removes its folder; a second call does nothing.
    public func stop() {
        conversation.withLock { conversation in
            conversation.supervisor?.end()
            conversation.supervisor = nil
        }
    }
}
