import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

extension Simulation {
    /// Erases one who has nobody below: the usage of all stays, in every store, also once nothing is left of the
    /// person in what is stored.
    mutating func eraseSomebody() throws {
        let teams = Set(model.profiles.values.compactMap(\.parent))
        let free = World.subjects.filter { model.profiles[$0] != nil && !teams.contains($0) }
        // Of those into whom somebody was merged there is more to forget.
        let merged = try free.first { try memory.view(of: $0).subject?.merged.isEmpty == false }
        guard let id = merged ?? free.first else { return }
        let key = SubjectID(unchecked: "erased-1")
        let change = Change.eraseSubject(id, Erasure(key: key))
        let command = Command.change(ChangeRequest(change: change, author: "setup"))
        for name in ["memory", "SQLite", "node 0"] {
            let before = try totals(of: id, besides: id, try store(name))
            let outcomes = try store(name).commit([command], at: world.now)
            guard case .changed(.deleted, _, _) = outcomes.first else {
                throw Difference("\(name), erasing \(id): \(outcomes)")
            }
            try expectErased(id, as: key, before, name)
            if name == "SQLite" {
                try crash()
                try expectErased(id, as: key, before, "SQLite after a crash")
            }
            _ = try store(name).compact()
            try expectErased(id, as: key, before, name)
        }
    }

    private func store(_ name: String) throws -> any Store {
        switch name {
        case "memory": memory
        case "node 0": nodes[0]
        default: try current
        }
    }

    private func expectErased(
        _ id: SubjectID, as key: SubjectID, _ before: [Int64], _ name: String
    ) throws {
        let store = try store(name)
        try expect(try totals(of: key, besides: id, store), before, "\(name), \(id) erased")
        try expect(try store.view(of: id).subject == nil, true, "\(name), \(id) unknown")
        try expect(try store.verify().differences, [], "\(name), verify after erasing")
    }

    /// What a subject, and then everybody else, used in all.
    private func totals(
        of id: SubjectID, besides erased: SubjectID, _ store: any Store
    ) throws -> [Int64] {
        let others = World.teams + World.subjects.filter { $0 != erased }
        let (meters, now) = (model.blueprint.meters, world.now)
        var totals: [Int64] = []
        for subject in [id] + others {
            let view = try store.view(of: subject)
            totals += try store.read(view) { (source) throws(StoreError) in
                var units: [Int64] = []
                for meter in meters {
                    units += try UsageReader(view, source, now: now)
                        .points(of: meter, over: [.lifetime], window: .lifetime)
                        .map(\.quantity.units)
                }
                return units
            }
        }
        return totals
    }
}
