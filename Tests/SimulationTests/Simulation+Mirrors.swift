import MeterstoneCore
import MeterstoneMirror
import MeterstoneStore
import MeterstoneTesting

/// The mirrors of a simulation: of the SQLite store in SQLite, and of the nodes in PostgreSQL.
final class SimulatedMirrors {
    private let places: [(name: String, location: MirrorLocation)]
    private var open: [(database: any MirrorDatabase, writer: MirrorWriter)?] = [nil, nil]
    private let zone: String

    init(folder: String, database: String, zone: String) {
        places = [
            ("mirror in SQLite", .file(folder + "/mirror.db")),
            ("mirror in PostgreSQL", .postgres(database)),
        ]
        self.zone = zone
    }

    var names: [String] { places.map(\.name) }

    /// Goes on where it was, wherever that is.
    func writer(_ place: Int) throws -> (database: any MirrorDatabase, writer: MirrorWriter) {
        if let known = open[place] { return known }
        let database = try places[place].location.open()
        let new = (database, try MirrorWriter(database, defaultTimeZone: zone))
        open[place] = new
        return new
    }

    /// Leaves the databases as they are, as a process does that ends.
    func stop() {
        for mirror in open { mirror?.database.close() }
        open = [nil, nil]
    }
}

extension Simulation {
    /// Lets mirrors take some facts, and stops them now and then.
    mutating func mirror(atMost pages: Int) throws {
        for (place, store) in [(0, try current), (1, nodes[0])] as [(Int, any Store)] {
            let (_, writer) = try mirrors.writer(place)
            for _ in 0..<pages {
                let page = try store.facts(
                    after: writer.watermark, count: Int(world.number(1...40)))
                try writer.write(page, at: world.now)
                if page.isLast { break }
            }
        }
        if world.percent(20) { mirrors.stop() }
    }

    /// Has the mirrors take everything, and compares what they say with what the stores say.
    mutating func compareMirrors() throws {
        try mirror(atMost: .max)
        for (place, store) in [(0, try current), (1, nodes[0])] as [(Int, any Store)] {
            let name = mirrors.names[place]
            let (database, _) = try mirrors.writer(place)
            for id in World.subjects + World.teams {
                let view = try store.view(of: id)
                for meter in view.catalog.blueprint.meters {
                    try compare(name, database, store, view, id, meter)
                }
            }
            try compareLedgers(name, database, store)
            try compareEventRows(name, database, store)
        }
    }

    /// Every day, every month and the whole time of a meter.
    private func compare(
        _ name: String, _ database: any MirrorDatabase, _ store: any Store, _ view: StoreView,
        _ id: SubjectID, _ meter: Meter
    ) throws {
        let key = [MirrorValue.text(id.text), .text(meter.key.text)]
        let days = try database.ask(
            "SELECT day, quantity FROM usage_by_day WHERE subject = $1 AND meter = $2 ORDER BY day",
            key)
        let months = try database.ask(
            "SELECT month, quantity FROM usage_by_month WHERE subject = $1 AND meter = $2 "
                + "ORDER BY month", key)
        let lifetime = try database.ask(
            "SELECT quantity FROM usage_lifetime WHERE subject = $1 AND meter = $2", key)
        let zone = model.zone(id)
        for (window, rows, length) in [(Window.day, days.rows, 10), (.month, months.rows, 7)] {
            var expected: [String] = []
            // Where nothing is told nothing is there to compare, but its neighbours are.
            for row in rows {
                let text = (row[0].text ?? "") + (length == 7 ? "-15" : "")
                let date = try Self.date(text)
                // The day of a flight may have no noon.
                let span = window.span(containing: zone.start(of: date), in: zone, anchor: nil)
                let quantity = try told(store, view, id, meter, span, window)
                expected.append("\(row[0].text ?? "") \(quantity)")
            }
            try expect(
                rows.map { "\($0[0].text ?? "") \($0[1].integer ?? -1)" }, expected,
                "\(name), \(meter.key) of \(id) per \(window)")
        }
        let whole = try told(store, view, id, meter, .lifetime, .lifetime)
        try expect(
            lifetime.rows.first.map { $0[0].integer ?? -1 } ?? (whole < 0 ? whole : 0), whole,
            "\(name), \(meter.key) of \(id) in all")
        // What was added up by day is all there is.
        guard meter.aggregation == .sum || meter.aggregation == .count else { return }
        try expect(
            days.rows.reduce(0) { $0 + ($1[1].integer ?? 0) }, whole,
            "\(name), \(meter.key) of \(id), all days")
    }

    private static func date(_ text: String) throws -> CivilDate {
        guard let date = CivilDate(text) else { throw Difference("'\(text)' is no day") }
        return date
    }

    /// What rows tell: of a gauge the readings of the span, and nothing of what it comes to over time.
    private func told(
        _ store: any Store, _ view: StoreView, _ id: SubjectID, _ meter: Meter,
        _ span: WindowSpan, _ window: Window
    ) throws -> Int64 {
        switch meter.aggregation {
        case .integral: -1
        case .gauge: model.level(model.worths(id, meter, [:], in: span), at: .latest)
        default: try quantity(store, view, meter, [span], window)
        }
    }

    private func quantity(
        _ store: any Store, _ view: StoreView, _ meter: Meter, _ spans: [WindowSpan],
        _ window: Window
    ) throws -> Int64 {
        try store.read(view) { (source) throws(StoreError) in
            // Of events that are told for later the mirror knows no better.
            try UsageReader(view, source, now: .latest).points(
                of: meter, over: spans, window: window)
        }.first?.quantity.units ?? -1
    }

    private func compareLedgers(
        _ name: String, _ database: any MirrorDatabase, _ store: any Store
    ) throws {
        let rows = try database.ask(
            "SELECT subject, amount, balance_after FROM ledger ORDER BY sequence"
        ).rows.map { "\($0[0].text ?? "") \($0[1].integer ?? 0) \($0[2].integer ?? 0)" }
        var expected: [String] = []
        try forEachFact(store) { fact, page in
            guard case .entry(let entry) = fact.content else { return }
            let id = page.subjects[fact.subject]?.profile.id.text ?? ""
            expected.append("\(id) \(entry.amount) \(entry.balanceAfter)")
        }
        try expect(rows, expected, "\(name), ledger")
    }

    /// Every event as it counts now, each once.
    private func compareEventRows(
        _ name: String, _ database: any MirrorDatabase, _ store: any Store
    ) throws {
        let rows = try database.ask(
            """
            SELECT e.sequence, e.id, e.subject, e.status, e.counts, e.voided, (
                SELECT COUNT(*) FROM corrections c WHERE c.event_sequence = e.sequence)
            FROM events e ORDER BY e.sequence
            """
        ).rows.map { row in row.map { $0.text ?? "" }.joined(separator: " ") }
        var records: [Int64: (record: UsageRecord, subject: String, corrections: Int, void: Bool)] =
            [:]
        try forEachFact(store) { fact, page in
            switch fact.content {
            case .usage(let record):
                let id = page.subjects[fact.subject]?.profile.id.text ?? ""
                records[fact.sequence] = (record, id, 0, false)
            case .correction(let correction):
                records[correction.target]?.corrections += 1
                if let after = correction.after { records[correction.target]?.record = after }
                records[correction.target]?.void = correction.after == nil
            case .entry, .change: break
            }
        }
        let expected = records.sorted { $0.key < $1.key }.map { sequence, event in
            let counts = !event.void && event.record.isCounted
            let status = (event.record.details ?? .none).status.rawValue
            return "\(sequence) \(event.record.id) \(event.subject) \(status) \(counts ? 1 : 0) "
                + "\(event.void ? 1 : 0) \(event.corrections)"
        }
        try expect(rows, expected, "\(name), events")
    }

    private func forEachFact(
        _ store: any Store, _ visit: (FollowedFact, FactPage) throws -> Void
    ) throws {
        var position: Int64 = 0
        while true {
            let page = try store.facts(after: position, count: 1_000)
            for fact in page.facts { try visit(fact, page) }
            guard let last = page.lastSequence, !page.isLast else { return }
            position = last
        }
    }
}
