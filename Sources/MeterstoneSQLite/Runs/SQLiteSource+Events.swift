import MeterstoneCore
import MeterstoneStore

/// Reads facts about usage from the sealed runs: those that have a row are at or before the watermark.
extension SQLiteSource {
    func body(at location: EventLocation) throws(StoreError) -> [UInt8]? {
        for run in try eventRuns(of: location.day)
        where run.sequences?.contains(location.sequence) ?? false {
            var found: [UInt8]?
            try forEachFact(
                of: location.subject, from: location.sequence, in: run
            ) { (block, place) throws(StoreError) in
                if block.sequences[place] == location.sequence {
                    found = Array(block.body(at: place))
                }
                return false
            }
            if let found { return found }
        }
        return nil
    }

    func facts(of subject: Int64, days: ClosedRange<Int64>) throws(StoreError) -> [StoredFact] {
        var result: [StoredFact] = []
        var next: Int64? = days.lowerBound
        while let from = next, let day = try firstDay(from: from), day <= days.upperBound {
            var ofDay: [StoredFact] = []
            for run in try eventRuns(of: day) {
                try forEachFact(of: subject, from: .min, in: run) {
                    (block, place) throws(StoreError) in
                    ofDay.append(block.fact(at: place))
                    return true
                }
            }
            result += ofDay.sorted { $0.sequence < $1.sequence }
            next = day == .max ? nil : day + 1
        }
        return result
    }

    /// Corrections of one event, by sequence.
    func corrections(of event: EventLocation) throws(StoreError) -> [StoredFact] {
        let rows = try statement(EventRunStatements.correctionsOfEvent)
        rows.bind(1, event.day)
        rows.bind(2, event.subject)
        rows.bind(3, event.sequence)
        rows.bind(4, try watermark())
        var sequences: [Int64] = []
        while try rows.step() { sequences.append(rows.int(0)) }
        rows.reset()
        var result: [StoredFact] = []
        for sequence in sequences.sorted() {
            let location = EventLocation(
                day: event.day, subject: event.subject, sequence: sequence)
            guard let body = try body(at: location) else {
                throw StoreError(
                    code: .corrupt, message: "the correction with sequence \(sequence) is not there"
                )
            }
            result.append(StoredFact(sequence: sequence, body: body))
        }
        return result
    }

    func firstDay(from day: Int64) throws(StoreError) -> Int64? {
        let statement = try statement(EventRunStatements.firstDay)
        defer { statement.reset() }
        statement.bind(1, day)
        return try statement.step() && !statement.isNull(0) ? statement.int(0) : nil
    }

    func lastDay(until day: Int64) throws(StoreError) -> Int64? {
        let statement = try statement(EventRunStatements.lastDay)
        defer { statement.reset() }
        statement.bind(1, day)
        return try statement.step() && !statement.isNull(0) ? statement.int(0) : nil
    }

    /// Of each day, the blocks that the times in their rows say are next.
    func usage(
        of subject: Int64, within span: ClosedRange<Instant>, _ order: ReadingOrder,
        _ visit: (_ facts: [StoredFact], _ rest: Instant) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let days = span.lowerBound.utcDay...span.upperBound.utcDay
        var next: Int64? = order.first(days)
        while let from = next, days.contains(from) {
            let day = try order == .newestFirst ? lastDay(until: from) : firstDay(from: from)
            guard let day, days.contains(day) else { return }
            let blocks = try blocks(of: subject, day: day).filter { $0.times.overlaps(span) }
                .sorted { order.precedes(order.first($0.times), order.first($1.times)) }
            let end = order.first(order == .newestFirst ? .ofDay(day &- 1) : .ofDay(day &+ 1))
            for (place, block) in blocks.enumerated() {
                let facts = try facts(of: subject, in: block)
                let rest = place + 1 < blocks.count ? order.first(blocks[place + 1].times) : end
                if !facts.isEmpty {
                    guard try visit(facts, rest) else { return }
                }
            }
            next = order == .newestFirst ? day &- 1 : day &+ 1
        }
    }

    func scan(
        days: ClosedRange<Int64>,
        _ visit: (_ day: Int64, _ subject: Int64, _ fact: StoredFact) throws(StoreError) -> Void
    ) throws(StoreError) {
        var next: Int64? = days.lowerBound
        while let from = next, let day = try firstDay(from: from), day <= days.upperBound {
            var cursors = EventCursors(try eventRuns(of: day))
            while let (block, place, _) = try cursors.next(self) {
                try visit(day, block.subjects[place], block.fact(at: place))
            }
            next = day == .max ? nil : day + 1
        }
    }

    // MARK: Blocks

    private struct Block {
        let run: Int64
        let number: Int
        /// From when to when what is in it occurred, of other subjects as well.
        let times: ClosedRange<Instant>
    }

    /// The blocks of a day that may have something of a subject.
    private func blocks(of subject: Int64, day: Int64) throws(StoreError) -> [Block] {
        var result: [Block] = []
        for run in try eventRuns(of: day) {
            for sql in [EventRunStatements.blockBefore, EventRunStatements.blocksOfSubject] {
                let rows = try statement(sql)
                defer { rows.reset() }
                rows.bind(1, run.number)
                rows.bind(2, subject)
                while try rows.step() {
                    result.append(
                        Block(
                            run: run.number, number: BlockPlace.number(of: rows.int(0)),
                            times: times(rows, from: 1, in: run)))
                }
            }
        }
        return result
    }

    private func facts(of subject: Int64, in block: Block) throws(StoreError) -> [StoredFact] {
        let facts = try eventBlock(block.number, of: block.run)
        let start = facts.place(of: subject, sequence: .min)
        let end = max(start, facts.place(of: subject, sequence: .max))
        return (start..<end).map { facts.fact(at: $0) }
    }

    /// From when to when what is in a block occurred.
    func times(of block: EventBlock, in run: EventRun) throws(StoreError) -> ClosedRange<Instant> {
        let rows = try statement(EventRunStatements.timesOfBlock)
        defer { rows.reset() }
        rows.bind(1, run.number)
        rows.bind(2, block.subjects[0])
        rows.bind(3, block.sequences[0])
        return try rows.step() ? times(rows, from: 0, in: run) : run.times
    }

    private func times(
        _ rows: Statement, from column: Int32, in run: EventRun
    ) -> ClosedRange<Instant> {
        let (earliest, latest) = (rows.int(column), rows.int(column + 1))
        guard !rows.isNull(column), !rows.isNull(column + 1), earliest <= latest else {
            return run.times
        }
        return Instant(
            millisecondsSince1970: earliest)...Instant(millisecondsSince1970: latest)
    }

    // MARK: Runs

    /// The runs of a day in this snapshot.
    func eventRuns(of day: Int64) throws(StoreError) -> [EventRun] {
        let rows = try statement(EventRunStatements.ofDay)
        defer { rows.reset() }
        rows.bind(1, day)
        var runs: [EventRun] = []
        while try rows.step() { runs.append(EventRun(rows)) }
        return runs
    }

    /// Visits a subject's facts in a run, from a sequence number on, until `visit` says `false`.
    private func forEachFact(
        of subject: Int64, from sequence: Int64, in run: EventRun,
        _ visit: (EventBlock, Int) throws(StoreError) -> Bool
    ) throws(StoreError) {
        var number = try startBlock(of: subject, sequence, in: run)
        while number < run.blocks {
            let block = try eventBlock(number, of: run.number)
            var place = block.place(of: subject, sequence: sequence)
            while place < block.count {
                guard block.subjects[place] == subject, try visit(block, place) else { return }
                place += 1
            }
            number += 1
        }
    }

    /// The last block that begins at a fact or before it; the first one where none does.
    func startBlock(
        of subject: Int64, _ sequence: Int64, in run: EventRun
    ) throws(StoreError) -> Int {
        let statement = try statement(EventRunStatements.startBlock)
        defer { statement.reset() }
        statement.bind(1, run.number)
        statement.bind(2, subject)
        statement.bind(3, sequence)
        return try statement.step() ? BlockPlace.number(of: statement.int(0)) : 0
    }

    func eventBlock(_ number: Int, of run: Int64) throws(StoreError) -> EventBlock {
        let statement = try statement(EventRunStatements.body)
        defer { statement.reset() }
        statement.bind(1, BlockPlace.block(number, of: run))
        guard try statement.step() else { throw .damagedEvents(run) }
        do throws(MalformedRecord) {
            return try EventBlock(reading: statement.bytes(0))
        } catch {
            throw .damagedEvents(run)
        }
    }
}

extension StoreError {
    fileprivate static func damagedEvents(_ run: Int64) -> StoreError {
        StoreError(code: .corrupt, message: "run \(run) of the stored events is damaged")
    }
}
