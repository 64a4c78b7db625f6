import Foundation
import Meterstone
import MeterstoneBlueprint
import MeterstoneCore
import MeterstoneMirror
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// Both databases that a mirror can stand in; each with a store of the same kind.
enum MirrorUnderTest: String, CaseIterable, Sendable {
    case sqlite, postgres

    static let zones = ZoneDatabase()

    func with(
        _ blueprint: NamedBlueprint? = nil, zone: String = "UTC",
        _ body: (MirrorScene) async throws -> Void
    ) async throws {
        let scene = try MirrorScene(self, zone)
        do {
            if let blueprint { try await scene.apply(try Blueprint(yaml: blueprint.yaml)) }
            try await body(scene)
            await scene.close()
        } catch {
            await scene.close()
            throw error
        }
    }
}

/// An engine and the mirror of it. Confined to its test.
final class MirrorScene {
    let engine: MeterstoneEngine
    let clock = ManualClock(.at("2026-04-02T12:00:00Z"))
    let location: MirrorLocation
    private let folder = TemporaryFolder()
    private var follower: MirrorFollower
    private var reader: (any MirrorDatabase)?

    init(_ kind: MirrorUnderTest, _ zone: String) throws {
        var options = StoreOptions()
        options.defaultTimeZone = zone
        options.zoneRules = { MirrorUnderTest.zones.rules(named: $0) }
        let store: any Store
        switch kind {
        case .sqlite:
            store = try SQLiteStore(directory: folder.path, options: options)
            location = .file(folder.path + "/mirror.db")
        case .postgres:
            let server = try PostgresServer.shared()
            store = try PostgresStore(
                PostgresOptions(
                    url: try server.makeDatabase(), patience: PostgresServer.patience),
                options: options)
            location = .postgres(try server.makeDatabase())
        }
        let clock = self.clock
        engine = MeterstoneEngine(store: store, clock: { clock.now })
        follower = MirrorFollower(engine, to: location, factsPerPage: 7, clock: { clock.now })
    }

    func close() async {
        reader?.close()
        await follower.close()
        await engine.shutdown()
    }

    /// Leaves the mirror, and goes on with a new follower.
    func restart(startsOver: Bool = false, factsPerPage: Int = 7) async {
        await follower.close()
        let clock = self.clock
        follower = MirrorFollower(
            engine, to: location, startsOver: startsOver, factsPerPage: factsPerPage,
            clock: { clock.now })
    }

    @discardableResult
    func catchUp() async throws -> MirrorFollower.Progress { try await follower.catchUp() }

    func step() async throws -> MirrorFollower.Progress { try await follower.step() }

    /// Brings the mirror up, and asks it: the rows, their values joined by a bar, instants to the second.
    func ask(_ sql: String) async throws -> [String] {
        try await catchUp()
        return try stale(sql)
    }

    /// The same of the mirror as it is.
    func stale(_ sql: String) throws -> [String] {
        let database = try reader ?? location.open(isReadOnly: true)
        reader = database
        return try database.ask(sql).rows.map { row in
            row.map { Self.text($0) }.joined(separator: "|")
        }
    }

    private static func text(_ value: MirrorValue) -> String {
        guard case .text(let text) = value else { return value.text ?? "" }
        if text.wholeMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.*/) != nil {
            return String(text.prefix(19))
        }
        guard text.hasPrefix("{") else { return text }
        // Databases write different spaces into JSON.
        var isQuoted = false
        return text.filter { character in
            if character == "\"" { isQuoted.toggle() }
            return isQuoted || character != " "
        }
    }

    // MARK: What happens

    func apply(_ blueprint: Blueprint) async throws {
        for step in try await engine.apply(blueprint, author: "test") {
            if case .rejected(let rejection) = step.outcome { Issue.record("\(rejection)") }
        }
    }

    func change(_ change: Change) async throws {
        let receipt = try await engine.change(ChangeRequest(change: change, author: "test"))
        if case .rejected(let rejection) = receipt.outcome { Issue.record("\(rejection)") }
    }

    /// Records an event of a type.
    func use(
        _ subject: String, _ type: String? = nil, _ quantities: [String: Int64] = [:],
        at instant: String? = nil, id: String? = nil, subtype: String? = nil,
        status: EventStatus = .success, duration: Int64? = nil, error: String? = nil
    ) async throws {
        let event = UsageEvent(
            id: id.flatMap { EventID($0) }, subject: SubjectID(unchecked: subject),
            occurredAt: instant.map { .at($0) },
            quantities: Quantities(
                quantities.map {
                    NamedQuantity(name: MeterKey(unchecked: $0.key), quantity: Quantity($0.value))
                }),
            details: EventDetails(
                type: type, subtype: subtype, status: status, durationMilliseconds: duration,
                errorMessage: error))
        guard case .counted = try await engine.record([event]).first else {
            Issue.record("expected \(event) to be counted")
            return
        }
    }
}

extension Instant {
    static func at(_ text: String) -> Instant {
        guard let instant = Instant(rfc3339: text) else {
            Issue.record("\(text) is no instant")
            return .earliest
        }
        return instant
    }
}
