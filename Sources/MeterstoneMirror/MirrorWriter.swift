package import MeterstoneCore
package import MeterstoneStore

/// Keeps the tables of a mirror up with the facts of a store. Used by one caller at a time.
///
/// A page of facts is one transaction, and with it the number of its last fact. What is cut off in the middle
/// has not happened, and whoever goes on begins after the last page that is there.
package final class MirrorWriter {
    /// Raised when tables or views change: an older mirror is made anew.
    package static let version: Int64 = 5
    private static let eventsPerStep = 20_000

    let database: any MirrorDatabase
    /// The last fact that the mirror includes.
    package private(set) var watermark: Int64 = 0
    /// What that fact was, in words.
    package private(set) var lastFact: String?
    private var defaultTimeZone: String?
    /// As the tables have it; `nil`: nobody knows.
    private var blueprint: Blueprint?
    private var subjects = WrittenSubjects()
    /// Whether the tables have their indexes, which come when everything is there.
    private var hasIndexes = true

    private var dialect: MirrorDialect { database.dialect }

    /// Makes the tables and views where there are none, or others.
    ///
    /// - Parameters:
    ///   - defaultTimeZone: of subjects that name none; days are cut by it.
    ///   - startsOver: make everything anew.
    package init(
        _ database: any MirrorDatabase, defaultTimeZone: String, startsOver: Bool = false
    ) throws(StoreError) {
        self.database = database
        let state = try Self.state(database)
        if !startsOver, let state, state.version == Self.version,
            state.defaultTimeZone == defaultTimeZone
        {
            (watermark, lastFact) = (state.watermark, state.lastFact)
        } else if state == nil, try !Self.isEmpty(database) {
            throw StoreError(
                code: .misuse,
                message: "expected an empty database or a mirror of Meterstone's; this one has "
                    + "other tables")
        } else {
            try clear(defaultTimeZone)
        }
        self.defaultTimeZone = defaultTimeZone
        hasIndexes = try !database.ask(dialect.indexNamed(MirrorTables.lastIndex)).rows.isEmpty
    }

    private struct State {
        let version: Int64
        let watermark: Int64
        let lastFact: String?
        let defaultTimeZone: String?
    }

    /// `nil`: there is no mirror.
    private static func state(_ database: any MirrorDatabase) throws(StoreError) -> State? {
        guard try !database.ask(database.dialect.tableNamed("mirror_state")).rows.isEmpty else {
            return nil
        }
        let answer = try database.ask(
            "SELECT version, watermark, last_fact, default_time_zone FROM mirror_state")
        guard let row = answer.rows.first, let version = row[0].integer,
            let watermark = row[1].integer
        else { return nil }
        return State(
            version: version, watermark: watermark, lastFact: row[2].text,
            defaultTimeZone: row[3].text)
    }

    private static func isEmpty(_ database: any MirrorDatabase) throws(StoreError) -> Bool {
        for table in MirrorTables.all
        where try !database.ask(database.dialect.tableNamed(table.name)).rows.isEmpty {
            return false
        }
        return true
    }

    /// Drops everything that is the mirror's, and makes it anew.
    private func clear(_ defaultTimeZone: String) throws(StoreError) {
        try database.transaction { () throws(StoreError) in
            for view in MirrorViews.names.reversed() {
                try database.execute("DROP VIEW IF EXISTS \(view)")
            }
            for table in MirrorTables.all {
                try database.execute("DROP TABLE IF EXISTS \(table.name)")
            }
            for table in MirrorTables.all {
                try database.execute(table.creation(dialect))
            }
            for view in MirrorViews.creation(dialect) { try database.execute(view) }
            try database.put([state(0, nil, defaultTimeZone, at: nil)], into: MirrorTables.state)
        }
    }

    private func state(
        _ watermark: Int64, _ lastFact: String?, _ defaultTimeZone: String?, at now: Instant?
    ) -> [MirrorValue] {
        [
            .integer(1), .integer(Self.version), .integer(watermark), MirrorValue(lastFact),
            MirrorValue(defaultTimeZone), now.map { dialect.value($0) } ?? .null,
        ]
    }

    // MARK: A page

    /// Writes a page of facts that come after the watermark.
    package func write(_ page: FactPage, at now: Instant) throws(StoreError) {
        let blueprint = page.catalog.blueprint.settled(at: now)
        let known: Blueprint
        if let blueprint = self.blueprint {
            known = blueprint
        } else {
            known = try knownBlueprint()
        }
        let isChanged = known != blueprint
        let makesIndexes = page.isLast && !hasIndexes
        guard page.count > 0 || isChanged || makesIndexes else { return }
        let last = page.lastSequence ?? watermark
        let lastFact = page.facts.last?.words ?? self.lastFact
        do throws(StoreError) {
            try database.transaction { () throws(StoreError) in
                var rows = PageRows(page, dialect)
                try database.delete(
                    rows.rewritten, ofColumn: "sequence", from: MirrorTables.usage)
                try rows.forEachPart { (events, usage) throws(StoreError) in
                    try database.put(events, into: MirrorTables.events)
                    try database.put(usage, into: MirrorTables.usage)
                }
                try database.put(rows.corrections, into: MirrorTables.corrections)
                try database.put(rows.dayRows, into: MirrorTables.days)
                try database.put(rows.ledger, into: MirrorTables.ledger)
                try database.put(rows.changes, into: MirrorTables.changes)
                let formerKeys = try keys(ofErasedIn: page)
                try write(subjects.changed(page.subjects), page)
                try forget(page, formerKeys)
                if isChanged { try write(blueprint, insteadOf: known, page) }
                try database.put(
                    [state(last, lastFact, defaultTimeZone, at: now)], into: MirrorTables.state)
                if makesIndexes { try makeIndexes() }
            }
        } catch {
            self.blueprint = nil
            subjects = WrittenSubjects()
            throw error
        }
        hasIndexes = hasIndexes || makesIndexes
        watermark = last
        self.lastFact = lastFact
        self.blueprint = blueprint
    }

    /// Rows that come in great numbers come faster without indexes, and these are made faster of all at once.
    private func makeIndexes() throws(StoreError) {
        for table in MirrorTables.all {
            for index in table.indexCreation { try database.execute(index) }
        }
    }

    // MARK: Subjects

    private func write(_ all: [StoredSubject], _ page: FactPage) throws(StoreError) {
        let numbers = all.map { MirrorValue.integer($0.number) }
        // What was merged into another is no subject any more.
        let subjects = all.filter { $0.alias == nil }
        let gone = all.filter { $0.alias != nil }.map { MirrorValue.integer($0.number) }
        try database.delete(gone, ofColumn: "number", from: MirrorTables.subjects)
        var known: [Int64: (id: String?, zones: [String?])] = [:]
        for row in try database.rows(
            ["number", "id", "time_zone", "calendar"], from: MirrorTables.subjects, where: "number",
            isOneOf: numbers)
        {
            if let number = row[0].integer {
                known[number] = (row[1].text, [row[2].text, row[3].text])
            }
        }
        try database.put(subjects.map { row($0) }, into: MirrorTables.subjects)
        for table in [MirrorTables.subscriptions, MirrorTables.overrides] {
            try database.delete(numbers, ofColumn: "subject_number", from: table)
        }
        try database.put(
            subjects.flatMap { subscriptionRows($0) }, into: MirrorTables.subscriptions)
        try database.put(subjects.flatMap { overrideRows($0) }, into: MirrorTables.overrides)
        for subject in subjects {
            guard let before = known[subject.number] else { continue }
            if let id = before.id, id != subject.profile.id.text {
                try rename(id, subject)
            }
            let zones = subject.profile.zones
            if before.zones != [zones.last, zones.mirrorName] {
                try moveDays(of: subject, page)
            }
        }
    }

    private func row(_ subject: StoredSubject) -> [MirrorValue] {
        let profile = subject.profile
        let account = profile.account ?? PersonAccount()
        return [
            .integer(subject.number), .text(profile.id.text), MirrorValue(profile.name),
            MirrorValue(profile.parent?.text), MirrorValue(profile.timeZone),
            MirrorValue(profile.zones.mirrorName), MirrorValue(profile.plan?.text),
            MirrorValue(profile.blocked), json(profile.metadata),
            MirrorValue(account.email?.text), MirrorValue(account.image),
            json(account.externalIDs), MirrorValue(account.active), instant(account.lastLoginAt),
            json(account.preferences), json(account.variables), instant(subject.times.createdAt),
            instant(subject.times.updatedAt),
        ]
    }

    private func subscriptionRows(_ subject: StoredSubject) -> [[MirrorValue]] {
        let all =
            [subject.profile.subscription].compactMap(\.self).map { ($0, false) }
            + subject.profile.scheduled.map { ($0.subscription, true) }
        return all.enumerated().map { place, entry in
            let (subscription, isScheduled) = entry
            // A subscription that was cancelled gives its plan as long as it was paid.
            let gives =
                subscription.status.givesPlan
                || subscription.status == .cancelled && subscription.expiresAt != nil
            return [
                .integer(subject.number), .integer(Int64(place)), .text(subject.profile.id.text),
                .text(subscription.plan.text), .text(subscription.status.rawValue),
                instant(subscription.startsAt), instant(subscription.expiresAt),
                instant(subscription.givesPlanUntil), MirrorValue(gives),
                MirrorValue(isScheduled), json(subscription.externalIDs),
                json(subscription.metadata),
            ]
        }
    }

    private func overrideRows(_ subject: StoredSubject) -> [[MirrorValue]] {
        subject.profile.overrides.map { limit, allowance in
            [
                .integer(subject.number), .text(limit.text), .text(subject.profile.id.text),
                .integer(allowance.wire),
            ]
        }
    }

    /// The subject's rows stand under its new key. Those of others that had the old one are not touched.
    private func rename(_ old: String, _ subject: StoredSubject) throws(StoreError) {
        for table in MirrorTables.ofSubjects {
            _ = try database.ask(
                """
                UPDATE \(table.name) SET subject = $1 WHERE subject = $2 AND subject_number = $3
                """,
                [.text(subject.profile.id.text), .text(old), .integer(subject.number)])
        }
    }

    /// The subject's usage falls on the days of another zone.
    private func moveDays(of subject: StoredSubject, _ page: FactPage) throws(StoreError) {
        var calendar = MirrorCalendar(page, dialect)
        let answer = try database.ask(
            """
            SELECT DISTINCT occurred_ms, day FROM usage WHERE subject = $1 AND subject_number = $2
            """, [.text(subject.profile.id.text), .integer(subject.number)])
        for row in answer.rows {
            guard let occurred = row[0].integer else { continue }
            let day = calendar.day(
                of: Instant(millisecondsSince1970: occurred), inZoneOf: subject.profile)
            guard day != row[1].text else { continue }
            _ = try database.ask(
                """
                UPDATE usage SET day = \(dialect.date("$1"))
                WHERE subject = $2 AND subject_number = $3 AND occurred_ms = $4
                """,
                [
                    .text(day), .text(subject.profile.id.text), .integer(subject.number),
                    .integer(occurred),
                ])
        }
        try database.put(calendar.rows, into: MirrorTables.days)
    }

    // MARK: Meters, plans and limits

    private func knownBlueprint() throws(StoreError) -> Blueprint {
        var blueprint = Blueprint()
        for table in [MirrorTables.meters, MirrorTables.plans, MirrorTables.limits] {
            let kind = String(table.name.dropLast())
            for row in try database.ask("SELECT definition FROM \(table.name)").rows {
                try blueprint.add(kind: kind, body: row[0].text ?? "")
            }
        }
        return blueprint
    }

    private func write(
        _ new: Blueprint, insteadOf old: Blueprint, _ page: FactPage
    ) throws(StoreError) {
        let tables: [(MirrorTable, [[MirrorValue]])] = [
            (
                MirrorTables.meters,
                try new.meters.map { (meter) throws(StoreError) in try row(meter) }
            ),
            (MirrorTables.usageTypes, new.meters.usageTypes.map { [.text($0), .text($1)] }),
            (MirrorTables.plans, try new.plans.map { (plan) throws(StoreError) in try row(plan) }),
            (
                MirrorTables.limits,
                try new.limits.map { (limit) throws(StoreError) in try row(limit) }
            ),
            (MirrorTables.allowances, new.limits.flatMap { allowanceRows($0) }),
            (MirrorTables.limitSubjects, new.limits.flatMap { subjectRows($0) }),
        ]
        for (table, rows) in tables {
            try database.execute("DELETE FROM \(table.name)")
            try database.put(rows, into: table)
        }
        let before = Dictionary(old.meters.map { ($0.key, $0) }) { first, _ in first }
        let changed = new.meters.filter { meter in
            before[meter.key].map { !$0.countsLike(meter) } ?? true
        }
        let gone = Set(old.meters.map(\.key)).subtracting(new.meters.map(\.key))
        for key in changed.map(\.key) + gone {
            _ = try database.ask("DELETE FROM usage WHERE meter = $1", [.text(key.text)])
        }
        if !changed.isEmpty { try count(changed, page) }
    }

    /// Writes what every event adds to some meters.
    private func count(_ meters: [Meter], _ page: FactPage) throws(StoreError) {
        var last: Int64 = .min
        var calendar = MirrorCalendar(page, dialect)
        while true {
            let answer = try database.ask(
                """
                SELECT sequence, subject_number, teams, type, subtype, status, occurred_ms,
                    cost_billionths, quantities, dimensions, counts_when_aborted
                FROM events WHERE sequence > $1 AND \(dialect.isTrue("counts"))
                ORDER BY sequence LIMIT \(Self.eventsPerStep)
                """, [.integer(last)])
            guard let next = answer.rows.last?[0].integer else { break }
            let events = answer.rows.compactMap { CountedEvent($0) }
            let owners = try profiles(Set(events.flatMap(\.levels)))
            var rows: [[MirrorValue]] = []
            for event in events { rows += event.usageRows(meters, owners, &calendar) }
            try database.put(rows, into: MirrorTables.usage)
            last = next
        }
        try database.put(calendar.rows, into: MirrorTables.days)
    }

    /// Who subjects are, as far as days depend on it.
    private func profiles(_ numbers: Set<Int64>) throws(StoreError) -> [Int64: Subject] {
        var result: [Int64: Subject] = [:]
        for row in try database.rows(
            ["number", "id", "time_zone", "calendar"], from: MirrorTables.subjects, where: "number",
            isOneOf: numbers.map { .integer($0) })
        {
            guard let number = row[0].integer, let id = row[1].text else { continue }
            var profile = Subject(id: SubjectID(unchecked: id))
            profile.timeZone = row[2].text
            profile.formerZones = row[3].text.map { ZonesInTime(mirrorName: $0).former } ?? []
            result[number] = profile
        }
        return result
    }

    private func row(_ meter: Meter) throws(StoreError) -> [MirrorValue] {
        [
            .text(meter.key.text), .text(meter.aggregation.rawValue), MirrorValue(meter.unit),
            MirrorValue(meter.description), .text(try JSONText(meter).text),
        ]
    }

    private func row(_ plan: Plan) throws(StoreError) -> [MirrorValue] {
        [
            .text(plan.key.text), MirrorValue(plan.name), .integer(Int64(plan.rank)),
            MirrorValue(plan.isDefault), MirrorValue(plan.price?.millionths),
            .text(plan.billingPeriod.rawValue), MirrorValue(plan.description),
            .text(try JSONText(plan.features).text), .text(try JSONText(plan).text),
        ]
    }

    private func row(_ limit: Limit) throws(StoreError) -> [MirrorValue] {
        [
            .text(limit.key.text), .text(limit.meter.text), .text(limit.window.text),
            .text(limit.mode.rawValue), MirrorValue(limit.active),
            MirrorValue(limit.defaultAllowance?.wire), MirrorValue(limit.description),
            .text(try JSONText(limit).text),
        ]
    }

    private func allowanceRows(_ limit: Limit) -> [[MirrorValue]] {
        limit.allowances.map { plan, allowance in
            [.text(limit.key.text), .text(plan.text), .integer(allowance.wire)]
        }
    }

    private func subjectRows(_ limit: Limit) -> [[MirrorValue]] {
        Set(limit.subjects).sorted().map { pattern in
            let isTaken = pattern.first != LimitSubjects.exception
            return [
                .text(limit.key.text), .text(pattern), MirrorValue(isTaken),
                .text(dialect.pattern(isTaken ? pattern : String(pattern.dropFirst()))),
            ]
        }
    }

    // MARK: Values

    private func instant(_ instant: Instant?) -> MirrorValue {
        instant.map { dialect.value($0) } ?? .null
    }

    private func json(_ values: [String: some Encodable]) -> MirrorValue {
        guard !values.isEmpty, let json = try? JSONText(values).text else { return .null }
        return .text(json)
    }
}

extension MirrorDialect {
    /// Finds a table by its name.
    fileprivate func tableNamed(_ name: String) -> String {
        switch self {
        case .sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '\(name)'"
        case .postgres: "SELECT 1 WHERE to_regclass('\(name)') IS NOT NULL"
        }
    }

    /// Finds an index by its name.
    fileprivate func indexNamed(_ name: String) -> String {
        switch self {
        case .sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = '\(name)'"
        case .postgres: "SELECT 1 WHERE to_regclass('\(name)') IS NOT NULL"
        }
    }

    fileprivate func date(_ text: String) -> String {
        self == .sqlite ? text : "\(text)::text::date"
    }

    fileprivate func isTrue(_ column: String) -> String {
        self == .sqlite ? "\(column) = 1" : column
    }
}

extension FollowedFact {
    /// What tells the fact from one of another store that has its number. Ids and keys are left out: those of
    /// erased persons are others once the store is compacted.
    package var words: String {
        switch content {
        case .usage(let record): "usage at \(record.recordedAt.rfc3339)"
        case .correction(let correction): "correction at \(correction.recordedAt.rfc3339)"
        case .entry(let entry): "\(entry.kind.name) \(entry.amount) at \(entry.recordedAt.rfc3339)"
        case .change(let change): "change at \(change.recordedAt.rfc3339)"
        }
    }
}

extension Meter {
    /// Whether events mean the same to both.
    fileprivate func countsLike(_ other: Meter) -> Bool {
        var (one, other) = (self, other)
        (one.unit, other.unit) = (nil, nil)
        (one.description, other.description) = (nil, nil)
        return one == other
    }
}

extension [Meter] {
    /// What usage is called, and the meter that tells it: each meter by its key, and by the first type of its
    /// events where it counts these events.
    fileprivate var usageTypes: [(String, String)] {
        var result = map { ($0.key.text, $0.key.text) }
        var known = Set(map(\.key.text))
        for meter in sorted(by: { $0.key < $1.key }) where meter.quantityName == nil {
            guard meter.aggregation == .sum || meter.aggregation == .count,
                meter.counts == .quantities, let type = meter.eventTypes.first,
                known.insert(type).inserted
            else { continue }
            result.append((type, meter.key.text))
        }
        return result
    }
}
