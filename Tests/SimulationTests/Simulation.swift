import Meterstone
import MeterstoneCore
import MeterstonePostgres
import MeterstoneSQLite
import MeterstoneStore
import MeterstoneTesting

/// Steps the model, the memory store, the SQLite store and two nodes on one PostgreSQL database
/// together, and stops where they differ.
struct Simulation {
    var world: World
    var model: Model
    let memory: MemoryStore
    var sqlite: SQLiteStore?
    /// Commands go to one or the other.
    var nodes: [PostgresStore] = []
    private let database: PostgresOptions
    private let folder = TemporaryFolder()
    private let options: StoreOptions
    private var step = 0

    init(seed: UInt64, zones: ZoneDatabase) throws {
        world = World(seed: seed)
        model = Model(zoneRules: { zones.rules(named: $0) })
        var options = StoreOptions()
        options.zoneRules = { zones.rules(named: $0) }
        // So few that subjects leave memory and come back all the time.
        options.cachedSubjectsMax = 3
        self.options = options
        memory = MemoryStore(options: options)
        sqlite = try SQLiteStore(directory: folder.path, options: options)
        database = PostgresOptions(url: try PostgresServer.shared().makeDatabase())
        for _ in 0..<2 { nodes.append(try PostgresStore(database, options: options)) }
    }

    mutating func run(steps: Int) throws {
        try commit(
            World.meters.map { .change(ChangeRequest(change: .putMeter($0), author: "setup")) }
                + World.plans.map {
                    .change(ChangeRequest(change: .putPlan(Plan(key: $0)), author: "setup"))
                })
        for _ in 0..<5 {
            let limit = world.limit()
            try commit([.change(ChangeRequest(change: .putLimit(limit), author: "setup"))])
        }
        for step in 0..<steps {
            self.step = step
            world.tick()
            let count = world.percent(70) ? 1 : Int(world.number(2...9))
            try commit((0..<count).map { _ in world.command() })
            try disturb()
            if world.percent(10) { try compareUsage() }
            if world.percent(2) { try compareEvents() }
            if step % 100 == 99 { try verify() }
        }
        try compareEvents()
        try verify()
        for store in [try current, nodes[0]] as [any Store] {
            let counters = try store.verify().counters
            let rebuilt = try store.rebuild()
            try expect(rebuilt, counters, "counters rebuilt")
        }
        try verify()
        try close()
        try closeNodes()
    }

    private var current: SQLiteStore {
        get throws {
            guard let sqlite else { throw Difference("the store is closed") }
            return sqlite
        }
    }

    private mutating func commit(_ commands: [Command]) throws {
        let inMemory = try memory.commit(commands, at: world.now)
        let onDisk = try current.commit(commands, at: world.now)
        let node = Int(world.number(0...1))
        let onNode = try nodes[node].commit(commands, at: world.now)
        for (index, command) in commands.enumerated() {
            let expected = model.perform(command, at: world.now)
            try expect(inMemory[index].text, expected, "memory, \(command.summary)")
            try expect(onDisk[index].text, expected, "SQLite, \(command.summary)")
            try expect(onNode[index].text, expected, "node \(node), \(command.summary)")
        }
    }

    /// Projects a little or everything, or stops and starts the SQLite store.
    private mutating func disturb() throws {
        switch world.number(0...99) {
        case 0..<20:
            for _ in 0..<world.number(1...6) where try !current.project() { break }
        case 20..<24: while try current.project() {}
        case 24..<27: try reopen()
        case 27..<33:
            // Without closing, as after a crash: the tail is replayed.
            sqlite = nil
            sqlite = try SQLiteStore(directory: folder.path, options: options)
        case 33:
            let node = Int(world.number(0...1))
            try nodes[node].close()
            nodes[node] = try PostgresStore(database, options: options)
        default: break
        }
    }

    /// Every store that is read, by name.
    private var stores: [(String, any Store)] {
        get throws {
            [("memory", memory), ("SQLite", try current)]
                + nodes.enumerated().map { ("node \($0)", $1) }
        }
    }

    private mutating func reopen() throws {
        try close()
        sqlite = try SQLiteStore(directory: folder.path, options: options)
    }

    private mutating func close() throws {
        try current.close()
        sqlite = nil
    }

    private func closeNodes() throws {
        for node in nodes { try node.close() }
    }

    // MARK: Comparing

    private mutating func compareUsage() throws {
        let id = world.pick(World.subjects + World.teams)
        let meter = world.pick(model.blueprint.meters)
        let window = world.pick([
            Window.hour, .day, .week(startsOn: .monday), .month, .year, .billingMonth, .lifetime,
        ])
        let back: Int64 = window == .hour ? 172_800_000 : 5_184_000_000
        let zone = model.zone(id)
        let spans =
            window == .lifetime
            ? [.lifetime]
            : window.spans(
                from: world.now.advanced(byMilliseconds: -world.number(0...back)),
                until: world.now.advanced(byMilliseconds: world.number(1...90_000_000)), in: zone,
                anchor: model.profile(id).subscription?.startsAt, atMost: 1_000) ?? []
        let expected = spans.map { span in
            model.aggregate(model.worths(id, meter, [:], in: span), meter.aggregation)
        }
        for (name, store) in try stores {
            let view = try store.view(of: id)
            let points = try store.read { (source) throws(StoreError) in
                try UsageReader(view, source).points(of: meter, over: spans, window: window)
            }
            try expect(
                points.map(\.quantity.units), expected,
                "\(name), usage of \(meter.key) by \(id) per \(window)")
        }
    }

    private mutating func compareEvents() throws {
        let id = world.pick(World.subjects + World.teams)
        let count = Int(world.number(3...40))
        let expected = model.events.enumerated()
            .filter { $0.element.event.subject == id || $0.element.ancestors.contains(id) }
            .sorted { ($0.element.at, $0.offset) > ($1.element.at, $1.offset) }
            .map(\.element.text)
        for (name, store) in try stores {
            var found: [String] = []
            var cursor: EventCursor?
            repeat {
                let view = try store.view(of: id)
                let page = try store.read { (source) throws(StoreError) in
                    try UsageReader(view, source).events(before: cursor, count: count)
                }
                found += page.events.map(\.text)
                cursor = page.next
            } while cursor != nil
            try expect(found, expected, "\(name), events of \(id)")
        }
    }

    private func verify() throws {
        for (name, store) in try stores {
            try expect(try store.verify().differences, [], "\(name), verify")
        }
    }

    private func expect<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) throws
    {
        guard found != expected else { return }
        throw Difference(
            "step \(step), \(world.now.rfc3339): \(what)\n  expected \(expected)\n  found    \(found)"
        )
    }
}

/// Where a store did other than the model.
struct Difference: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension ModelEvent {
    fileprivate var text: String {
        "\(event.subject) \(at.rfc3339) \(event.quantities.pairs.map { "\($0.name)=\($0.quantity)" })"
            + " \(event.details?.type ?? "-") \(corrections.map { "\($0.kind) \($0.recordedAt)" })"
    }
}

extension RecordedEvent {
    fileprivate var text: String {
        ModelEvent(
            event: event, told: event, at: event.occurredAt ?? .earliest, recordedAt: recordedAt,
            ancestors: [], corrections: corrections
        ).text
    }
}

extension Command {
    fileprivate var summary: String {
        switch self {
        case .consume(let event): "consume \(event.summary)"
        case .check(let event): "check \(event.summary)"
        case .record(let event): "record \(event.summary)"
        case .correct(let correction): "correct \(correction.eventID) \(correction.kind)"
        case .change(let request): "\(request.change)"
        case .limits(let id): "limits of \(id)"
        default: "unknown"
        }
    }
}

extension UsageEvent {
    fileprivate var summary: String {
        "\(id?.text ?? "-") \(subject) \(occurredAt?.rfc3339 ?? "now") "
            + "\(quantities.pairs.map { "\($0.name)=\($0.quantity)" }) \(details?.type ?? "-") "
            + "\(details?.status.rawValue ?? "") \(details?.dimensions.map(\.value) ?? [])"
    }
}
