import MeterstoneCore
import MeterstoneStore
import Testing

/// What comes back from a journal is what was decided.
@Suite struct ReplayTests {
    private static let ada = SubjectID(unchecked: "ada")
    private static let pro = PlanKey(unchecked: "pro")
    private static let prompts = MeterKey(unchecked: "prompts")

    private static func workingSet() -> WorkingSet {
        var options = StoreOptions()
        options.zoneRules = { name in
            switch name {
            case "UTC": .utc
            case "Late": ZoneRules(name: name, initialOffsetSeconds: 3_600, transitions: [])
            default: nil
            }
        }
        return WorkingSet(
            options: options, source: CountingTables(),
            catalog: Catalog(Blueprint(), Registry(), options), nextSequence: 1, nextSubject: 1,
            eventIDs: EventIDGenerator(seed: 1))
    }

    /// Carries commands out, each in a batch of its own, and again from the journal.
    private static func replayed(
        _ commands: [Command]
    ) throws -> (live: WorkingSet, again: WorkingSet) {
        let (live, again) = (workingSet(), workingSet())
        var now = Instant(millisecondsSince1970: 1_800_000_000_000)
        for command in commands {
            now = now.advanced(byMilliseconds: 1_000)
            _ = try live.perform(command, at: now)
            guard live.hasFacts else { continue }
            let batch = live.seal()
            live.append(batch)
            try again.replay(try JournalBatch(reading: batch.bytes))
        }
        return (live, again)
    }

    private static func change(_ change: Change) -> Command {
        .change(ChangeRequest(change: change, author: "test"))
    }

    @Test func `what is said first of a subject is said of all before`() throws {
        let (live, again) = try Self.replayed([
            Self.change(.putPlan(Plan(key: Self.pro))),
            Self.change(
                .putSubject(
                    Subject(id: Self.ada, parent: SubjectID(unchecked: "team"), plan: Self.pro))),
        ])
        #expect(live.subjects[Self.ada]?.past.isEmpty == true)
        #expect(again.subjects[Self.ada]?.past.isEmpty == true)
    }

    @Test func `what is said after a subject was there holds from then on`() throws {
        let (live, again) = try Self.replayed([
            Self.change(.putMeter(Meter(key: Self.prompts))),
            Self.change(.putPlan(Plan(key: Self.pro))),
            .record(
                UsageEvent(subject: Self.ada, quantities: .one(Self.prompts, Quantity(1)))),
            Self.change(.putSubject(Subject(id: Self.ada, plan: Self.pro))),
        ])
        #expect(live.subjects[Self.ada]?.past.isEmpty == false)
        #expect(again.subjects[Self.ada]?.past == live.subjects[Self.ada]?.past)
        #expect(again.waitingCounters == live.waitingCounters)
    }

    /// As an earlier version wrote it: a change of zone said nothing of the zones before.
    private static func old(_ batch: JournalBatch) throws -> JournalBatch {
        var builder = JournalBatchBuilder(firstSequence: batch.firstSequence)
        for fact in IteratorSequence(batch.facts) {
            var body = Array(fact.body)
            if fact.kind == .change {
                let text = String(decoding: body.dropFirst(), as: UTF8.self)
                    .replacing(/"formerZones":\[[^\]]*\],/, with: "")
                body = Array(body.prefix(1)) + Array(text.utf8)
            }
            _ = builder.append(subject: fact.subject) { $0.append(body) }
        }
        return builder.sealed()
    }

    @Test(arguments: [true, false])
    func `a change of zone means what it meant when it was written`(isOld: Bool) throws {
        let (live, again) = (Self.workingSet(), Self.workingSet())
        // 23:30 of 15 January 2027; in the other zone it is the 16th.
        let now = Instant(millisecondsSince1970: 1_800_055_800_000)
        let midnight = Instant(millisecondsSince1970: 1_800_057_600_000)
        let commands = [
            Self.change(.putMeter(Meter(key: Self.prompts))),
            .record(UsageEvent(subject: Self.ada, quantities: .one(Self.prompts, Quantity(1)))),
            Self.change(.putSubject(Subject(id: Self.ada, timeZone: "Late"))),
        ]
        for command in commands {
            _ = try live.perform(command, at: now)
            let batch = live.seal()
            live.append(batch)
            try again.replay(isOld ? Self.old(batch) : batch)
        }
        let state = try #require(again.subjects[Self.ada])
        #expect(
            state.profile.formerZones
                == (isOld ? [] : [FormerZone(timeZone: nil, until: midnight)]))
        let day = try #require(
            again.registry.number(of: Meter(key: Self.prompts).standingSeries(.day)))
        let from = again.waitingCounters.filter { $0.key.series == day && $0.value != .empty }
            .keys.map(\.from)
        let hour: Int64 = 3_600_000
        #expect(from == [midnight.advanced(byMilliseconds: isOld ? -hour : -24 * hour)])
        if !isOld { #expect(again.waitingCounters == live.waitingCounters) }
    }
}
