import Foundation
import HTTPTypes
import Hummingbird
import Meterstone
import MeterstoneAPI
import MeterstoneBlueprint
import MeterstoneCore
import MeterstoneMirror
import MeterstoneStore
import MeterstoneTesting
import Testing

/// One of the documents' applications: a server with its blueprint, asked over HTTP on a clock that is
/// moved, and a mirror of it, asked in SQL.
struct ApplicationServer {
    let server: TestServer
    private let mirror: MirrorLocation
    private let follower: MirrorFollower

    /// - Parameters:
    ///   - start: when the story begins.
    ///   - store: other options, such as what the environment says.
    static func run(
        _ blueprint: NamedBlueprint, at start: String, isAnalyticsEnabled: Bool = true,
        store: StoreOptions = StoreOptions(),
        _ story: @Sendable (ApplicationServer) async throws -> Void
    ) async throws {
        let parts = try Blueprint(yaml: blueprint.yaml)
        try await TestServer.run(
            isAnalyticsEnabled: isAnalyticsEnabled, store: store, blueprint: Blueprint()
        ) { server in
            server.clock.set(.at(start))
            _ = try await server.engine.merge(
                parts, named: blueprint.rawValue, author: "blueprint \(blueprint.rawValue)")
            let folder = TemporaryFolder()
            try FileManager.default.createDirectory(
                atPath: folder.path, withIntermediateDirectories: true)
            let mirror = MirrorLocation.file(folder.path + "/mirror.db")
            let clock = server.clock
            let follower = MirrorFollower(server.engine, to: mirror, clock: { clock.now })
            try await story(
                ApplicationServer(server: server, mirror: mirror, follower: follower))
            await follower.close()
            withExtendedLifetime(folder) {}
        }
    }

    /// What the mirror says once it has everything: rows, the values of each as one line, `10 3 null`.
    func rows(_ sql: String) async throws -> [String] {
        _ = try await follower.catchUp()
        let database = try mirror.open(isReadOnly: true)
        defer { database.close() }
        return try database.ask(sql).rows.map { row in
            row.map { $0.text ?? "null" }.joined(separator: " ")
        }
    }

    /// Moves the clock to an instant.
    func at(_ instant: String) { server.clock.set(.at(instant)) }

    func get(_ path: String, as user: String? = nil) async throws -> Answer {
        try await server.send(.get, path, headers: headers(user))
    }

    func post(_ path: String, _ body: String, as user: String? = nil) async throws -> Answer {
        try await server.send(.post, path, body, headers: headers(user))
    }

    func put(_ path: String, _ body: String, as user: String? = nil) async throws -> Answer {
        try await server.send(.put, path, body, headers: headers(user))
    }

    func patch(_ path: String, _ body: String) async throws -> Answer {
        try await server.send(.patch, path, body)
    }

    private func headers(_ user: String?) -> HTTPFields {
        guard let user, let name = HTTPField.Name("X-User-Id") else { return [:] }
        return [name: user]
    }

    /// Consumes once for each of so many times, and returns the statuses, each with how often it came in a
    /// row: `200 × 10, 429 × 2`.
    func consume(_ times: Int, _ body: String) async throws -> String {
        var runs: [(status: Int, count: Int)] = []
        for _ in 0..<times {
            let status = try await post("/v1/consume", body).status
            if runs.last?.status == status {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((status, 1))
            }
        }
        return runs.map { "\($0.status) × \($0.count)" }.joined(separator: ", ")
    }

    /// Every counter is as the events say.
    func expectClean() async throws {
        #expect(try await server.engine.verify().isClean)
    }
}

extension Instant {
    static func at(_ text: String) -> Instant {
        Instant(rfc3339: text) ?? .earliest
    }
}

extension Answer {
    /// A member by its path, `limits.prompts_daily.current` or `rows[0].subject`, as JSON; a text without its
    /// quotes. Nothing where there is no such member.
    subscript(path: String) -> String? {
        do {
            var fields = try WireFields(Array(text.utf8))
            let parts = path.split(separator: ".").map(String.init)
            for part in parts.dropLast() {
                guard let bracket = part.firstIndex(of: "[") else {
                    fields = try fields.object(part)
                    continue
                }
                let items = try fields.objects(String(part[..<bracket]))
                let place = Int(part[bracket...].dropFirst().dropLast()) ?? 0
                guard items.indices.contains(place) else { return nil }
                fields = items[place]
            }
            let json = try fields(parts.last ?? "", as: WireJSON.self).text
            guard json.hasPrefix("\"") else { return json }
            return String(json.dropFirst().dropLast())
        } catch {
            return nil
        }
    }

    /// Several members as one line: `10 3 null`.
    subscript(paths: [String]) -> String {
        paths.map { self[$0] ?? "-" }.joined(separator: " ")
    }
}
