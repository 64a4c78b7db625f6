import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

/// Other keys that stores are told of and the model is not: a subject has one key there.
struct Keys {
    /// Its own, so that what happens does not depend on it.
    private var random: SplitMix64
    private var aliases: [SubjectID: [SubjectID]] = [:]
    private var count = 0

    init(seed: UInt64) {
        random = SplitMix64(state: seed &+ 0x4B65_7973)
    }

    private mutating func percent(_ chance: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < chance
    }

    /// Changes of keys after which every subject is called as before; mostly none.
    mutating func changes(of known: [SubjectID]) -> [Command] {
        guard percent(6), count < 60, let id = known.randomElement(using: &random) else {
            return []
        }
        count += 1
        let key = SubjectID(unchecked: "\(id) \(count)")
        aliases[id, default: []].append(key)
        let changes: [Change] =
            percent(50)
            ? [.putAlias(id, alias: key)]
            : [.renameSubject(id, to: key), .renameSubject(key, to: id)]
        return changes.map { .change(ChangeRequest(change: $0, author: "keys")) }
    }

    /// The same, with any of the keys that mean its subject.
    mutating func naming(_ command: Command) -> Command {
        switch command {
        case .consume(let event): return .consume(naming(event))
        case .record(let event): return .record(naming(event))
        case .check(let event, let use): return .check(naming(event), as: use)
        case .reserve(let event, let terms): return .reserve(naming(event), terms)
        case .expire(let id): return .expire(key(of: id))
        case .change(var request):
            if let id = request.change.subject {
                request.change = request.change.naming(key(of: id))
            }
            return .change(request)
        case .correct, .extend, .close: return command
        }
    }

    private mutating func naming(_ event: UsageEvent) -> UsageEvent {
        var event = event
        event.subject = key(of: event.subject)
        return event
    }

    private mutating func key(of id: SubjectID) -> SubjectID {
        guard percent(40) else { return id }
        return aliases[id]?.randomElement(using: &random) ?? id
    }
}
