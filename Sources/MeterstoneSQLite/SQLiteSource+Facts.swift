import MeterstoneCore
import MeterstoneStore

/// The tables, read by when facts were recorded.
extension SQLiteSource {
    /// The first facts between two that followers have a use for, and whether there are more.
    ///
    /// Runs are sorted by subject, so that each that may have one is read. Those that were sealed last have
    /// the facts that followers ask for as a rule; who begins at the first fact reads a day that was merged
    /// once for each page.
    func facts(
        after first: Int64, through last: Int64, count: Int
    ) throws(StoreError) -> (facts: [RawFact], isAll: Bool) {
        var found = FirstFacts(count: count, through: last)
        for run in try runs(after: first, through: last) {
            // Runs come in the order of their first facts.
            if let start = run.sequences?.lowerBound, found.leavesOut(from: start) { break }
            for number in 0..<run.blocks {
                let block = try eventBlock(number, of: run.number)
                for place in 0..<block.count {
                    let sequence = block.sequences[place]
                    guard sequence > first, sequence <= found.last,
                        block.body(at: place).first != FactKind.member.rawValue
                    else { continue }
                    found.add(
                        RawFact(
                            sequence: sequence, subject: block.subjects[place],
                            body: Array(block.body(at: place))), sequence)
                }
            }
        }
        for change in try changes(after: first, count: count + 1) {
            found.add(RawFact(change), change.sequence)
        }
        let entries = try statement(LedgerStatements.between)
        defer { entries.reset() }
        entries.bind(1, first)
        entries.bind(2, last)
        entries.bind(3, Int64(count) + 1)
        while try entries.step() {
            let sequence = entries.int(1)
            found.add(
                RawFact(sequence: sequence, subject: entries.int(0), body: entries.bytes(2)),
                sequence)
        }
        return found.sorted()
    }

    private func runs(after first: Int64, through last: Int64) throws(StoreError) -> [EventRun] {
        let rows = try statement(EventRunStatements.between)
        defer { rows.reset() }
        rows.bind(1, first)
        rows.bind(2, last)
        var runs: [EventRun] = []
        while try rows.step() { runs.append(EventRun(rows)) }
        return runs
    }
}
