import MeterstoneCore
import MeterstoneStore
import Testing

/// What commands cost the committer: it must not grow with what a subject did before.
@Suite struct CommitCostTests {
    private static let ada = SubjectID(unchecked: "ada")
    private static let prompts = MeterKey(unchecked: "prompts")
    private static let pro = PlanKey(unchecked: "pro")
    private static let noon = Instant(millisecondsSince1970: 1_800_000_000_000)
    private static let day: Int64 = 86_400_000

    /// A subject of so many events on the day, and so many days before with one each; all of it is
    /// projected.
    private struct Bench {
        let tables = CountingTables()
        private(set) var workingSet: WorkingSet
        var now = noon

        init(
            events: Int, days: Int = 0, limits: [Limit] = [], options: StoreOptions = .withZones
        ) throws {
            workingSet = WorkingSet(
                options: options, source: tables,
                catalog: Catalog(Blueprint(), Registry(), options), nextSequence: 1,
                nextSubject: 1, eventIDs: EventIDGenerator(seed: 1))
            try change(.putMeter(Meter(key: prompts)))
            try change(.putPlan(Plan(key: pro)))
            for limit in limits { try change(.putLimit(limit)) }
            let past = (0..<days).map { event(-$0 - 1, at: noon, daysBefore: Int64($0) + 1) }
            let today = (0..<events).map { event($0, at: noon, daysBefore: 0) }
            for event in past + today { try commit(.record(event)) }
            try project()
        }

        private func event(_ number: Int, at instant: Instant, daysBefore days: Int64) -> UsageEvent
        {
            UsageEvent(
                id: .text("e\(number)"), subject: ada,
                occurredAt: instant.advanced(byMilliseconds: -days * day + Int64(number)),
                quantities: .one(prompts, Quantity(1)))
        }

        @discardableResult
        mutating func commit(_ command: Command) throws -> Outcome {
            now = now.advanced(byMilliseconds: 1)
            let outcome = try workingSet.perform(command, at: now)
            if workingSet.hasFacts { workingSet.append(workingSet.seal()) }
            return outcome
        }

        mutating func change(_ change: Change) throws {
            let outcome = try commit(.change(ChangeRequest(change: change, author: "test")))
            guard case .changed(.rejected(let why), _, _) = outcome else { return }
            Issue.record("\(why)")
        }

        /// Puts everything into the tables, and begins anew with nothing in memory.
        mutating func project() throws {
            try tables.project(workingSet)
            workingSet = WorkingSet(
                options: workingSet.options, source: tables, catalog: workingSet.catalog,
                nextSequence: workingSet.head + 1, nextSubject: workingSet.nextSubject,
                eventIDs: workingSet.eventIDs, zones: workingSet.zones)
            tables.reset()
        }

        /// Facts that a command reads.
        mutating func facts(_ command: Command) throws -> Int {
            tables.reset()
            try commit(command)
            return tables.factsRead
        }

        func used(_ from: String) throws -> Int64? {
            guard case .limits(let limits) = try workingSet.look(.limits(ada), at: now) else {
                return nil
            }
            return limits.first { $0.limit.text == from }?.used.units
        }
    }

    private static func limit(_ window: Window, _ key: String = "limit") -> Limit {
        Limit(
            key: LimitKey(unchecked: key), meter: prompts, window: window,
            defaultAllowance: .units(Quantity(1_000_000)))
    }

    private static func event(_ number: Int) -> UsageEvent {
        UsageEvent(
            id: .text("e\(number)"), subject: ada,
            occurredAt: noon.advanced(byMilliseconds: Int64(number)),
            quantities: .one(prompts, Quantity(1)))
    }

    private static func subscription(startsAt: Instant) -> Change {
        .putSubscription(ada, Subscription(plan: pro, startsAt: startsAt))
    }

    @Test(arguments: [50, 500])
    func `a repeat, a void and a repeated void read one event`(events: Int) throws {
        var bench = try Bench(events: events)
        #expect(try bench.facts(.record(Self.event(7))) == 1)
        let void = Correction(eventID: .text("e7"), kind: .void, author: "a", reason: "b")
        #expect(try bench.facts(.correct(void)) == 1)
        try bench.project()
        // The event, and what took it back.
        #expect(try bench.facts(.correct(void)) == 2)
        #expect(try bench.facts(.record(Self.event(7))) == 2)
    }

    @Test(arguments: [50, 500])
    func `a void and an amend under a limit that rolls read one event`(events: Int) throws {
        var bench = try Bench(events: events, limits: [Self.limit(.rolling(seconds: 3_600))])
        func void(_ id: String) -> Command {
            .correct(Correction(eventID: .text(id), kind: .void, author: "a", reason: "b"))
        }
        let five = Correction.Kind.amend(.one(Self.prompts, Quantity(5)), nil)
        // The window is added up once, when somebody asks about it first.
        #expect(try bench.used("limit") == Int64(events))
        #expect(try bench.facts(void("e7")) == 1)
        #expect(
            try bench.facts(
                .correct(
                    Correction(eventID: .text("e8"), kind: five, author: "a", reason: "b"))) == 1)
        #expect(try bench.used("limit") == Int64(events + 3))
        try bench.project()
        // Nor is it added up for a correction, when nobody has asked.
        #expect(try bench.facts(void("e9")) == 1)
        #expect(try bench.used("limit") == Int64(events + 2))
    }

    @Test(arguments: [50, 500])
    func `a settle under a limit that rolls reads one event`(events: Int) throws {
        var bench = try Bench(events: events, limits: [Self.limit(.rolling(seconds: 3_600))])
        #expect(try bench.used("limit") == Int64(events))
        var event = Self.event(events)
        event.occurredAt = nil
        event.quantities = .one(Self.prompts, Quantity(9))
        try bench.commit(.reserve(event, ReservationTerms()))
        try bench.project()
        bench.now = bench.now.advanced(byMilliseconds: 540_000)
        #expect(try bench.used("limit") == Int64(events + 9))
        let settle = ReservationClosing(
            id: .text("e\(events)"), end: .settle(.one(Self.prompts, Quantity(2))))
        bench.tables.reset()
        guard case .reservation(.done(let answer)) = try bench.commit(.close(settle)) else {
            Issue.record("the reservation was not settled")
            return
        }
        #expect(answer.limits.first?.used == Quantity(Int64(events + 2)))
        #expect(bench.tables.factsRead == 1)
        #expect(try bench.used("limit") == Int64(events + 2))
    }

    @Test(arguments: [50, 500])
    func `a settle and a repeated settle read one event`(events: Int) throws {
        var bench = try Bench(events: events)
        var event = Self.event(events)
        event.occurredAt = nil
        try bench.commit(.reserve(event, ReservationTerms()))
        try bench.project()
        let settle = ReservationClosing(
            id: .text("e\(events)"), end: .settle(.one(Self.prompts, Quantity(1))))
        #expect(try bench.facts(.close(settle)) == 1)
        try bench.project()
        #expect(try bench.facts(.close(settle)) == 2)
    }

    @Test func `a new limit reads what is in its window`() throws {
        var bench = try Bench(events: 20, days: 400)
        try bench.change(.putLimit(Self.limit(.rolling(seconds: 3_600))))
        bench.tables.reset()
        #expect(try bench.used("limit") == 20)
        #expect(bench.tables.factsRead == 20)
    }

    @Test func `another start of a subscription reads nothing where no month is counted from it`()
        throws
    {
        var bench = try Bench(events: 50, days: 100, limits: [Self.limit(.month)])
        let start = Self.subscription(startsAt: Self.noon.advanced(byMilliseconds: -Self.day))
        #expect(
            try bench.facts(.change(ChangeRequest(change: start, author: "test"))) == 0)
        #expect(bench.tables.countersRead == 0)
    }

    @Test func `billing months are added up from days`() throws {
        var bench = try Bench(events: 50, days: 100, limits: [Self.limit(.billingMonth)])
        // Ten days before, at midnight: ten days of one event each, and the day itself.
        let midnight = Instant(
            millisecondsSince1970: Self.noon.utcDay * Self.day - 10 * Self.day)
        let change = ChangeRequest(change: Self.subscription(startsAt: midnight), author: "test")
        #expect(try bench.facts(.change(change)) == 0)
        #expect(bench.tables.countersRead <= 101)
        #expect(try bench.used("limit") == 60)
        // At noon, a day belongs to two months. Of three such days the events are read.
        let noon = Self.subscription(
            startsAt: Self.noon.advanced(byMilliseconds: -10 * Self.day + 1))
        try bench.project()
        let facts = try bench.facts(.change(ChangeRequest(change: noon, author: "test")))
        #expect((3...8).contains(facts))
        #expect(try bench.used("limit") == 59)
    }

    @Test func `a zone by another name, or another zone, reads nothing of what was`() throws {
        var bench = try Bench(events: 50, days: 100, limits: [Self.limit(.day)])
        func zone(_ name: String) -> Command {
            .change(
                ChangeRequest(
                    change: .putSubject(Subject(id: Self.ada, timeZone: name)), author: "test"))
        }
        #expect(try bench.facts(zone("Zulu")) == 0)
        #expect(try bench.used("limit") == 50)
        #expect(try bench.facts(zone("Late")) == 0)
        #expect(try bench.used("limit") == 50)
    }

    @Test func `a sweep writes a bounded number of what has expired`() throws {
        var bench = try Bench(events: 1)
        for number in 0..<600 {
            var event = Self.event(1_000 + number)
            event.occurredAt = nil
            try bench.commit(.reserve(event, ReservationTerms(milliseconds: 1_000)))
        }
        bench.now = bench.now.advanced(byMilliseconds: 10_000)
        var counts: [Int] = []
        for _ in 0..<4 {
            guard case .expired(let count) = try bench.commit(.expire(Self.ada)) else { continue }
            counts.append(count)
        }
        #expect(counts == [256, 256, 88, 0])
    }

    @Test func `subjects leave memory a few at a time, until there are as many as may stay`() throws
    {
        var options = StoreOptions.withZones
        options.cachedSubjectsMax = 100
        var bench = try Bench(events: 1, options: options)
        for number in 0..<2_500 {
            var event = Self.event(1_000 + number)
            event.subject = SubjectID(unchecked: "subject\(number)")
            try bench.commit(.record(event))
        }
        let workingSet = bench.workingSet
        workingSet.evict()
        #expect(workingSet.subjects.count == 2_500)
        try bench.tables.project(workingSet)
        for state in workingSet.subjects.values {
            for counter in state.current where counter.isDirty {
                _ = state.takeDirtyCounter(series: counter.series, from: counter.span.from)
            }
        }
        workingSet.didProject(through: workingSet.head)
        var counts = [workingSet.subjects.count]
        while let last = counts.last, last > 100, counts.count < 1_000 {
            workingSet.evict()
            counts.append(workingSet.subjects.count)
        }
        #expect(counts.last == 100)
        #expect(zip(counts, counts.dropFirst()).allSatisfy { $0 - $1 <= 256 })
        #expect(counts.count > 9)
    }
}

extension StoreOptions {
    fileprivate static var withZones: StoreOptions {
        var options = StoreOptions()
        options.zoneRules = { name in
            switch name {
            case "UTC", "Zulu": ZoneRules(name: name, initialOffsetSeconds: 0, transitions: [])
            case "Late": ZoneRules(name: name, initialOffsetSeconds: 3_600, transitions: [])
            default: nil
            }
        }
        return options
    }
}
