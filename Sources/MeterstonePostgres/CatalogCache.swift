import Dispatch
import MeterstoneCore
import MeterstoneStore
import Synchronization

/// Meters, plans and limits, compiled, as of one version.
struct VersionedCatalog: Sendable {
    let version: Int64
    let catalog: Catalog
    /// The rules of time zones that counters are cut with.
    let zones: ZoneNotes
}

/// This node's copy of the catalog.
///
/// A commit never decides with an old one: it shares a lock that whoever changes the catalog must own, and
/// compares versions in its first round trip. What is only shown comes from the copy. The server tells
/// of changes by `NOTIFY`, which is looked at before each answer; whether it arrives or not, the copy is
/// compared at least every ``PostgresOptions/catalogMilliseconds``.
final class CatalogCache: Sendable {
    /// Of the advisory lock.
    let lockKey: Int64
    private let options: StoreOptions
    private let postgres: PostgresOptions
    private let known: Mutex<VersionedCatalog?> = Mutex(nil)
    private let history = Mutex(ChangeHistory())
    private let listening = Mutex(Listening())

    private struct Listening {
        // Used by whoever holds the lock.
        nonisolated(unsafe) var connection: Connection?
        /// When the copy was last known to be the latest.
        var fresh: Deadline?
        /// Not to try again at once when nobody can be reached.
        var retry: Deadline?
    }

    init(
        _ options: StoreOptions, _ postgres: PostgresOptions, lockKey: Int64
    ) {
        self.options = options
        self.postgres = postgres
        self.lockKey = lockKey
    }

    // MARK: For transactions

    /// The catalog of this version, which is the one that the connection's transaction sees.
    func current(version: Int64, _ connection: Connection) throws -> VersionedCatalog {
        if let known = known.withLock({ $0 }), known.version == version { return known }
        let (catalog, zones) = try load(connection)
        let loaded = VersionedCatalog(version: version, catalog: catalog, zones: zones)
        self.known.withLock { $0 = loaded }
        return loaded
    }

    /// Called when this node has changed the catalog itself: it must show that at once.
    func forget() {
        known.withLock { $0 = nil }
        // A read that is under way may put the old one back: it must be compared once more.
        listening.withLock { $0.fresh = nil }
    }

    private func load(_ connection: Connection) throws -> (Catalog, ZoneNotes) {
        let rows = try connection.run([
            Query(CatalogStatements.all), Query(CatalogStatements.names),
            Query(CatalogStatements.limits), Query(CatalogStatements.series),
            Query(SettingStatements.byKey).binding(Setting.defaultTimeZone),
            Query(SettingStatements.zones),
        ])
        let changes = try changes(connection)
        let zone = rows[4].count == 0 ? options.defaultTimeZone : rows[4].text(0, 0)
        guard zone == options.defaultTimeZone else {
            throw StoreError.otherTimeZone(zone, options.defaultTimeZone)
        }
        var blueprint = Blueprint()
        for row in 0..<rows[0].count {
            try blueprint.add(kind: rows[0].text(row, 0), body: rows[0].text(row, 2))
        }
        let registry = Registry(
            names: (0..<rows[1].count).map { MeterKey(unchecked: rows[1].text($0, 0)) },
            limits: (0..<rows[2].count).map { LimitKey(unchecked: rows[2].text($0, 0)) },
            series: try (0..<rows[3].count).map { row in
                RegisteredSeries(
                    definition: try JSONText(text: rows[3].text(row, 0))
                        .decoded(as: SeriesDefinition.self),
                    definedAt: rows[3].int(row, 1), isCounted: rows[3].int(row, 2) == 1)
            })
        var zones: [String: String] = [:]
        for row in 0..<rows[5].count {
            zones[String(rows[5].text(row, 0).dropFirst(Setting.zone.count))] =
                rows[5].text(row, 1)
        }
        return (
            try Catalog(stored: blueprint, registry, options, changes: changes), ZoneNotes(zones)
        )
    }

    /// Changes of plans so far: those that are known, and newer ones.
    private func changes(_ connection: Connection) throws -> [ChangeRecord] {
        var history = history.withLock { $0 }
        if !(try history.read(connection)) {
            // A server that took over has not heard of everything, or this snapshot is an older one.
            history = ChangeHistory()
            _ = try history.read(connection)
        }
        let read = history
        self.history.withLock { $0 = read }
        return read.changes
    }

    // MARK: For what is only shown

    /// The copy, unless the server told of a change since it was read; `nil`: read it.
    func shown() -> VersionedCatalog? {
        guard isFresh() else { return nil }
        return known.withLock { $0 }
    }

    private func isFresh() -> Bool {
        listening.withLock { listening in
            if let connection = unsafe listening.connection {
                do throws(PostgresFailure) {
                    if try connection.hasNotifications() {
                        listening.fresh = nil
                        return false
                    }
                } catch {
                    unsafe listening.connection = nil
                }
            }
            return listening.fresh.map { !$0.isOver } ?? false
        }
    }

    /// Notes that the copy is about to be compared. Called before the comparison, so that a notice that
    /// arrives meanwhile is not lost.
    func willCompare() {
        listening.withLock { listening in
            if unsafe listening.connection == nil, listening.retry?.isOver ?? true {
                listening.retry = Deadline(milliseconds: postgres.catalogMilliseconds)
                unsafe listening.connection = try? connectListening()
            }
            listening.fresh = Deadline(milliseconds: postgres.catalogMilliseconds)
        }
    }

    private func connectListening() throws(PostgresFailure) -> Connection {
        let connection = try Session.reading.connect(postgres)
        _ = try connection.run(Query(CatalogStatements.listen))
        return connection
    }

    func close() {
        listening.withLock { unsafe $0.connection = nil }
    }
}

/// What was changed of plans, oldest first: the whole of it up to the last, since whoever changes the
/// catalog has it alone.
private struct ChangeHistory {
    private(set) var changes: [ChangeRecord] = []
    /// The last change, as it is stored.
    private var last: (sequence: Int64, body: String)?

    /// Adds what is newer; `false`, and nothing is added, when the last one is not there as it was.
    mutating func read(_ connection: Connection) throws -> Bool {
        let known = last?.sequence ?? 0
        let rows = try connection.run(
            [Query(ChangeStatements.at).binding(known)]
                + ChangeRecord.scheduleKinds.map {
                    Query(ChangeStatements.newer).binding($0).binding(known)
                })
        if let last {
            guard rows[0].count == 1, rows[0].text(0, 0) == last.body else { return false }
        }
        var new: [(sequence: Int64, body: String)] = []
        for rows in rows.dropFirst() {
            for row in 0..<rows.count { new.append((rows.int(row, 0), rows.text(row, 1))) }
        }
        new.sort { $0.sequence < $1.sequence }
        for change in new {
            changes.append(try JSONText(text: change.body).decoded(as: ChangeRecord.self))
        }
        last = new.last ?? last
        return true
    }
}

extension StoreError {
    static func otherTimeZone(_ stored: String, _ wanted: String) -> StoreError {
        StoreError(
            code: .halted,
            message: "the counters of this database follow the default time zone '\(stored)', and "
                + "this node was told '\(wanted)'; tell it the same, or stop all nodes and run "
                + "`meterstone rebuild` with the new one")
    }
}

enum Setting {
    static let defaultTimeZone = "defaultTimeZone"
    static let derivedVersion = "derivedVersion"
    /// Followed by the name of a zone: the digest of the rules that counters are cut with.
    static let zone = "timeZoneRules:"
    /// The last transaction of which merged rows of columns may be gone.
    static let cutFloor = "cutFloor"
    static let archive = "archive"
}
