import Meterstone
import MeterstoneCore
import MeterstoneMirror
import MeterstoneStore
import MeterstoneTesting
import Testing

/// That the mirror has each fact once, as it stands now, whatever happens to it in between.
@Suite struct MirrorFollowerTests {
    private static let prompts = Meter(key: MeterKey(unchecked: "prompts"))
    private static let ada = SubjectID(unchecked: "ada")

    private static let sums = """
        SELECT subject, day, quantity FROM usage_by_day ORDER BY subject, day
        """

    private func meters(_ meters: [Meter]) -> Blueprint {
        Blueprint(meters: meters, plans: [], limits: [])
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `a fact that is told is in the mirror after its next page`(
        mirror: MirrorUnderTest
    )
        async throws
    {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            try await scene.use("ada", nil, ["prompts": 2])
            #expect(try await scene.ask(Self.sums) == ["ada|2026-04-02|2"])
            try await scene.use("ada", nil, ["prompts": 3])
            // As fresh as the last page, and no fresher.
            #expect(try scene.stale(Self.sums) == ["ada|2026-04-02|2"])
            let progress = try await scene.step()
            #expect(progress.facts == 1 && progress.isAtEnd)
            #expect(try scene.stale(Self.sums) == ["ada|2026-04-02|5"])
            let state = try scene.stale("SELECT watermark, updated_at FROM mirror_state")
            #expect(state == ["\(progress.watermark)|2026-04-02 12:00:00"])
            // Nothing is written where nothing is new.
            #expect(try await scene.catchUp().facts == 0)
        }
    }

    @Test(arguments: MirrorUnderTest.allCases, [1, 2, 3, 5])
    func `a mirror that is stopped after any page goes on there`(
        mirror: MirrorUnderTest, pages: Int
    ) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            for number in 0..<40 {
                try await scene.use(
                    number.isMultiple(of: 3) ? "ada" : "bob", nil, ["prompts": 1],
                    at: "2026-04-0\(1 + number % 2)T10:00:00Z", id: "e\(number)")
            }
            _ = try await scene.engine.correct(
                Correction(
                    eventID: try #require(EventID("e3")), kind: .void, author: "eve",
                    reason: "twice"))
            for _ in 0..<pages { _ = try await scene.step() }
            await scene.restart()
            let expected = [
                "ada|2026-04-01|7", "ada|2026-04-02|6", "bob|2026-04-01|13", "bob|2026-04-02|13",
            ]
            #expect(try await scene.ask(Self.sums) == expected)
            #expect(try scene.stale("SELECT COUNT(*), COUNT(DISTINCT id) FROM events") == ["40|40"])
            await scene.restart(startsOver: true, factsPerPage: 3)
            #expect(try await scene.ask(Self.sums) == expected)
        }
    }

    @Test(arguments: MirrorUnderTest.allCases, [-3, -2, -1, 1] as [Int64])
    func `a mirror of another form is made anew`(
        mirror: MirrorUnderTest, distance: Int64
    ) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            try await scene.use("ada", nil, ["prompts": 2])
            try await scene.catchUp()
            let database = try scene.location.open(isReadOnly: false)
            // A table that the other form had, without what is written since.
            try database.execute("UPDATE mirror_state SET version = version + \(distance)")
            try database.execute("DELETE FROM events")
            database.close()
            try await scene.use("ada", nil, ["prompts": 3])
            await scene.restart()
            #expect(try await scene.ask(Self.sums) == ["ada|2026-04-02|5"])
            #expect(try scene.stale("SELECT COUNT(*) FROM events") == ["2"])
            let version = try scene.stale("SELECT version FROM mirror_state")
            #expect(version == ["\(MirrorWriter.version)"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `corrections show as such and in the sums`(mirror: MirrorUnderTest) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            for id in ["e1", "e2", "e3"] {
                try await scene.use("ada", nil, ["prompts": 5], id: id)
            }
            try await scene.catchUp()
            scene.clock.advance(bySeconds: 60)
            _ = try await scene.engine.correct(
                Correction(
                    eventID: try #require(EventID("e1")), kind: .void, author: "eve",
                    reason: "twice"))
            _ = try await scene.engine.correct(
                Correction(
                    eventID: try #require(EventID("e2")),
                    kind: .amend(.one(Self.prompts.key, 2), nil), author: "eve",
                    reason: "misread"))
            #expect(try await scene.ask(Self.sums) == ["ada|2026-04-02|7"])
            #expect(
                try scene.stale(
                    """
                    SELECT event_id, kind, author, reason, quantities_before, quantities_after
                    FROM corrections ORDER BY sequence
                    """) == [
                        #"e1|void|eve|twice|{"prompts":5}|"#,
                        #"e2|amend|eve|misread|{"prompts":5}|{"prompts":2}"#,
                    ])
            #expect(
                try scene.stale(
                    """
                    SELECT id, quantities, counts, voided, corrected_by, corrected_at FROM events
                    ORDER BY id
                    """) == [
                        #"e1|{"prompts":5}|0|1|eve|2026-04-02 12:01:00"#,
                        #"e2|{"prompts":2}|1|0|eve|2026-04-02 12:01:00"#,
                        #"e3|{"prompts":5}|1|0||"#,
                    ])
            #expect(try scene.stale("SELECT id FROM usage_events ORDER BY id").count == 2)
        }
    }

    /// A reservation that failed and counts all the same. Counting anew reads the mirror's own rows.
    @Test(arguments: MirrorUnderTest.allCases)
    func `what failed and counts does so after its meter has changed, too`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            let id = try #require(EventID("r1"))
            _ = try await scene.engine.reserve(
                UsageEvent(id: id, subject: Self.ada, quantities: .one(Self.prompts.key, 3)),
                ReservationTerms(onAbort: .reserved))
            _ = try await scene.engine.settle(id, details: EventDetails(status: .failed))
            try await scene.use("ada", nil, ["prompts": 2], id: "e1")
            #expect(try await scene.ask(Self.sums) == ["ada|2026-04-02|5"])
            var meter = Self.prompts
            meter.dimensions = ["model": ["gpt"]]
            try await scene.change(.putMeter(meter))
            #expect(try await scene.ask(Self.sums) == [])
            try await scene.change(.putMeter(Self.prompts))
            #expect(try await scene.ask(Self.sums) == ["ada|2026-04-02|5"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `usage stays on its day under another zone and stands under another key`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            try await scene.use("ada", nil, ["prompts": 1], at: "2026-04-01T23:30:00Z")
            try await scene.use("bob", nil, ["prompts": 4], at: "2026-04-01T23:30:00Z")
            try await scene.catchUp()
            try await scene.change(.putSubject(Subject(id: Self.ada, timeZone: "Asia/Tokyo")))
            #expect(
                try await scene.ask(Self.sums) == ["ada|2026-04-01|1", "bob|2026-04-01|4"])
            // Tokyo takes over at midnight in UTC, and its 3rd ends at 15:00.
            try await scene.use("ada", nil, ["prompts": 16], at: "2026-04-03T00:00:00Z")
            scene.clock.set(.at("2026-04-03T16:00:00Z"))
            try await scene.use("ada", nil, ["prompts": 32], at: "2026-04-03T15:00:00Z")
            #expect(
                try await scene.ask(Self.sums)
                    == [
                        "ada|2026-04-01|1", "ada|2026-04-03|16", "ada|2026-04-04|32",
                        "bob|2026-04-01|4",
                    ])
            let days = """
                SELECT d.day, d.starts_at FROM days d JOIN subjects s ON s.calendar = d.zone
                WHERE s.id = 'ada' ORDER BY d.day
                """
            #expect(
                try await scene.ask(days)
                    == [
                        "2026-04-01|2026-04-01 00:00:00", "2026-04-03|2026-04-03 00:00:00",
                        "2026-04-04|2026-04-03 15:00:00",
                    ])
            let key = SubjectID(unchecked: "ada@example.org")
            try await scene.change(.renameSubject(Self.ada, to: key))
            // The old key means the same subject.
            try await scene.use("ada", nil, ["prompts": 8], at: "2026-04-01T23:30:00Z")
            #expect(
                try await scene.ask(Self.sums)
                    == [
                        "ada@example.org|2026-04-01|9", "ada@example.org|2026-04-03|16",
                        "ada@example.org|2026-04-04|32", "bob|2026-04-01|4",
                    ])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `of who is erased only numbers are left`(
        mirror: MirrorUnderTest
    ) async throws {
        // Whether the mirror knew the person before, or learns everything at once.
        for knowsBefore in [true, false] {
            try await mirror.with { scene in try await eraseAda(scene, knowsBefore: knowsBefore) }
        }
    }

    private func eraseAda(_ scene: MirrorScene, knowsBefore: Bool) async throws {
        try await scene.apply(meters([Self.prompts]))
        let mail = EmailAddress(unchecked: "ada@example.org")
        try await scene.change(
            .putSubject(Subject(id: Self.ada, name: "Ada L.", metadata: ["town": "London"])))
        try await scene.change(.putAccount(Self.ada, PersonAccount(email: mail)))
        try await scene.use("bob", nil, ["prompts": 4], at: "2026-04-01T12:00:00Z", id: "bob-1")
        try await scene.use("ada", nil, ["prompts": 8], at: "2026-04-01T12:00:00Z", id: "ada-1")
        if knowsBefore { _ = try await scene.ask("SELECT 1") }
        let key = SubjectID(unchecked: "erased-1")
        try await scene.change(.eraseSubject(Self.ada, Erasure(key: key)))
        if knowsBefore {
            // The fact that the mirror took last has another id then, and is the same.
            _ = try await scene.engine.compact()
            await scene.restart()
        }
        #expect(
            try await scene.ask(Self.sums)
                == ["bob|2026-04-01|4", "erased-1|2026-04-01|8"])
        for table in MirrorTables.all.map(\.name) {
            let rows = try await scene.ask("SELECT * FROM \(table)").joined(separator: "\n")
            for text in ["ada", "Ada L.", "London", "ada@example.org"] {
                #expect(!rows.contains(text), "\(table)")
            }
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `what was merged is no subject, and counts once for the one that stays`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            let (anon, team) = (SubjectID(unchecked: "anon"), SubjectID(unchecked: "team"))
            try await scene.change(.putSubject(Subject(id: anon, parent: team)))
            try await scene.use("anon", nil, ["prompts": 5], at: "2026-04-01T10:00:00Z", id: "a")
            try await scene.use("ada", nil, ["prompts": 2], at: "2026-04-01T11:00:00Z", id: "b")
            try await scene.catchUp()
            try await scene.change(.mergeSubject(Self.ada, from: anon))
            #expect(
                try await scene.ask(Self.sums) == ["ada|2026-04-01|7", "team|2026-04-01|5"])
            #expect(
                try await scene.ask("SELECT id FROM subjects ORDER BY id") == ["ada", "team"])
            #expect(
                try await scene.ask("SELECT subject, id, voided FROM events ORDER BY sequence")
                    .count
                    == 3)
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `a meter that is defined later counts what was before`(
        mirror: MirrorUnderTest
    )
        async throws
    {
        try await mirror.with { scene in
            let seconds = Meter(key: MeterKey(unchecked: "seconds"))
            try await scene.apply(meters([Self.prompts, seconds]))
            try await scene.change(
                .putSubject(Subject(id: Self.ada, parent: SubjectID(unchecked: "team"))))
            for number in 0..<20 {
                try await scene.use(
                    "ada", number.isMultiple(of: 2) ? "chat" : "call",
                    ["prompts": 1, "seconds": Int64(number)], subtype: "s\(number)")
            }
            try await scene.catchUp()
            var calls = Meter(key: MeterKey(unchecked: "calls"), eventTypes: ["call"])
            calls.aggregation = .count
            let longest = Meter(
                key: MeterKey(unchecked: "longest"), aggregation: .max,
                quantityName: MeterKey(unchecked: "seconds"))
            try await scene.apply(meters([calls, longest]))
            let sums = """
                SELECT subject, meter, quantity FROM usage_lifetime
                WHERE meter IN ('calls', 'longest') ORDER BY meter, subject
                """
            #expect(
                try await scene.ask(sums) == [
                    "ada|calls|10", "team|calls|10", "ada|longest|19", "team|longest|19",
                ])
            try await scene.change(.deleteMeter(longest.key))
            try await scene.use("ada", "call")
            #expect(try await scene.ask(sums) == ["ada|calls|11", "team|calls|11"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `a mirror of another store is refused, and made anew when told to`(
        mirror: MirrorUnderTest
    ) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            try await scene.use("ada", nil, ["prompts": 2])
            try await scene.catchUp()
            let clock = scene.clock
            let other = MeterstoneEngine(store: MemoryStore(), clock: { clock.now })
            _ = try await other.apply(meters([Self.prompts]), author: "test")
            for startsOver in [false, true] {
                let follower = MirrorFollower(
                    other, to: scene.location, startsOver: startsOver,
                    clock: { clock.now })
                if startsOver {
                    _ = try await follower.catchUp()
                } else {
                    let error = await #expect(throws: StoreError.self) {
                        _ = try await follower.catchUp()
                    }
                    #expect(error?.code == .misuse)
                    #expect(error?.message.contains("--start-over") == true)
                }
                await follower.close()
            }
            await other.shutdown()
            #expect(try scene.stale("SELECT COUNT(*) FROM events") == ["0"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `whoever asks cannot write`(mirror: MirrorUnderTest) async throws {
        try await mirror.with { scene in
            try await scene.apply(meters([Self.prompts]))
            try await scene.use("ada", nil, ["prompts": 2])
            try await scene.catchUp()
            for sql in [
                "DELETE FROM events", "UPDATE usage SET quantity = 9", "DROP TABLE usage",
                "CREATE TABLE mine (id integer)",
            ] {
                #expect(throws: StoreError.self, "\(sql)") { _ = try scene.stale(sql) }
            }
            #expect(try scene.stale(Self.sums) == ["ada|2026-04-02|2"])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `limits are listed for those whom they are for`(mirror: MirrorUnderTest) async throws {
        try await mirror.with { scene in
            func limit(_ key: String, _ subjects: [String]) -> Limit {
                Limit(
                    key: LimitKey(unchecked: key), meter: Self.prompts.key, window: .day,
                    defaultAllowance: .units(5), subjects: subjects)
            }
            try await scene.apply(
                Blueprint(
                    meters: [Self.prompts],
                    limits: [
                        limit("all", []), limit("others", ["!ses_[1]/*"]),
                        limit("sessions", ["ses_[1]/*", "100%", "!*/x"]),
                    ]))
            for subject in ["ada", "ses_[1]/a", "ses_[1]/x", "sesX1/a", "100%", "100"] {
                try await scene.use(subject, nil, ["prompts": 1])
            }
            try await scene.change(
                .putOverride(Self.ada, LimitKey(unchecked: "sessions"), .units(7)))
            let rows = try await scene.ask(
                """
                SELECT limit_key, subject, allowance FROM subject_limits
                WHERE limit_key <> 'all' ORDER BY limit_key, allowance, subject
                """)
            #expect(
                Set(rows) == [
                    "others|100|5", "others|100%|5", "others|ada|5", "others|sesX1/a|5",
                    "sessions|100%|5", "sessions|ses_[1]/a|5", "sessions|ada|7",
                ])
        }
    }

    @Test(arguments: MirrorUnderTest.allCases)
    func `subjects, plans, limits and changes are rows`(mirror: MirrorUnderTest) async throws {
        try await mirror.with { scene in
            let free = PlanKey(unchecked: "free")
            try await scene.apply(
                Blueprint(
                    meters: [Self.prompts],
                    plans: [
                        Plan(key: free, isDefault: true),
                        Plan(
                            key: PlanKey(unchecked: "pro"), rank: 1,
                            price: Money(millionths: 9_990_000)),
                    ],
                    limits: [
                        Limit(
                            key: LimitKey(unchecked: "prompts_daily"), meter: Self.prompts.key,
                            window: .day,
                            allowances: [free: .units(10), PlanKey(unchecked: "pro"): .unlimited])
                    ]))
            try await scene.change(
                .putSubject(Subject(id: Self.ada, parent: SubjectID(unchecked: "team"))))
            try await scene.change(
                .putSubject(
                    Subject(id: SubjectID(unchecked: "team"), plan: PlanKey(unchecked: "pro"))))
            try await scene.change(
                .putOverride(Self.ada, LimitKey(unchecked: "prompts_daily"), .units(7)))
            try await scene.use("bob", nil, ["prompts": 1])
            #expect(
                try await scene.ask(
                    """
                    SELECT subject, plan, allowance FROM subject_limits
                    WHERE limit_key = 'prompts_daily' ORDER BY subject
                    """) == ["ada|pro|7", "bob|free|10", "team|pro|-1"])
            #expect(
                try scene.stale("SELECT key, price_millionths, is_default FROM plans ORDER BY key")
                    == ["free||1", "pro|9990000|0"])
            #expect(
                try scene.stale(
                    """
                    SELECT author, kind, key FROM changes
                    WHERE kind IN ('override', 'subject') ORDER BY sequence
                    """) == [
                        "test|subject|ada", "test|subject|team",
                        "test|override|ada/prompts_daily",
                    ])
        }
    }
}
