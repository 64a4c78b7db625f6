import MeterstoneCore
import MeterstoneStore
import Testing

/// What comes back from a journal is what was decided.
@Suite struct ReplayTests {
    private static let ada = SubjectID(unchecked: "ada")
    private static let pro = PlanKey(unchecked: "pro")
    private static let prompts = MeterKey(unchecked: "prompts")

    private static func workingSet() -> WorkingSet {
        let options = StoreOptions()
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
}
