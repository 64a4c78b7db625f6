import MeterstoneCore
import MeterstoneStore
import MeterstoneTesting

/// Other keys that stores are told of and the model is not: a subject has one key there.
struct Keys {
    /// Its own, so that what happens does not depend on it.
    private var random: SplitMix64
    private var aliases: [SubjectID: [SubjectID]] = [:]
    private var count = 0
    private var visits = 0

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

    /// What somebody does who turns out to be a known subject; mostly nobody. The last command merges the
    /// two, after which the subject is called by this key, too.
    mutating func visit(of known: [SubjectID], at now: Instant) -> Visit? {
        // Into one of them nobody is merged: who can be erased in the end.
        let known = known.filter { $0 != World.subjects.last }
        guard percent(5), visits < 30, let id = known.randomElement(using: &random) else {
            return nil
        }
        visits += 1
        let visitor = SubjectID(unchecked: "visitor \(visits)")
        var commands: [Command] = []
        for number in 0..<Int.random(in: 0...5, using: &random) {
            commands.append(.record(event(of: visitor, number, at: now)))
        }
        if commands.isEmpty {
            commands = [
                .change(
                    ChangeRequest(change: .putSubject(Subject(id: visitor)), author: "keys"))
            ]
        }
        for number in 0..<3 where percent(20) {
            commands.append(
                .correct(
                    Correction(
                        eventID: Self.id(visits, number),
                        kind: percent(50)
                            ? .void
                            : .amend(Quantities([named("prompts", 0...9)]), nil),
                        author: "keys", reason: "because")))
        }
        commands.append(
            .change(ChangeRequest(change: .mergeSubject(id, from: visitor), author: "keys")))
        aliases[id, default: []].append(visitor)
        return Visit(visitor: visitor, into: id, commands: commands)
    }

    /// Nobody is called by a visitor's key who was never there.
    mutating func forget(_ visit: Visit) {
        aliases[visit.into]?.removeAll { $0 == visit.visitor }
    }

    private static func id(_ visit: Int, _ number: Int) -> EventID {
        .text("visit \(visit).\(number)")
    }

    private mutating func named(_ name: String, _ units: ClosedRange<Int64>) -> NamedQuantity {
        NamedQuantity(
            name: .named(name), quantity: Quantity(Int64.random(in: units, using: &random)))
    }

    /// Of no gauge, whose readings cannot be merged.
    private mutating func event(of visitor: SubjectID, _ number: Int, at now: Instant) -> UsageEvent
    {
        let late = Int64.random(in: 0...200_000_000, using: &random)
        let names = ["prompts", "ask", "peak", "tok", "gpt"]
        let name = names.randomElement(using: &random) ?? "prompts"
        return UsageEvent(
            id: Self.id(visits, number), subject: visitor,
            occurredAt: percent(50) ? now.advanced(byMilliseconds: -late) : nil,
            quantities: Quantities([named(name, 0...30)]),
            details: percent(40)
                ? EventDetails(
                    type: "chat", session: "s1",
                    dimensions: [Dimension(name: "model", value: percent(50) ? "gpt" : "claude")],
                    levels: percent(20) ? [World.teams[0]] : []) : nil)
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

/// What a visitor does before it is known who that is.
struct Visit {
    let visitor: SubjectID
    let into: SubjectID
    let commands: [Command]
}

extension Model {
    /// The visitor's events are the subject's, as they were recorded.
    ///
    /// - Returns: whether there was a visitor: of somebody whom nothing is recorded of, nothing is known.
    mutating func take(_ visit: Visit, at now: Instant) -> Bool {
        let outcomes = visit.commands.dropLast().map { perform($0, at: now) }
        guard outcomes.contains(where: { $0 == "created" || $0.hasPrefix("counted") }) else {
            return false
        }
        _ = expireDue(visit.into, at: now)
        wallets[visit.into] = wallet(visit.into, at: now)
        for event in events where event.event.subject == visit.visitor {
            var moved = event
            moved.event.subject = visit.into
            moved.told.subject = visit.into
            events.append(moved)
        }
        for index in events.indices
        where events[index].event.subject == visit.visitor && !events[index].isVoided {
            events[index].isVoided = true
            events[index].corrections.append(
                CorrectionNote(
                    kind: .void, author: "keys", reason: "merged into \(visit.into)",
                    recordedAt: now))
        }
        wallets[visit.visitor] = nil
        return true
    }
}
