import MeterstoneCore
import MeterstoneStore

/// Looks event ids up in the sealed runs.
extension SQLiteSource {
    func locations(of id: EventID, source: String?) throws(StoreError) -> [EventLocation] {
        let key = id.key(source: source)
        var result: [EventLocation] = []
        for run in try idRuns() {
            let blocks = run.blocks(of: key)
            guard !blocks.isEmpty, try mayContain(key, run) else { continue }
            for number in blocks {
                result += try idBlock(number, of: run.number).locations(of: key)
            }
        }
        return result
    }

    /// The runs that count in this snapshot.
    func idRuns() throws(StoreError) -> [IDRun] {
        if let knownRuns { return knownRuns }
        var runs: [IDRun] = []
        let rows = try statement(EventIDStatements.runs)
        defer { rows.reset() }
        while try rows.step() {
            let number = rows.int(0)
            if let known = cache.run(number) {
                runs.append(known)
            } else {
                runs.append(cache.keep(try idRun(rows)))
            }
        }
        knownRuns = runs
        return runs
    }

    func idRunNumbers() throws(StoreError) -> [Int64] {
        let rows = try statement(EventIDStatements.numbers)
        defer { rows.reset() }
        var result: [Int64] = []
        while try rows.step() { result.append(rows.int(0)) }
        return result
    }

    private func idRun(_ row: Statement) throws(StoreError) -> IDRun {
        let number = row.int(0)
        guard let count = Int(exactly: row.int(1)), count > 0,
            let keys = try? IDRun.keys(reading: row.bytes(3)),
            keys.count == (count - 1) / IDBlock.entriesMax + 1
        else { throw .damagedRun(number) }
        return IDRun(
            number: number, count: count, firstKeys: keys,
            lastKey: UInt64(bitPattern: row.int(2)),
            filter: cache.hasRoom(forKeys: count) ? try idFilter(number, count) : nil)
    }

    func idFilter(_ run: Int64, _ count: Int) throws(StoreError) -> IDFilter {
        var parts: [[UInt8]] = []
        for part in 0..<IDFilter.parts(forKeys: count) {
            parts.append(try idBody(at: BlockPlace.part(part, of: run), of: run))
        }
        do throws(MalformedRecord) {
            return try IDFilter(count: count, parts: parts)
        } catch {
            throw .damagedRun(run)
        }
    }

    private func mayContain(_ key: UInt64, _ run: IDRun) throws(StoreError) -> Bool {
        if let filter = run.filter { return filter.mayContain(key) }
        let part = IDFilter.part(of: key, amongKeys: run.count)
        let body = try idBody(at: BlockPlace.part(part, of: run.number), of: run.number)
        do throws(MalformedRecord) {
            return try IDFilter.mayContain(key, amongKeys: run.count, part: body)
        } catch {
            throw .damagedRun(run.number)
        }
    }

    func idBlock(_ number: Int, of run: Int64) throws(StoreError) -> IDBlock {
        let body = try idBody(at: BlockPlace.block(number, of: run), of: run)
        do throws(MalformedRecord) { return try IDBlock(reading: body) } catch {
            throw .damagedRun(run)
        }
    }

    private func idBody(at place: Int64, of run: Int64) throws(StoreError) -> [UInt8] {
        let statement = try statement(EventIDStatements.body)
        defer { statement.reset() }
        statement.bind(1, place)
        idBodiesRead += 1
        guard try statement.step() else { throw .damagedRun(run) }
        return statement.bytes(0)
    }
}

extension StoreError {
    fileprivate static func damagedRun(_ number: Int64) -> StoreError {
        StoreError(
            code: .corrupt,
            message: "run \(number) of the index of event ids is damaged; `meterstone rebuild` "
                + "writes it anew from the events")
    }
}
