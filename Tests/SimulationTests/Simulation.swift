import Foundation
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
    private var keys: Keys
    private var accounts: Accounts
    let memory: MemoryStore
    var sqlite: SQLiteStore?
    /// Commands go to one or the other.
    var nodes: [PostgresStore] = []
    private let database: PostgresOptions
    private let folder = TemporaryFolder()
    private let options: StoreOptions
    private var step = 0
    let mirrors: SimulatedMirrors
    private static let isVerbose = ProcessInfo.processInfo.environment["VERBOSE"] != nil

    init(seed: UInt64, zones: ZoneDatabase, changesPlans: Bool = false) throws {
        world = World(seed: seed, changesPlans: changesPlans)
        keys = Keys(seed: seed)
        accounts = Accounts(seed: seed)
        model = Model(zoneRules: { zones.rules(named: $0) })
        var options = StoreOptions()
        options.zoneRules = { zones.rules(named: $0) }
        // So few that subjects leave memory and come back all the time.
        options.cachedSubjectsMax = 3
        options.openReservationsMax = 8
        // Sections close in the middle of what is read, corrected and projected.
        options.factsPerSection = 40
        model.openReservationsMax = 8
        self.options = options
        memory = MemoryStore(options: options)
        sqlite = try SQLiteStore(directory: folder.path, options: options)
        database = PostgresOptions(
            url: try PostgresServer.shared().makeDatabase(), patience: PostgresServer.patience)
        for _ in 0..<2 { nodes.append(try PostgresStore(database, options: options)) }
        mirrors = SimulatedMirrors(
            folder: folder.path, database: try PostgresServer.shared().makeDatabase(),
            zone: options.defaultTimeZone)
    }

    mutating func run(steps: Int) throws {
        try commit(
            World.meters.map { .change(ChangeRequest(change: .putMeter($0), author: "setup")) }
                + World.plans.map {
                    .change(ChangeRequest(change: .putPlan(world.plan($0)), author: "setup"))
                }
                + (world.changesPlans ? [] : [Change.putCreditPolicy(world.policy())]).map {
                    .change(ChangeRequest(change: $0, author: "setup"))
                })
        for _ in 0..<5 {
            let limit = world.limit()
            try commit([.change(ChangeRequest(change: .putLimit(limit), author: "setup"))])
        }
        for step in 0..<steps {
            self.step = step
            world.tick()
            let count = world.percent(70) ? 1 : Int(world.number(2...9))
            try commit((0..<count).map { _ in world.command() } + accounts.changes())
            if world.percent(15) { try look((0..<count).map { _ in world.look() }) }
            try disturb()
            if world.percent(40) { try compareWallets() }
            if world.percent(6) { try compareReservations() }
            if world.percent(5) { try sweep() }
            if world.changesPlans { try compareSubscriptions() }
            if world.percent(10) { try compareUsage() }
            if world.percent(2) { try compareEvents() }
            if world.percent(12) { try mirror(atMost: 2) }
            if world.percent(2) { try compareMirrors() }
            if step % 20 == 13 { try archive(isCutOff: step % 40 == 13) }
            if step % 100 == 99 { try verify() }
        }
        try compareEvents()
        try compareMirrors()
        mirrors.stop()
        try compareReservations()
        try compareWallets()
        try verify()
        for store in [try current, nodes[0]] as [any Store] {
            let counters = try store.verify().counters
            let rebuilt = try store.rebuild()
            try expect(rebuilt, counters, "counters rebuilt")
        }
        try verify()
        try eraseSomebody()
        try close()
        try closeNodes()
    }

    var current: SQLiteStore {
        get throws {
            guard let sqlite else { throw Difference("the store is closed") }
            return sqlite
        }
    }

    mutating func commit(_ commands: [Command]) throws {
        let known = World.subjects.filter { model.pastAtFirst[$0] != nil }
        let changes = keys.changes(of: known)
        let visit = keys.visit(of: known, at: world.now)
        let told = changes + (visit?.commands ?? []) + commands.map { keys.naming($0) }
        let before = told.count - commands.count
        let inMemory = try memory.commit(told, at: world.now)
        let onDisk = try current.commit(told, at: world.now)
        let node = Int(world.number(0...1))
        let onNode = try nodes[node].commit(told, at: world.now)
        model.looked.removeAll()
        if let visit {
            let isMerged = model.take(visit, at: world.now)
            if !isMerged { keys.forget(visit) }
            for (name, outcomes) in [
                ("memory", inMemory), ("SQLite", onDisk), ("node \(node)", onNode),
            ] {
                try expect(
                    outcomes[before - 1].text, isMerged ? "replaced" : "unknown_subject",
                    "\(name), \(visit)")
            }
            if Self.isVerbose {
                for command in visit.commands { print("\(world.now.rfc3339) \(command.summary)") }
            }
            world.told += model.events.map(\.told).filter { event in
                event.subject == visit.into
                    && event.id?.text.hasPrefix("visit \(visit.visitor.text.dropFirst(8)).")
                        ?? false
            }
        }
        for (index, command) in commands.enumerated() {
            let expected = model.perform(command, at: world.now)
            if Self.isVerbose { print("\(world.now.rfc3339) \(command.summary) -> \(expected)") }
            for (name, outcomes) in [
                ("memory", inMemory), ("SQLite", onDisk), ("node \(node)", onNode),
            ] {
                try expect(
                    command.comparable(outcomes[before + index].text), command.comparable(expected),
                    "\(name), \(command.summary)")
            }
        }
        // A node that is only asked counts what has expired as expired, and writes nothing down.
        if commands.allSatisfy(\.isQuestion), !model.looked.isEmpty {
            _ = try nodes[node].commit(model.looked.map { .expire($0) }, at: world.now)
        }
    }

    /// Has the stores write down what the model has noted as expired when it was looked at.
    func writeExpired(of subjects: [SubjectID]) throws {
        guard !subjects.isEmpty else { return }
        for store in [memory, try current, nodes[0]] as [any Store] {
            _ = try store.commit(subjects.map { .expire($0) }, at: world.now)
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
            try crash()
        case 33:
            let node = Int(world.number(0...1))
            try nodes[node].close()
            nodes[node] = try PostgresStore(database, options: options)
        default: break
        }
    }

    /// Every store that is read, by name.
    var stores: [(String, any Store)] {
        get throws {
            [("memory", memory), ("SQLite", try current)]
                + nodes.enumerated().map { ("node \($0)", $1) }
        }
    }

    /// Without closing: the tail is replayed.
    mutating func crash() throws {
        sqlite = nil
        sqlite = try SQLiteStore(directory: folder.path, options: options)
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

    func verify() throws {
        for (name, store) in try stores {
            try expect(try store.verify().differences, [], "\(name), verify")
        }
    }

    func expect<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String) throws {
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
