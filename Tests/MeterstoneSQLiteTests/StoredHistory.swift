import Meterstone
import MeterstoneCore
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting
import Testing

/// What a store holds, read event by event.
struct StoredHistory {
    /// How often each event id is there.
    var counts: [String: Int] = [:]

    init(_ store: SQLiteStore) throws {
        for profile in try store.subjects(after: nil, count: 1_000).map(\.profile) {
            var cursor: EventCursor?
            repeat {
                let view = try store.view(of: profile.id)
                let page = try store.read(view) { (source) throws(StoreError) in
                    try UsageReader(view, source, now: .latest).events(before: cursor, count: 1_000)
                }
                // A team's list has its members' events, too.
                for event in page.events where event.event.subject == profile.id {
                    counts[event.event.id?.text ?? "", default: 0] += 1
                }
                cursor = page.next
            } while cursor != nil
        }
    }
}

/// A fixed history of batches, with everything that a store does between them.
struct FixedHistory {
    static let now = Instant(millisecondsSince1970: 1_773_144_000_000)
    static let batches = 24

    var answered: Set<String> = []
    /// The batch whose fate nobody knows.
    var unknown: Set<String> = []
    /// Batches that were answered with an error that says nothing was done.
    var refused: Set<String> = []
    var errors: [StoreError.Code] = []

    static let options: StoreOptions = {
        let zones = ZoneDatabase()
        var options = StoreOptions()
        options.zoneRules = { zones.rules(named: $0) }
        return options
    }()

    static func prepare(_ store: SQLiteStore) throws {
        let limits = [Window.day, .lifetime, .month].enumerated().map { index, window in
            Limit(
                key: LimitKey(unchecked: "limit\(index)"), meter: .prompts, window: window,
                defaultAllowance: .units(1_000))
        }
        let changes =
            [Change.putMeter(Meter(key: .prompts))] + limits.map { .putLimit($0) }
            + [
                .putSubject(
                    Subject(id: SubjectID(unchecked: "user1"), parent: SubjectID(unchecked: "team"))
                )
            ]
        _ = try store.commit(
            changes.map { .change(ChangeRequest(change: $0, author: "test")) }, at: now)
    }

    static func ids(ofBatch batch: Int) -> [String] {
        (0...(batch % 5)).map { "event-\(batch)-\($0)" }
    }

    static func commands(ofBatch batch: Int) -> [Command] {
        var commands: [Command] = ids(ofBatch: batch).enumerated().map { index, id in
            .consume(
                UsageEvent(
                    id: EventID(id), subject: SubjectID(unchecked: "user\((batch + index) % 3)"),
                    occurredAt: now.advanced(byMilliseconds: Int64(index) * -86_400_000),
                    quantities: .one(.prompts, 1)))
        }
        if batch % 6 == 5 {
            commands.append(
                .change(
                    ChangeRequest(
                        change: .putSubject(
                            Subject(
                                id: SubjectID(unchecked: "user2"),
                                timeZone: batch % 12 == 5 ? "Asia/Kathmandu" : "America/New_York")),
                        author: "test")))
        }
        return commands
    }

    /// Commits everything that has not been, projecting now and then; stops when the store halts.
    mutating func run(_ store: SQLiteStore) {
        for batch in 0..<Self.batches {
            let ids = Set(Self.ids(ofBatch: batch))
            do throws(StoreError) {
                _ = try store.commit(Self.commands(ofBatch: batch), at: Self.now)
                answered.formUnion(ids)
            } catch {
                errors.append(error.code)
                switch error.code {
                case .outcomeUnknown: unknown = ids
                case .halted: return
                default: refused.formUnion(ids)
                }
            }
            guard batch % 4 == 3 else { continue }
            do throws(StoreError) { while try store.project() {} } catch {
                errors.append(error.code)
            }
        }
    }

    /// Every answered event is there once, nothing refused is, and a batch is whole or absent.
    func check(_ store: SQLiteStore, _ comment: Comment) throws {
        let stored = try StoredHistory(store).counts
        #expect(stored.values.allSatisfy { $0 == 1 }, comment)
        #expect(answered.subtracting(stored.keys) == [], comment)
        let more = Set(stored.keys).subtracting(answered)
        #expect(more == [] || more == unknown, comment)
        let report = try store.verify()
        #expect(report.differences == [], comment)
    }
}

extension MeterKey {
    static let prompts = MeterKey(unchecked: "prompts")
}
