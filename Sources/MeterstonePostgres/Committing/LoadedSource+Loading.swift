import MeterstoneCore
import MeterstoneStore

/// Answers the questions of a pass in one round trip, and a second one for the events that teams' rows
/// point to.
extension LoadedSource {
    func answer(
        _ questions: Questions, _ connection: Connection, _ profiles: ProfileCache,
        historyMilliseconds: Int64
    ) throws {
        guard !questions.isEmpty else { return }
        var pending: [(Query, (Rows) throws -> Void)] = []
        if !questions.subjects.isEmpty {
            pending.append(subjectsByID(questions.subjects, profiles))
        }
        if !questions.subjectNumbers.isEmpty {
            pending.append(subjectsByNumber(questions.subjectNumbers, profiles))
        }
        if !questions.counters.isEmpty { pending.append(counters(questions.counters)) }
        if !questions.bodies.isEmpty { pending.append(bodies(questions.bodies)) }
        if !questions.identities.isEmpty {
            pending.append(
                (
                    Query(UsageEventStatements.byIdentity)
                        .binding(BytesColumn(questions.identities)),
                    { self.load($0, identities: questions.identities) }
                ))
        }
        if !questions.corrections.isEmpty {
            pending.append(corrections(Array(questions.corrections)))
        }
        for key in questions.series { pending.append(counters(ofSeries: key)) }
        if !questions.receipts.isEmpty { pending.append(receipts(questions.receipts)) }
        if !questions.entries.isEmpty { pending.append(entries(Array(questions.entries))) }
        if questions.areReservationsAsked {
            pending.append(
                (
                    Query(SubjectStatements.due).binding(Instant.latest.millisecondsSince1970)
                        .binding(Int64.max),
                    { rows in
                        self.load(
                            reserving: (0..<rows.count).map {
                                SubjectID(unchecked: rows.text($0, 0))
                            })
                    }
                ))
        }
        var pointers: Set<EventLocation> = []
        let keys = questions.facts.filter { !$0.isWhole }
        if !keys.isEmpty {
            let keys = Array(keys)
            pending.append(
                (
                    .facts(keys),
                    { rows in
                        pointers.formUnion(
                            try self.loadFacts(rows, keys) { self.load($0, $1) })
                    }
                ))
        }
        if !questions.newer.isEmpty {
            let keys = Array(questions.newer)
            pending.append(
                (
                    .newer(keys),
                    { rows in
                        pointers.formUnion(
                            try self.loadFacts(rows, keys) { self.load($0, $1) })
                    }
                ))
        }
        for (rows, (_, take)) in zip(try connection.run(pending.map(\.0)), pending) {
            try take(rows)
        }
        for key in questions.facts where key.isWhole {
            try loadWhole(key, connection, historyMilliseconds)
        }
        guard !pointers.isEmpty else { return }
        let (query, take) = bodies(pointers)
        try take(try connection.run(query))
    }

    /// Returns where the events stand that teams' rows point to.
    private func loadFacts<Key>(
        _ rows: Rows, _ keys: [Key], _ load: ([StoredFact], Key) -> Void
    ) throws -> Set<EventLocation> {
        var pointers: Set<EventLocation> = []
        for (key, facts) in zip(keys, rows.facts(byPlaceOf: keys.count)) {
            for fact in facts {
                if let pointer = try fact.pointer { pointers.insert(pointer) }
            }
            load(facts, key)
        }
        return pointers
    }

    /// Loads everything of a subject in pieces.
    ///
    /// To count it anew takes as long as there are events, during which the transaction is silent. It
    /// may be so for longer than others, whose bounds are for nodes that hang.
    private func loadWhole(
        _ key: FactsKey, _ connection: Connection, _ milliseconds: Int64
    ) throws {
        connection.limit = Deadline(milliseconds: milliseconds)
        var rows = try connection.run([
            Query(TransactionStatements.beSilent).binding(String(milliseconds)),
            Query(UsageEventStatements.whole).binding(key.subject)
                .binding(key.days.lowerBound).binding(key.days.upperBound),
            Query(UsageEventStatements.fetchWhole),
        ])[2]
        var facts: [StoredFact] = []
        while rows.count > 0 {
            var pointers: Set<EventLocation> = []
            for row in 0..<rows.count {
                let fact = StoredFact(sequence: rows.int(row, 0), body: rows.bytes(row, 1))
                if let pointer = try fact.pointer { pointers.insert(pointer) }
                facts.append(fact)
            }
            if !pointers.isEmpty {
                let (query, take) = bodies(pointers)
                try take(try connection.run(query))
            }
            rows = try connection.run(Query(UsageEventStatements.fetchWhole))
        }
        _ = try connection.run(Query(UsageEventStatements.closeWhole))
        load(facts, key)
    }

    private func corrections(_ events: [EventLocation]) -> (Query, (Rows) throws -> Void) {
        (
            .corrections(of: events),
            { rows in
                for (event, facts) in zip(events, rows.facts(byPlaceOf: events.count)) {
                    self.load(facts, of: event)
                }
            }
        )
    }

    private func counters(ofSeries key: SeriesKey) -> (Query, (Rows) throws -> Void) {
        (
            Query(CounterStatements.ofSeries).binding(key.subject).binding(Int64(key.series)),
            { rows in
                var counters: [CounterKey: StoredCounter] = [:]
                for row in 0..<rows.count {
                    counters[CounterKey(rows, row)] = try StoredCounter(rows, row)
                }
                self.load(counters, key)
            }
        )
    }

    private func subjectsByID(
        _ ids: Set<SubjectID>, _ profiles: ProfileCache
    ) -> (Query, (Rows) throws -> Void) {
        let query = Query(SubjectStatements.withAncestors)
            .binding(TextColumn(ids.map(\.text).sorted()))
        return (
            query,
            { rows in
                for id in ids { self.load(nil, id: id) }
                try self.loadSubjects(rows, profiles)
            }
        )
    }

    private func subjectsByNumber(
        _ numbers: Set<Int64>, _ profiles: ProfileCache
    ) -> (Query, (Rows) throws -> Void) {
        (
            Query(SubjectStatements.byNumber).binding(IntColumn(numbers.sorted())),
            { rows in
                guard rows.count == numbers.count else {
                    throw StoreError(code: .corrupt, message: "an event's subject does not exist")
                }
                try self.loadSubjects(rows, profiles)
            }
        )
    }

    private func loadSubjects(_ rows: Rows, _ profiles: ProfileCache) throws {
        for row in 0..<rows.count {
            let subject = try profiles.subject(rows, row)
            load(subject, id: subject.profile.id)
        }
    }

    private func counters(_ keys: Set<CounterKey>) -> (Query, (Rows) throws -> Void) {
        (
            .counters(keys.sorted { ($0.subject, $0) < ($1.subject, $1) }),
            { rows in
                for key in keys { self.load(nil, key) }
                for row in 0..<rows.count {
                    self.load(
                        try StoredCounter(rows, row), CounterKey(rows, row),
                        place: rows.bytes(row, 6))
                }
            }
        )
    }

    private func bodies(_ locations: Set<EventLocation>) -> (Query, (Rows) throws -> Void) {
        (
            .bodies(at: locations),
            { rows in
                for location in locations { self.load(nil, at: location) }
                for row in 0..<rows.count {
                    self.load(rows.bytes(row, 3), at: EventLocation(rows, row))
                }
            }
        )
    }

    /// What was found of events with these identities.
    func load(_ rows: Rows, identities: Set<[UInt8]>) {
        for identity in identities { load(nil, identity: identity) }
        for row in 0..<rows.count {
            let location = EventLocation(
                day: rows.int(row, 2), subject: rows.int(row, 1), sequence: rows.int(row, 3))
            load(location, identity: rows.bytes(row, 0))
            load(rows.isNull(row, 4) ? nil : rows.bytes(row, 4), at: location)
        }
    }

    private func entries(_ keys: [EntriesKey]) -> (Query, (Rows) throws -> Void) {
        (
            .entries(keys),
            { rows in
                for (key, facts) in zip(keys, rows.facts(byPlaceOf: keys.count)) {
                    self.load(facts, key)
                }
            }
        )
    }

    private func receipts(_ keys: Set<String>) -> (Query, (Rows) throws -> Void) {
        (
            Query(ChangeStatements.byIdempotencyKey).binding(TextColumn(keys.sorted())),
            { rows in
                for key in keys { self.load(nil, idempotencyKey: key) }
                for row in 0..<rows.count {
                    let record = try JSONText(text: rows.text(row, 1))
                        .decoded(as: ChangeRecord.self)
                    self.load(ChangeReceiptRecord(record), idempotencyKey: rows.text(row, 0))
                }
            }
        )
    }
}

extension Rows {
    /// Facts by the place, from 1, of what they were asked for with: place, sequence and body.
    fileprivate func facts(byPlaceOf count: Int) -> [[StoredFact]] {
        var found = [[StoredFact]](repeating: [], count: count)
        for row in 0..<self.count {
            found[Int(int(row, 0)) - 1].append(
                StoredFact(sequence: int(row, 1), body: bytes(row, 2)))
        }
        return found
    }
}
